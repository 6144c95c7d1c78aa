//! The balancers that run on this host, and the configuration that each of them was started with.
//!
//! Found by `/proc` alone: nothing is executed. A process in a container is read through `/proc/<pid>/root`, where its own
//! paths hold. What it does now, [`ask`] asks it.

mod ask;
mod command_line;
mod kind;
pub(crate) mod live;
mod nginx_line;
mod process;
mod rooted;
mod texts;

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use evenkeel_balancers::{Configuration, Options, Product, ReadError, read, read_haproxy};

pub(crate) use self::ask::netns;
pub use self::ask::{Answer, Unasked, ask};
use self::command_line::Told;
pub use self::kind::Kind;
use self::process::{Process, Table};
use self::rooted::Rooted;
use self::texts::Texts;
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
    /// The files and folders that together are its configuration, as the process sees them: those that its command line
    /// names, or the one that is built in. None, if all of it stands in the command line.
    pub paths: Vec<PathBuf>,
    /// The file into which it wrote where it can be asked, if it was told to.
    pub admin_file: Option<PathBuf>,
    /// What the configuration says.
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
    let told = Told::of(kind, process);
    let cpus = u32::try_from(workers.len())
        .ok()
        .filter(|_| kind == Kind::Nginx);
    let options = Options {
        // With `worker_processes auto` the workers are as many as the processors that nginx saw.
        cpus: cpus.filter(|workers| *workers > 0),
        ..Options::default()
    };
    Running {
        kind,
        pid: process.pid,
        loaded,
        outcome: outcome(kind, process.pid, &told, loaded, &options),
        paths: told.paths,
        admin_file: told.admin,
    }
}

fn outcome(kind: Kind, pid: u32, told: &Told, loaded: SystemTime, options: &Options) -> Outcome {
    let Some(product) = kind.product() else {
        return Outcome::NotUnderstood;
    };
    let first = told.paths.first().map_or(Path::new("/"), PathBuf::as_path);
    let root = match Rooted::holding(pid, first) {
        Ok(root) => root,
        Err(error) => {
            let message = format!(
                "process {pid} does not let its files be seen ({error}); run as root, on the host"
            );
            return Outcome::Failed(unreadable(first, io::Error::new(error.kind(), message)));
        }
    };
    let texts = Texts::new(&root, pid, told);
    let result = if product == Product::Haproxy {
        let paths: Vec<&Path> = told.paths.iter().map(PathBuf::as_path).collect();
        read_haproxy(&texts, &paths, options)
    } else {
        read(product, &texts, texts.first(), options)
    };
    match result {
        Ok(configuration) => {
            let changed = changed(kind, &configuration, &root, loaded);
            Outcome::Read {
                configuration,
                changed,
            }
        }
        Err(error) => Outcome::Failed(error),
    }
}

/// The files of a configuration that are newer than what was loaded.
fn changed(
    kind: Kind,
    configuration: &Configuration,
    files: &Rooted,
    loaded: SystemTime,
) -> Vec<Changed> {
    let newer = |name: &str| {
        let modified = files.modified(Path::new(name)).ok()?;
        (modified > loaded + GRAIN).then(|| Changed {
            file: name.to_owned(),
            modified,
        })
    };
    let sources = configuration.sources.iter();
    // Envoy watches the files that its bootstrap names, and loads them whenever they are replaced.
    let read_once = if kind == Kind::Envoy { 1 } else { usize::MAX };
    sources
        .take(read_once)
        .filter_map(|source| newer(&source.name))
        .collect()
}
