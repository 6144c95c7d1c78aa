//! Looking at sources: for the first time together, then each in a task of its own; and what becomes of it.

use std::collections::BTreeMap;
use std::time::SystemTime;

use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tracing::{info, warn};

use crate::discovery::{Audited, Finder, Names, SourceStatus, StaleFile, findings};
use crate::model::Source;

/// What came of a look.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) source: Source,
    pub(super) at: SystemTime,
    /// The message if it failed.
    pub(super) outcome: Result<Option<Audited>, String>,
}

pub(super) fn first_look(finders: &mut [Box<dyn Finder>], names: &Names) -> Vec<Report> {
    let report = |finder: &mut Box<dyn Finder>| look(&mut **finder, names);
    finders.iter_mut().map(report).collect()
}

fn look(finder: &mut dyn Finder, names: &Names) -> Report {
    let outcome = finder.look(names).map(|found| found.map(findings::audited));
    Report {
        source: finder.source(),
        at: SystemTime::now(),
        outcome: outcome.map_err(|error| format!("{error:#}")),
    }
}

pub(super) fn found(reports: &[Report]) -> BTreeMap<Source, Audited> {
    let found = reports.iter().filter_map(|report| {
        let discovered = report.outcome.as_ref().ok()?.clone()?;
        Some((report.source, discovered))
    });
    found.collect()
}

/// Looks at one source for ever.
pub(super) async fn watch_source(
    mut finder: Box<dyn Finder>,
    names: Names,
    reports: mpsc::Sender<Report>,
) {
    loop {
        tokio::time::sleep(finder.interval()).await;
        let names = names.clone();
        let looked = spawn_blocking(move || {
            let report = look(&mut *finder, &names);
            (finder, report)
        });
        // It panicked, or the agent is stopping.
        let Ok((same, report)) = looked.await else {
            return;
        };
        finder = same;
        if reports.send(report).await.is_err() {
            return;
        }
    }
}

/// Tells of files that could be read before and cannot now, and the other way round.
fn tell_stale(source: Source, before: &[StaleFile], now: &[StaleFile]) {
    let is_told = |stale: &&StaleFile| before.contains(stale);
    for StaleFile { file, error, .. } in now.iter().filter(|stale| !is_told(stale)) {
        warn!(%source, file, "a file of pools cannot be read, what it said last stays in force: {error}");
    }
    let is_still = |file: &str| now.iter().any(|stale| stale.file == file);
    for StaleFile { file, .. } in before.iter().filter(|stale| !is_still(&stale.file)) {
        info!(%source, file, "the file of pools is read again");
    }
}

/// Brings a source's status up to date, and tells of failures when they begin, change and end.
pub(super) fn note(
    status: &mut SourceStatus,
    at: SystemTime,
    outcome: &Result<Option<Audited>, String>,
) {
    let source = status.source;
    let failed = status.error.take();
    match outcome {
        Ok(discovered) => {
            if failed.is_some() {
                info!(%source, "the source of pools answers again");
            }
            status.last_success = Some(at);
            if let Some(Audited {
                pools,
                files,
                stale,
                ..
            }) = discovered
            {
                tell_stale(source, &status.stale, stale);
                status.stale.clone_from(stale);
                status.pools = pools.len();
                status.backends = pools.iter().map(|pool| pool.backends.len()).sum();
                status.files.clone_from(files);
            }
        }
        Err(error) => {
            if failed.as_ref() != Some(error) {
                warn!(%source, "the source of pools cannot be read, what it said last stays in force: {error}");
            }
            status.failures += 1;
            status.error = Some(error.clone());
        }
    }
}
