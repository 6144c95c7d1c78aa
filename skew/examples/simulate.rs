//! Simulates the detectors: false alarms, delays, onsets and ends.
//!
//! `cargo run --release -p evenkeel-skew --example simulate [edge | surprises | even | doubled | dead]`

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

const CLUMPED: [Arrivals; 3] = [
    Arrivals::Clumps(8),
    Arrivals::RandomClumps(8.0),
    Arrivals::SlowClumps(8),
];

fn main() {
    let mut all = vec![Arrivals::Independent, Arrivals::InTurn];
    all.extend(CLUMPED);
    let part = std::env::args().nth(1);
    let wanted = |name: &str| part.as_ref().is_none_or(|part| part == name);
    if wanted("edge") {
        println!("One backend at the edge of the tolerance, A = 3000");
        for arrivals in all
            .iter()
            .copied()
            .filter(|&arrivals| arrivals != Arrivals::InTurn)
        {
            for (backends, rate) in [(2, 50.0), (10, 50.0), (10, 2.0), (50, 50.0)] {
                edge(arrivals, backends, rate);
            }
        }
    }
    if wanted("surprises") {
        println!("Pools that know nothing yet, and independent connections that become clumped");
        for arrivals in CLUMPED {
            for (backends, rate) in [
                (2, 50.0),
                (10, 500.0),
                (10, 50.0),
                (10, 5.0),
                (10, 0.5),
                (50, 50.0),
            ] {
                surprises(arrivals, backends, rate);
            }
        }
    }
    if wanted("even") {
        println!("Even traffic");
        for &arrivals in &all {
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
    }
    for (name, load) in [("doubled", 2.0), ("dead", 0.0)] {
        if wanted(name) {
            println!("One backend {name}: 5th, 50th and 95th percentile");
            for &arrivals in &all {
                for (backends, rate) in [(2, 50.0), (10, 50.0), (10, 5.0), (50, 50.0), (10, 1000.0)]
                {
                    changed(arrivals, backends, rate, load);
                }
            }
        }
    }
}

/// One backend exactly at the upper end of the tolerance: the mean time between alarms over the promised one.
fn edge(arrivals: Arrivals, backends: usize, rate: f64) {
    let terms = Terms {
        false_alarm_ticks: 3000.0,
        ..TERMS
    };
    let share = 1.25 / backends as f64;
    let mut loads = vec![(1.0 - share) / (backends as f64 - 1.0); backends];
    loads[0] = share;
    let mut traffic = Traffic::new(SEED, arrivals, rate, loads);
    let mut detector = ShareDetector::new(&equal(backends), terms);
    let (ticks, mut alarms) = (1_000_000, 0);
    for _ in 0..ticks {
        detector.observe(traffic.tick());
        if detector.finding() == Finding::Skewed {
            alarms += 1;
            detector.reset();
        }
    }
    let ratio = f64::from(ticks) / f64::from(alarms) / terms.false_alarm_ticks;
    println!(
        "{arrivals:?} k={backends} {rate}/s: {alarms} alarms, {ratio:.2} of the promised time"
    );
}

/// Alarms in the first hour of many pools that know nothing yet, and in the hour after independent connections become
/// clumped.
fn surprises(arrivals: Arrivals, backends: usize, rate: f64) {
    let (mut first, mut change) = (0, 0);
    for run in 0..100 {
        let mut traffic = Traffic::new(SEED + run, arrivals, rate, vec![1.0; backends]);
        let mut detector = ShareDetector::new(&equal(backends), TERMS);
        let alarmed = |detector: &mut ShareDetector, traffic: &mut Traffic| {
            (0..3600).any(|_| {
                detector.observe(traffic.tick());
                detector.finding() == Finding::Skewed
            })
        };
        first += u32::from(alarmed(&mut detector, &mut traffic));
        let mut detector = ShareDetector::new(&equal(backends), TERMS);
        traffic.arrivals = Arrivals::Independent;
        alarmed(&mut detector, &mut traffic);
        traffic.arrivals = arrivals;
        change += u32::from(alarmed(&mut detector, &mut traffic));
    }
    println!(
        "{arrivals:?} k={backends} {rate}/s: of 100 pools {first} alarm in the first hour, {change} after the change"
    );
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

fn changed(arrivals: Arrivals, backends: usize, rate: f64, load: f64) {
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
