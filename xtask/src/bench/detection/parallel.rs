//! Many independent simulations on all processors.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context, Result};

/// The results of all jobs, in their order. Jobs are taken in order: put long ones first.
pub(super) fn in_parallel<Job: Sync, Outcome: Send>(
    jobs: &[Job],
    work: impl Fn(&Job) -> Outcome + Sync,
) -> Result<Vec<Outcome>> {
    let next = AtomicUsize::new(0);
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let mut outcomes = thread::scope(|scope| -> Result<Vec<(usize, Outcome)>> {
        let running: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    let mut done = Vec::new();
                    loop {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        let Some(job) = jobs.get(index) else {
                            return done;
                        };
                        done.push((index, work(job)));
                    }
                })
            })
            .collect();
        let mut all = Vec::new();
        for thread in running {
            all.extend(thread.join().ok().context("a simulation panicked")?);
        }
        Ok(all)
    })?;
    outcomes.sort_unstable_by_key(|(index, _)| *index);
    Ok(outcomes.into_iter().map(|(_, outcome)| outcome).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_jobs_are_done_and_stay_in_order() {
        let jobs: Vec<u64> = (0..100).collect();
        let outcomes = in_parallel(&jobs, |job| job * 2).unwrap();
        assert_eq!(outcomes, (0..100).map(|job| job * 2).collect::<Vec<_>>());
    }
}
