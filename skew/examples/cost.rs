//! Measures what deciding costs: 10,000 backends in 1,000 pools of ten, one core.
//!
//! `cargo run --release -p evenkeel-skew --example cost`

use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};

use evenkeel_skew::{Expected, FailureDetector, LevelDetector, ShareDetector, Terms};

#[path = "../tests/detection/traffic.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod traffic;
use traffic::{Arrivals, Traffic};

const POOLS: usize = 1000;
const BACKENDS: usize = 10;
const TERMS: Terms = Terms {
    tolerance: 0.25,
    false_alarm_ticks: 90.0 * 86_400.0,
    recovery_ticks: 86_400.0,
    warm_up_ticks: 60,
};

fn main() -> Result<(), Box<dyn Error>> {
    let expected = Expected::from_weights(&[1.0; BACKENDS])?;
    let mut traffic = Traffic::new(1, Arrivals::Independent, 50.0, vec![1.0; BACKENDS]);
    let ticks: Vec<Vec<u64>> = (0..997).map(|_| traffic.tick().to_vec()).collect();
    let levels: Vec<Vec<f64>> = ticks
        .iter()
        .map(|counts| counts.iter().map(|&count| 100.0 + count as f64).collect())
        .collect();
    let mut shares = vec![ShareDetector::new(&expected, TERMS); POOLS];
    let mut active = vec![LevelDetector::new(&expected, &TERMS, 60, 60); POOLS];
    let mut failures = vec![FailureDetector::new(BACKENDS, TERMS, 0.01); POOLS];
    let zeros = [0; BACKENDS];
    time("new connections", |tick| {
        for (pool, detector) in shares.iter_mut().enumerate() {
            detector.observe(&ticks[(tick + pool) % ticks.len()]);
        }
    });
    time("levels", |tick| {
        for (pool, detector) in active.iter_mut().enumerate() {
            detector.observe(&levels[(tick + pool) % ticks.len()], 1000.0);
        }
    });
    time("failures", |tick| {
        for (pool, detector) in failures.iter_mut().enumerate() {
            detector.observe(&zeros, &ticks[(tick + pool) % ticks.len()]);
        }
    });
    black_box((shares, active, failures));
    Ok(())
}

/// The fastest and the median of many ticks, after a warm-up.
fn time(what: &str, mut tick: impl FnMut(usize)) {
    let mut times: Vec<Duration> = (0..400)
        .map(|number| {
            let start = Instant::now();
            tick(number);
            start.elapsed()
        })
        .skip(100)
        .collect();
    times.sort_unstable();
    println!(
        "{what}: {:?} at best, {:?} in the median",
        times[0],
        times[times.len() / 2]
    );
}
