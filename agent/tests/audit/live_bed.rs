//! A balancer that is asked, and what is told of it.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use evenkeel_lab::netns::Namespace;
use evenkeel_lab::parts::require;
use evenkeel_lab::process::Process;
use evenkeel_lab::wait::wait_for;
use serde_json::Value;
use tempfile::{TempDir, tempdir};

use crate::bed::{audit_in, write};

pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A balancer in a namespace of its own, with its files. It ends when this does.
pub(crate) struct Bed {
    pub(crate) process: Process,
    pub(crate) folder: TempDir,
    _namespace: Namespace,
}

impl Bed {
    pub(crate) fn start(
        name: &str,
        program: PathBuf,
        arguments: &[&str],
        files: &[(&str, &str)],
    ) -> Self {
        let folder = tempdir().unwrap();
        let at = folder.path().to_str().unwrap();
        for (file, text) in files {
            let text = text.replace("FOLDER", at);
            write(folder.path(), &[(file, text.as_bytes())]);
        }
        let namespace = Namespace::create("live").unwrap();
        let arguments = arguments.iter().map(|text| text.replace("FOLDER", at));
        let mut command = Command::new(program);
        command.args(arguments).current_dir(folder.path());
        let process = Process::spawn(&namespace, name, &mut command).unwrap();
        Self {
            process,
            folder,
            _namespace: namespace,
        }
    }

    pub(crate) fn haproxy(arguments: &[&str], files: &[(&str, &str)]) -> Self {
        let mut bed = Self::start("HAProxy", require("haproxy").unwrap(), arguments, files);
        let socket = bed.file("socket");
        wait_for(PATIENCE, "HAProxy's socket", || {
            bed.process.check()?;
            Ok(UnixStream::connect(&socket).ok())
        })
        .unwrap();
        bed
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Gives a command to HAProxy.
    pub(crate) fn tell(&self, command: &str) -> String {
        let mut stream = UnixStream::connect(self.file("socket")).unwrap();
        stream.write_all(format!("{command}\n").as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// What is told of this process: a configuration for each text.
    pub(crate) fn told(&self) -> Vec<Value> {
        let json = audit_in(self.folder.path(), &["--running", "--output", "json"]).json();
        let all = json["configurations"].as_array().unwrap();
        let own = all
            .iter()
            .filter(|read| read["process"]["pid"] == self.process.pid());
        own.cloned().collect()
    }

    /// The same, once it answers and `wanted` finds what it looks for in it.
    pub(crate) fn await_told<T>(
        &mut self,
        what: &str,
        wanted: impl Fn(&[Value]) -> Option<T>,
    ) -> T {
        wait_for(PATIENCE, what, || {
            self.process.check()?;
            Ok(wanted(&self.told()))
        })
        .unwrap()
    }
}

/// Without line ends, which depend on the width of the terminal.
pub(crate) fn flowing(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `RULE subject` of each finding whose rule compares.
pub(crate) fn differences(read: &Value) -> Vec<String> {
    let compared = [
        "EVK-005", "EVK-006", "EVK-007", "GEN-002", "GEN-005", "GEN-006",
    ];
    let findings = read["findings"].as_array().unwrap().iter();
    let mut found: Vec<String> = findings
        .filter(|found| compared.iter().any(|rule| found["rule"] == *rule))
        .map(|found| {
            let text = |key: &str| found[key].as_str().unwrap_or("-").to_owned();
            format!("{} {}", text("rule"), text("subject"))
        })
        .collect();
    found.sort();
    found
}

pub(crate) fn message(read: &Value, rule: &str) -> String {
    let mut findings = read["findings"].as_array().unwrap().iter();
    let found = findings.find(|found| found["rule"] == rule);
    let found = found.unwrap_or_else(|| panic!("no {rule} in {read:#}"));
    found["message"].as_str().unwrap().to_owned()
}
