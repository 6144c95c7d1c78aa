//! The command, the configurations that it reads, and what it answers.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub(crate) use crate::answer::Answer;

/// The day of all tests.
pub(crate) const TODAY: &str = "2026-11-22";

impl Answer {
    /// What was written, of a run that ended with this code and said nothing besides.
    pub(crate) fn text(self, code: i32) -> String {
        assert_eq!((self.code, self.err.as_str()), (code, ""), "{}", self.out);
        self.out
    }
}

/// The configurations that show each of nginx' rules.
pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../balancers/tests/nginx")
}

/// The command in a folder, on the day of the tests.
pub(crate) fn command(folder: &Path, arguments: &[&str]) -> Command {
    // What should end by itself and does not must not hold the tests up.
    let mut command = Command::new("timeout");
    command
        .args(["30", env!("CARGO_BIN_EXE_evenkeel"), "audit"])
        .args(["--date", TODAY])
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null());
    command
}

pub(crate) fn audit_in(folder: &Path, arguments: &[&str]) -> Answer {
    Answer::of(&command(folder, arguments).output().unwrap())
}

/// Among the configurations of the rules.
pub(crate) fn audit(arguments: &[&str]) -> Answer {
    audit_in(&fixtures(), arguments)
}

/// With a text at standard input.
pub(crate) fn audit_text(text: &str, arguments: &[&str]) -> Answer {
    let mut child = command(&fixtures(), arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(text.as_bytes()).unwrap();
    drop(stdin);
    Answer::of(&child.wait_with_output().unwrap())
}

/// Writes files into a folder.
pub(crate) fn write(folder: &Path, files: &[(&str, &[u8])]) {
    for (name, content) in files {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
}

/// A pool whose last server has a weight.
pub(crate) fn upstream(name: &str, weight: u32) -> String {
    format!(
        "upstream {name} {{\n    server 192.0.2.1:8080;\n    server 192.0.2.2:8080;\n    server 192.0.2.3:8080 \
         weight={weight};\n}}\n"
    )
}
