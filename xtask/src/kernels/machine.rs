//! A virtual machine: started, listened to, and ended.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::console::Transcript;
use super::seconds;
use crate::shell::command;

/// How long a machine may take for everything.
const LIMIT: Duration = Duration::from_secs(120);

/// How the kernel is to behave: it speaks on the serial line, but only of trouble, and a panic ends the machine.
const KERNEL_ARGUMENTS: &str = "console=ttyS0 loglevel=5 panic=-1 PATH=/bin";

/// Two processors without hardware's help, one gigabyte of memory, no disk and no network.
const HARDWARE: [&str; 17] = [
    "-accel",
    "tcg,thread=multi",
    "-cpu",
    "max",
    "-smp",
    "2",
    "-m",
    "1024",
    "-display",
    "none",
    "-monitor",
    "none",
    "-serial",
    "stdio",
    "-nic",
    "none",
    "-no-reboot",
];

/// What a machine is made of.
pub(super) struct Machine<'a> {
    /// The kernel to boot.
    pub(super) kernel: &'a Path,
    /// The archive with its programs.
    pub(super) initramfs: &'a Path,
}

/// A machine that is on. It is switched off when this value is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // One that has ended already cannot be killed, and need not be.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Machine<'_> {
    /// Runs it until it turns itself off or its time is over, and shows how its checks go meanwhile.
    pub(super) fn run(&self) -> Result<Transcript> {
        let mut qemu = command("qemu-system-x86_64");
        qemu.args(HARDWARE).args(["-append", KERNEL_ARGUMENTS]);
        qemu.arg("-kernel")
            .arg(self.kernel)
            .arg("-initrd")
            .arg(self.initramfs);
        qemu.stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut running = Running(qemu.spawn().context("cannot start qemu-system-x86_64")?);
        let console = running
            .0
            .stdout
            .take()
            .context("the machine has no console")?;
        let complaints = running
            .0
            .stderr
            .take()
            .context("the machine has no standard error")?;

        let mut transcript = Transcript::default();
        if listen(&lines(console), &mut transcript) {
            let status = running
                .0
                .wait()
                .context("cannot wait for qemu-system-x86_64")?;
            if !status.success() {
                transcript.fault(format!(
                    "qemu-system-x86_64 failed ({status}): {}",
                    text(complaints)
                ));
            }
        } else {
            transcript.fault(format!("it was not done after {}", seconds(LIMIT)));
        }
        Ok(transcript)
    }
}

/// Takes lines until the console ends; false if the time is over before.
fn listen(lines: &Receiver<String>, transcript: &mut Transcript) -> bool {
    let end = Instant::now() + LIMIT;
    loop {
        match lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(line) => {
                if let Some(shown) = transcript.push(&line) {
                    println!("{shown}");
                }
            }
            Err(RecvTimeoutError::Disconnected) => return true,
            Err(RecvTimeoutError::Timeout) => return false,
        }
    }
}

/// The lines of a console as they come; the thread that reads them ends with the machine.
fn lines(console: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut console = BufReader::new(console);
        let mut line = Vec::new();
        while console
            .read_until(b'\n', &mut line)
            .is_ok_and(|read| read > 0)
        {
            if sender
                .send(String::from_utf8_lossy(&line).into_owned())
                .is_err()
            {
                return;
            }
            line.clear();
        }
    });
    receiver
}

fn text(mut from: impl Read) -> String {
    let mut bytes = Vec::new();
    // What cannot be read is not shown.
    drop(from.read_to_end(&mut bytes));
    String::from_utf8_lossy(&bytes).trim().to_owned()
}
