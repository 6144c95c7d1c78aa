//! The balancers that run on this host, and the configuration that each of them was started with.
//!
//! Found by `/proc` alone: nothing is executed, no balancer is asked. A process in a container is read through
//! `/proc/<pid>/root`, where its own paths hold.

mod command_line;
mod kind;
mod process;
mod rooted;

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use evenkeel_balancers::{Configuration, Options, ReadError, read};

pub use self::kind::Kind;
use self::process::{Process, Table};
use self::rooted::Rooted;
use crate::audit::unreadable;

/// A file that was changed this short after the processes started may be what they read: the kernel tells starts to
/// 10 ms.
const GRAIN: Duration = Duration::from_millis(100);

/// A balancer that runs.
#[derive(Debug)]
pub struct Running {
    /// Which.
    pub kind: Kind,
    /// Its main process.
    pub pid: u32,
    /// When it read its configuration: when its workers started, or it itself if it has none.
    pub loaded: SystemTime,
    /// The configurations that its command line names, or the one that is built in.
    pub configurations: Vec<Used>,
}

/// A configuration that a process uses.
#[derive(Debug)]
pub struct Used {
    /// Its path, as the process sees it.
    pub path: PathBuf,
    /// What it says.
    pub outcome: Outcome,
}

/// What came of reading a configuration.
#[derive(Debug)]
pub enum Outcome {
    /// It was read.
    Read {
        /// What it says now.
        configuration: Configuration,
        /// Files of it that are newer than the workers: what they say now is not loaded.
        changed: Vec<Changed>,
    },
    /// It could not be read.
    Failed(ReadError),
    /// Configurations of this product are not understood.
    NotUnderstood,
}

/// A file that was changed after it was loaded.
#[derive(Debug)]
pub struct Changed {
    /// As the process sees it.
    pub file: String,
    /// When.
    pub modified: SystemTime,
}

/// Finds the balancers of this host, ordered by process id. Fails if `/proc` cannot be read.
pub fn find() -> io::Result<Vec<Running>> {
    let table = Table::read()?;
    let found = table.processes().filter_map(|process| {
        let kind = Kind::of(process).filter(|kind| kind.is_main(process, &table))?;
        let found = running(kind, process, &table);
        // One that ended meanwhile has no files to be seen.
        process::folder(found.pid).exists().then_some(found)
    });
    Ok(found.collect())
}

fn running(kind: Kind, process: &Process, table: &Table) -> Running {
    let workers = kind.workers(process, table);
    let loaded = kind.loaded(process, &workers);
    let paths = command_line::configurations(kind, process);
    let cpus = u32::try_from(workers.len())
        .ok()
        .filter(|_| kind == Kind::Nginx);
    let options = Options {
        // With `worker_processes auto` the workers are as many as the processors that nginx saw.
        cpus: cpus.filter(|workers| *workers > 0),
        ..Options::default()
    };
    let used = |path: PathBuf| Used {
        outcome: outcome(kind, process.pid, &path, loaded, &options),
        path,
    };
    Running {
        kind,
        pid: process.pid,
        loaded,
        configurations: paths.into_iter().map(used).collect(),
    }
}

fn outcome(kind: Kind, pid: u32, path: &Path, loaded: SystemTime, options: &Options) -> Outcome {
    let Some(product) = kind.product() else {
        return Outcome::NotUnderstood;
    };
    let files = match Rooted::of(pid) {
        Ok(files) => files,
        Err(error) => {
            let message = format!(
                "process {pid} does not let its files be seen ({error}); run as root, on the host"
            );
            return Outcome::Failed(unreadable(path, io::Error::new(error.kind(), message)));
        }
    };
    match read(product, &files, path, options) {
        Ok(configuration) => {
            let changed = changed(&configuration, &files, loaded);
            Outcome::Read {
                configuration,
                changed,
            }
        }
        Err(error) => Outcome::Failed(error),
    }
}

/// The files of a configuration that are newer than what was loaded.
fn changed(configuration: &Configuration, files: &Rooted, loaded: SystemTime) -> Vec<Changed> {
    let newer = |name: &str| {
        let modified = files.modified(Path::new(name)).ok()?;
        (modified > loaded + GRAIN).then(|| Changed {
            file: name.to_owned(),
            modified,
        })
    };
    let sources = configuration.sources.iter();
    sources.filter_map(|source| newer(&source.name)).collect()
}
