//! What Prometheus has: resets, gaps, several agents.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use evenkeel::backtest::{Basis, Quantity, Replay, Report, Scrapes};

/// Steps in a chunk.
const CHUNK: usize = 100;
const STEPS: usize = 400;
const STEP: Duration = Duration::from_secs(15);
const BEGAN: u64 = 1_800_000_000;

/// What a backend had opened at a step: the second one gets three times its part from step 300 on.
fn opened(backend: usize, step: usize) -> f64 {
    let skewed = step.saturating_sub(300) * usize::from(backend == 1) * 800;
    (step * 400 + skewed) as f64
}

/// Replays what `sample` says of the backends of two agents at each step; `None` where there is no sample.
fn replay(sample: impl Fn(usize, usize) -> Option<f64>) -> Report {
    let mut replay = Replay::new(Basis::default(), Vec::new());
    let mut scrapes = Scrapes::new(SystemTime::UNIX_EPOCH + Duration::from_secs(BEGAN), STEP);
    for first in (0..STEPS).step_by(CHUNK) {
        let mut chunk = Scrapes::chunk(first, CHUNK);
        for (instance, backend) in [("a", 0), ("a", 1), ("a", 2), ("b", 0), ("b", 2)] {
            let labels = [
                ("instance", instance.to_owned()),
                ("job", "evenkeel".to_owned()),
                ("pool", "shop".to_owned()),
                ("backend", format!("192.0.2.{}:80", backend + 1)),
            ];
            let labels: BTreeMap<_, _> = labels.map(|(key, value)| (key.to_owned(), value)).into();
            let points = (first..first + CHUNK).filter_map(|step| {
                let time = BEGAN as f64 + step as f64 * STEP.as_secs_f64();
                Some((time, sample(backend, step)?))
            });
            scrapes.add(&mut chunk, Quantity::Opened, &labels, points);
        }
        scrapes.take(&chunk, &mut replay).unwrap();
    }
    replay.finish()
}

#[test]
fn each_agent_is_replayed_on_its_own() {
    let report = replay(|backend, step| Some(opened(backend, step)));
    assert_eq!(report.span.agents, ["a job=evenkeel", "b job=evenkeel"]);
    assert_eq!(
        (report.span.ticks, report.span.missed),
        (2 * STEPS as u64, 0)
    );
    let [skewed, even] = report.outcomes[0].pools.as_slice() else {
        panic!("{report:#?}");
    };
    assert_eq!((skewed.backends, even.backends), (3, 2));
    assert_eq!((skewed.incidents.len(), even.incidents.len()), (1, 0));
    assert_eq!(skewed.incidents[0].hot[0].backend, "192.0.2.2:80");
}

#[test]
fn counters_that_were_reset_count_on() {
    let whole = replay(|backend, step| Some(opened(backend, step)));
    let reset = replay(|backend, step| {
        let before = if step > 250 {
            opened(backend, 250)
        } else {
            0.0
        };
        Some(opened(backend, step) - before)
    });
    assert_eq!(reset, whole);
}

#[test]
fn a_gap_is_told_and_no_skew_by_itself() {
    let even = |step: usize| (step * 400) as f64;
    let gap = replay(|_, step| (!(90..150).contains(&step)).then(|| even(step)));
    assert_eq!((gap.span.ticks, gap.span.missed), (2 * 340, 2 * 60));
    assert_eq!(gap.outcomes[0].incidents().count(), 0, "{gap:#?}");
    // A backend that is away meanwhile is no member meanwhile.
    let away = replay(|backend, step| (backend != 2 || step < 150).then(|| even(step)));
    assert_eq!(away.outcomes[0].incidents().count(), 0, "{away:#?}");
    assert_eq!(away.span.missed, 0);
}
