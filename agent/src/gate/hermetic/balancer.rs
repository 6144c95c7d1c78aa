//! The real balancer, with the copy of its configuration in a folder of its own. It ends with the value that stands for it.

use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;
use tracing::debug;

use super::HermeticError;
use super::copy::{Configuration, Copy, Site};

/// How long it may take to listen, and to end.
const PATIENCE: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(10);

/// A running balancer.
pub(super) struct Balancer {
    child: Child,
    folder: TempDir,
    title: &'static str,
}

impl Balancer {
    /// Starts it, and waits until it listens where all pools are reached.
    pub(super) fn start(copy: &Copy, program: Option<&Path>) -> Result<Self, HermeticError> {
        let configuration = &*copy.configuration;
        let program = program.map_or_else(|| find(configuration), Path::to_owned);
        let folder = tempfile::Builder::new()
            .prefix("evenkeel-gate-")
            .tempdir()
            .map_err(HermeticError::Folder)?;
        let site = Site {
            program: &program,
            folder: folder.path(),
        };
        let text = configuration.text(Some(&site))?;
        std::fs::write(site.file(configuration), text).map_err(HermeticError::Folder)?;
        check(configuration, &site)?;
        let log = std::fs::File::create(log(folder.path())).map_err(HermeticError::Folder)?;
        let child = apart(configuration.run(&site))
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(|error| HermeticError::program(configuration, &program, error))?;
        let title = configuration.product().title();
        let mut balancer = Self {
            child,
            folder,
            title,
        };
        for pool in &copy.pools {
            balancer.await_listening(pool.entry)?;
        }
        Ok(balancer)
    }

    fn await_listening(&mut self, entry: SocketAddr) -> Result<(), HermeticError> {
        let began = Instant::now();
        while TcpStream::connect(entry).is_err() {
            let ended = !matches!(self.child.try_wait(), Ok(None));
            if ended || began.elapsed() > PATIENCE {
                return Err(HermeticError::NotListening(self.title, self.said()));
            }
            std::thread::sleep(POLL);
        }
        Ok(())
    }

    /// The end of what it has written.
    pub(super) fn said(&self) -> String {
        let text = std::fs::read_to_string(log(self.folder.path())).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(5)..].join("\n")
    }

    fn send(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        // It is not waited for yet, so that the group is still its own.
        if let Some(id) = id
            && let Err(error) = kill_process_group(id, signal)
        {
            debug!(%error, "{} cannot be signalled", self.title);
        }
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.send(Signal::TERM);
        let began = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) {
            if began.elapsed() > PATIENCE {
                self.send(Signal::KILL);
                drop(self.child.wait());
                return;
            }
            std::thread::sleep(POLL);
        }
    }
}

fn log(folder: &Path) -> PathBuf {
    folder.join("error.log")
}

/// In PATH, or where it usually is.
fn find(configuration: &dyn Configuration) -> PathBuf {
    let (name, usual) = configuration.program();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file());
    found.unwrap_or_else(|| PathBuf::from(usual))
}

/// In a process group of its own, which signals to the gate's do not reach.
fn apart(mut command: Command) -> Command {
    use std::os::unix::process::CommandExt as _;
    command.stdin(Stdio::null()).process_group(0);
    command
}

/// Lets it check the copy: what it does not know stands in its own words.
fn check(configuration: &dyn Configuration, site: &Site<'_>) -> Result<(), HermeticError> {
    let output = apart(configuration.check(site))
        .output()
        .map_err(|error| HermeticError::program(configuration, site.program, error))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stderr, output.stdout].concat();
    let said = String::from_utf8_lossy(&said);
    let wrong = said
        .lines()
        .filter(|line| line.contains(configuration.complaint()));
    let wrong: Vec<&str> = wrong.collect();
    let wrong = if wrong.is_empty() {
        said.trim().to_owned()
    } else {
        wrong.join("\n")
    };
    let title = configuration.product().title();
    Err(HermeticError::Refused(title, wrong))
}
