//! Simulates the detectors: false alarms, delays, onsets and ends.
//!
//! `cargo run --release -p evenkeel-skew --example simulate`

#![allow(
    clippy::expect_used,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a simulation with numbers of its own"
)]

use evenkeel_skew::{Expected, Finding, ShareDetector, Side, Terms};

#[path = "../tests/detection/traffic.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod traffic;
use traffic::{Arrivals, Traffic};

const SEED: u64 = 1;
const TERMS: Terms = Terms {
    tolerance: 0.25,
    false_alarm_ticks: 90.0 * 86_400.0,
    recovery_ticks: 86_400.0,
    warm_up_ticks: 60,
};

fn equal(backends: usize) -> Expected {
    Expected::from_weights(&vec![1.0; backends]).expect("weights are positive")
}

fn main() {
    println!(
        "even traffic: arrivals, backends, rate, hours, alarms, suspect ticks, even ticks, mean phi"
    );
    for arrivals in [
        Arrivals::Independent,
        Arrivals::InTurn,
        Arrivals::Clumps(8),
        Arrivals::RandomClumps(8.0),
        Arrivals::SlowClumps(8),
    ] {
        for (backends, rate) in [
            (2, 50.0),
            (10, 50.0),
            (10, 5.0),
            (10, 0.5),
            (50, 50.0),
            (10, 1000.0),
        ] {
            even(arrivals, backends, rate);
        }
    }
    println!(
        "one at twice its load: arrivals, backends, rate, bound, delays 5 50 95 %, onset error, wrong names, end"
    );
    for arrivals in [
        Arrivals::Independent,
        Arrivals::InTurn,
        Arrivals::Clumps(8),
        Arrivals::RandomClumps(8.0),
    ] {
        for (backends, rate) in [(2, 50.0), (10, 50.0), (10, 5.0), (50, 50.0), (10, 1000.0)] {
            doubled(arrivals, backends, rate, 2.0);
        }
    }
    println!("one dead");
    for arrivals in [Arrivals::Independent, Arrivals::Clumps(8)] {
        for (backends, rate) in [(2, 50.0), (10, 50.0), (10, 5.0), (50, 50.0)] {
            doubled(arrivals, backends, rate, 0.0);
        }
    }
}

fn even(arrivals: Arrivals, backends: usize, rate: f64) {
    let hours = if rate > 500.0 { 10 } else { 100 };
    let mut traffic = Traffic::new(SEED, arrivals, rate, vec![1.0; backends]);
    let mut detector = ShareDetector::new(&equal(backends), TERMS);
    let (mut alarms, mut suspect, mut even, mut phi) = (0, 0, 0, 0.0);
    let ticks = hours * 3600;
    for _ in 0..ticks {
        detector.observe(traffic.tick());
        phi += detector.dispersion();
        match detector.finding() {
            Finding::Skewed => {
                alarms += 1;
                detector.reset();
            }
            Finding::Suspect => suspect += 1,
            Finding::Even => even += 1,
            Finding::Unknown => {}
        }
    }
    println!(
        "{arrivals:?} k={backends} {rate}/s {hours} h: {alarms} alarms, {suspect} suspect, {even} even, phi {:.2}",
        phi / f64::from(ticks)
    );
}

fn doubled(arrivals: Arrivals, backends: usize, rate: f64, load: f64) {
    let (mut delays, mut onsets, mut ends, mut wrong) = (Vec::new(), Vec::new(), Vec::new(), 0);
    let mut bound = 0.0;
    for run in 0..100 {
        let mut traffic = Traffic::new(SEED + run, arrivals, rate, vec![1.0; backends]);
        let mut detector = ShareDetector::new(&equal(backends), TERMS);
        for _ in 0..1800 {
            detector.observe(traffic.tick());
        }
        bound += detector.detection_ticks(rate) / 100.0;
        traffic.loads[0] = load;
        if arrivals == Arrivals::InTurn {
            traffic.arrivals = Arrivals::Independent;
        }
        let mut delay = 0_u32;
        while detector.finding() != Finding::Skewed && delay < 100_000 {
            detector.observe(traffic.tick());
            delay += 1;
        }
        delays.push(f64::from(delay));
        // Ticks 0, 1, ... after the change: the last one is delay - 1.
        onsets.push(detector.onset_ticks_ago().unwrap_or(0) as f64 - f64::from(delay - 1));
        let side = if load > 1.0 { Side::Hot } else { Side::Cold };
        let named = (0..backends)
            .filter(|&b| detector.side(b).is_some())
            .count();
        let mirrored = backends == 2 && named == 2;
        wrong += u32::from(detector.side(0) != Some(side) || (named != 1 && !mirrored));
        for _ in 0..600 {
            detector.observe(traffic.tick());
        }
        traffic.loads[0] = 1.0;
        let mut end = 0_u32;
        while detector.finding() == Finding::Skewed && end < 100_000 {
            detector.observe(traffic.tick());
            end += 1;
        }
        ends.push(f64::from(end));
    }
    let (d, o, e) = (quantiles(delays), quantiles(onsets), quantiles(ends));
    println!(
        "{arrivals:?} k={backends} {rate}/s: bound {bound:.0}, delay {d:?}, onset {o:?}, wrong {wrong} %, end {e:?}"
    );
}

fn quantiles(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_by(f64::total_cmp);
    [0.05, 0.5, 0.95].map(|q| values[(q * values.len() as f64) as usize])
}
