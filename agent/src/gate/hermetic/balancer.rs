//! The real balancer, with the copy of its configuration in a folder of its own. It ends with the value that stands for it.

use std::fmt::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;
use tracing::debug;

use super::HermeticError;
use super::copy::{self, Copy};

const PROGRAM: &str = "nginx";
/// Where it is on many hosts, though not in everybody's PATH.
const USUAL: &str = "/usr/sbin/nginx";
/// How long it may take to listen, and to end.
const PATIENCE: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(10);

/// A running balancer.
pub(super) struct Balancer {
    child: Child,
    folder: TempDir,
}

impl Balancer {
    /// Starts it, and waits until it listens where all pools are reached.
    pub(super) fn start(copy: &Copy, program: Option<&Path>) -> Result<Self, HermeticError> {
        let program = program.map_or_else(find, Path::to_owned);
        let folder = tempfile::Builder::new()
            .prefix("evenkeel-gate-")
            .tempdir()
            .map_err(HermeticError::Folder)?;
        let file = folder.path().join("nginx.conf");
        let modules = modules(copy, &program)?;
        // Started by root, it would serve as somebody who cannot look into the folder.
        let user = rustix::process::geteuid().is_root().then_some("root");
        let text = copy::text(copy, &modules, folder.path(), user);
        std::fs::write(&file, text).map_err(HermeticError::Folder)?;
        test(&program, folder.path(), &file)?;
        let log = std::fs::File::create(log(folder.path())).map_err(HermeticError::Folder)?;
        let child = command(&program, folder.path(), &file)
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(|error| HermeticError::program(&program, error))?;
        let mut balancer = Self { child, folder };
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
                return Err(HermeticError::NotListening(self.said()));
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
            debug!(%error, "nginx cannot be signalled");
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
fn find() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .map(|folder| folder.join(PROGRAM))
        .find(|file| file.is_file());
    found.unwrap_or_else(|| PathBuf::from(USUAL))
}

fn command(program: &Path, folder: &Path, file: &Path) -> Command {
    use std::os::unix::process::CommandExt as _;
    let mut command = Command::new(program);
    // Without -e it opens the log that was compiled in, before it has read the configuration.
    command.args(["-e", "stderr", "-p"]).arg(folder);
    command.arg("-c").arg(file).stdin(Stdio::null());
    command.process_group(0);
    command
}

/// Lets it check the copy: what it does not know stands in its own words.
fn test(program: &Path, folder: &Path, file: &Path) -> Result<(), HermeticError> {
    let output = command(program, folder, file)
        .arg("-t")
        .output()
        .map_err(|error| HermeticError::program(program, error))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let wrong = said.lines().filter(|line| line.contains("[emerg]"));
    let wrong: Vec<&str> = wrong.collect();
    Err(HermeticError::Refused(if wrong.is_empty() {
        said.trim().to_owned()
    } else {
        wrong.join("\n")
    }))
}

/// The lines that load modules which are there; relative ones are relative to where nginx was installed.
fn modules(copy: &Copy, program: &Path) -> Result<String, HermeticError> {
    if copy.modules.is_empty() {
        return Ok(String::new());
    }
    let output = Command::new(program)
        .arg("-V")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| HermeticError::program(program, error))?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let prefix = said
        .split_whitespace()
        .find_map(|word| word.strip_prefix("--prefix="))
        .unwrap_or("/etc/nginx");
    let mut text = String::new();
    for module in &copy.modules {
        let path = Path::new(prefix).join(module);
        if path.is_file() {
            let written = writeln!(text, "load_module \"{}\";", path.display());
            debug_assert!(written.is_ok(), "a String takes anything");
        }
    }
    Ok(text)
}
