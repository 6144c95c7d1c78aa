//! Measuring allocates nothing once the meter has seen its largest pool, and detecting nothing at all. Counted by the
//! allocator itself.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use evenkeel_skew::{
    Expected, FailureDetector, Finding, LearnedShares, LevelDetector, Meter, ShareDetector, Terms,
};

thread_local! {
    /// Per thread, because the test harness allocates on its own threads.
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call is passed on unchanged to the system allocator, which keeps the contract. The counter is a constant
// initialised thread-local without destructor, so that touching it neither allocates nor fails.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`, and all memory comes from `System`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller keeps the contract of `realloc`, and all memory comes from `System`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(work: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.get();
    work();
    ALLOCATIONS.get() - before
}

#[test]
fn the_steady_state_does_not_allocate() {
    let weights: Vec<f64> = (0..10_000_u32).map(|i| f64::from(1 + i % 7)).collect();
    let counts: Vec<u64> = (0..10_000_u64).map(|i| i * 7919 % 1009).collect();
    let levels: Vec<f64> = counts.iter().map(|&count| count as f64 / 3.0).collect();
    let large = Expected::from_weights(&weights).unwrap();
    let small = Expected::from_weights(&weights[..10]).unwrap();
    let mut meter = Meter::new();

    let first = allocations(|| assert!(meter.measure(&large, &counts).unwrap().is_some()));
    assert!(first > 0, "the counter works");
    let later = allocations(|| {
        for _ in 0..100 {
            assert!(meter.measure(&large, &counts).unwrap().is_some());
            assert!(meter.measure(&small, &counts[..10]).unwrap().is_some());
            assert!(
                meter
                    .measure_levels(&large, &levels, 1e4)
                    .unwrap()
                    .is_some()
            );
            assert!(meter.measure_levels(&large, &levels[..10], 10.0).is_err());
        }
    });
    assert_eq!(later, 0);
}

#[test]
fn detectors_do_not_allocate_even_through_an_alarm_and_its_end() {
    let terms = Terms {
        tolerance: 0.25,
        false_alarm_ticks: 1e6,
        recovery_ticks: 1e3,
        warm_up_ticks: 10,
    };
    let expected = Expected::from_weights(&[1.0; 10]).unwrap();
    let even = [100; 10];
    let skewed = [300, 100, 100, 100, 100, 100, 100, 100, 100, 0];
    let mut shares = ShareDetector::new(&expected, terms);
    let mut levels = LevelDetector::new(&expected, &terms, 10, 60);
    let mut failures = FailureDetector::new(10, terms, 0.01);
    let mut learned = LearnedShares::new(10, 1e4, 100);
    let mut findings = Vec::with_capacity(1000);
    let count = allocations(|| {
        for tick in 0..1000 {
            let counts = if (300..600).contains(&tick) {
                &skewed
            } else {
                &even
            };
            shares.observe(counts);
            shares.expect(&expected);
            levels.observe(&counts.map(|count| count as f64), 1e5);
            failures.observe(&counts.map(|count| count - count.min(100)), counts);
            learned.observe(counts, shares.finding() == Finding::Skewed);
            findings.push((shares.finding(), levels.finding(), failures.finding()));
            assert!(shares.onset_ticks_ago().is_none_or(|ticks| ticks < 1000));
        }
    });
    assert_eq!(count, 0);
    for finding in [Finding::Even, Finding::Skewed] {
        assert!(findings.iter().any(|found| found.0 == finding));
        assert!(findings.iter().any(|found| found.1 == finding));
    }
    assert!(findings.iter().any(|found| found.2 == Finding::Skewed));
    assert_eq!(shares.finding(), Finding::Even);
}
