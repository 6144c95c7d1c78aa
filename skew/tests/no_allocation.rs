//! Measuring allocates nothing once the meter has seen its largest pool. Counted by the allocator itself.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use evenkeel_skew::{Expected, Meter};

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
