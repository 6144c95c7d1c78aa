//! Incidents on disk, so that a restart neither forgets nor repeats one.
//!
//! One file, `incidents.jsonl` in the configured directory, an incident a line, the newest first; replaced as a whole, so that
//! a crash leaves the old one or the new one.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::engine::INCIDENTS_KEPT;
use crate::model::{Incident, State};

const FILE: &str = "incidents.jsonl";

/// The least time between two writes: while many pools are skewed at once their figures change in every tick.
const PAUSE: Duration = Duration::from_secs(1);

/// The place where incidents are kept.
#[derive(Clone, Debug)]
pub struct History {
    directory: PathBuf,
}

/// Why incidents cannot be kept.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot keep incidents in {}, which `incidents.directory` names: {source}. Create the directory, and let the agent write to it",
    .path.display()
)]
pub struct HistoryError {
    /// The file or directory.
    pub path: PathBuf,
    /// What the system says.
    #[source]
    pub source: io::Error,
}

impl History {
    /// Opens the directory, which is made if its parent is there, and reads what an earlier run left. Lines that cannot be read
    /// are told in the log and left out.
    pub fn open(directory: &Path) -> Result<(Self, Vec<Incident>), HistoryError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| HistoryError { path, source }
        };
        if !directory.is_dir() {
            fs::create_dir(directory).map_err(failed(directory))?;
        }
        let history = Self {
            directory: directory.to_owned(),
        };
        let path = history.path();
        let incidents = match File::open(&path) {
            Ok(file) => read(BufReader::new(file), &path).map_err(failed(&path))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(failed(&path)(error)),
        };
        // Whether it can be written is better known now than at the first incident.
        write(&history.directory, incidents.iter()).map_err(failed(&path))?;
        Ok((history, incidents))
    }

    fn path(&self) -> PathBuf {
        self.directory.join(FILE)
    }

    /// Writes whatever changes, until `stop` is cancelled, and once more then.
    pub(crate) async fn keep(
        self,
        mut states: watch::Receiver<Arc<State>>,
        stop: CancellationToken,
    ) {
        let mut kept = Arc::clone(&states.borrow().incidents);
        let mut failing = false;
        loop {
            let running = tokio::select! {
                changed = states.changed() => changed.is_ok(),
                () = stop.cancelled() => false,
            };
            let incidents = Arc::clone(&states.borrow_and_update().incidents);
            if !Arc::ptr_eq(&incidents, &kept) {
                kept = Arc::clone(&incidents);
                self.store(incidents, &mut failing).await;
                if running {
                    tokio::select! {
                        () = tokio::time::sleep(PAUSE) => {}
                        () = stop.cancelled() => {}
                    }
                }
            }
            if !running {
                return;
            }
        }
    }

    /// Writes on a thread that may wait for the disk.
    async fn store(&self, incidents: Arc<[Arc<Incident>]>, failing: &mut bool) {
        let directory = self.directory.clone();
        let written = tokio::task::spawn_blocking(move || {
            write(&directory, incidents.iter().map(Arc::as_ref))
        })
        .await
        .unwrap_or_else(|error| Err(io::Error::other(error)));
        match &written {
            Ok(()) if *failing => {
                info!(directory = %self.directory.display(), "incidents are kept on disk again");
            }
            Err(error) if !*failing => warn!(
                directory = %self.directory.display(),
                %error,
                "incidents cannot be kept on disk: a restart of the agent would forget them"
            ),
            _ => {}
        }
        *failing = written.is_err();
    }
}

fn read(lines: impl BufRead, path: &Path) -> io::Result<Vec<Incident>> {
    let mut incidents = Vec::new();
    let mut unreadable = 0_u64;
    for line in lines.lines() {
        match serde_json::from_str(&line?) {
            Ok(incident) => incidents.push(incident),
            Err(_not_an_incident) => unreadable += 1,
        }
        if incidents.len() > 2 * INCIDENTS_KEPT {
            break;
        }
    }
    if unreadable > 0 {
        warn!(file = %path.display(), lines = unreadable, "these lines are no incidents of this version and were left out");
    }
    Ok(incidents)
}

fn write<'a>(directory: &Path, incidents: impl Iterator<Item = &'a Incident>) -> io::Result<()> {
    let temporary = directory.join(format!("{FILE}.new"));
    let mut file = BufWriter::new(File::create(&temporary)?);
    for incident in incidents {
        serde_json::to_writer(&mut file, incident)?;
        file.write_all(b"\n")?;
    }
    let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_all()?;
    fs::rename(&temporary, directory.join(FILE))
}
