//! What is a configuration and what is none: the same answer as nginx'.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on must fail"
)]

use std::path::Path;
use std::process::Command;

use evenkeel_balancers::source::MemoryFiles;
use evenkeel_balancers::{Options, Product, read};
use evenkeel_lab::parts::require;

/// How many texts are tried.
const TEXTS: u64 = 400;

/// What texts are made of. No `{` but after `$`: the block that they are put in takes none.
const PARTS: [&str; 24] = [
    "a", "b c", ";", "; ", " ", "\n", "\t", "\"", "\"x\"", "'", "'y z'", "\\", "\\\"", "\\'", "#",
    "# d\n", "$", "${", "$v", "}", "é", "; e;\n", "\r\n", ")",
];

/// Up to a dozen parts, which follow from the number alone.
fn text(number: u64) -> String {
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % 1_000_003).unwrap() % below
    };
    (0..=next(12)).map(|_| PARTS[next(PARTS.len())]).collect()
}

/// `types` takes any number of words per line, whatever they are.
fn config(number: u64) -> String {
    format!("events {{}}\nhttp {{ types {{ {} }} }}\n", text(number))
}

#[test]
fn texts_are_accepted_as_by_nginx() {
    let nginx = require("nginx").unwrap();
    let work = tempfile::tempdir().unwrap();
    let path = work.path().join("nginx.conf");
    let globals = format!("pid {}/pid;", work.path().display());
    let mut accepted = 0;
    for number in 0..TEXTS {
        let config = config(number);
        std::fs::write(&path, &config).unwrap();
        let mut command = Command::new(&nginx);
        command
            .args(["-t", "-q", "-e", "stderr", "-g", &globals, "-c"])
            .arg(&path);
        let output = command.output().unwrap();
        let files = MemoryFiles::new().with("nginx.conf", config.clone());
        let ours = read(
            Product::Nginx,
            &files,
            Path::new("nginx.conf"),
            &Options::default(),
        );
        assert_eq!(
            ours.is_ok(),
            output.status.success(),
            "{config}\n{}\n{:?}",
            String::from_utf8_lossy(&output.stderr),
            ours.err().map(|error| error.to_string())
        );
        accepted += u64::from(output.status.success());
    }
    assert!(
        accepted > TEXTS / 20 && accepted < TEXTS * 19 / 20,
        "{accepted} of {TEXTS} say little"
    );
}
