//! The table for scripts.

use std::fs;
use std::process::Command;

use evenkeel::model::{State, Verdict, WebFile};
use evenkeel::publish::{Access, Limits};
use serde_json::Value;
use tempfile::TempDir;

use crate::answer::Answer;
use crate::common::EVENKEEL;
use crate::fixtures::small;
use crate::http::Running;

fn once(server: &Running, arguments: &[&str]) -> Answer {
    let url = format!("http://{}", server.address);
    let mut command = Command::new(EVENKEEL);
    command
        .args(["top", "--once", "--url", &url])
        .args(arguments);
    Answer::of(&command.output().unwrap())
}

/// Three pools, one of which is skewed.
fn pools() -> State {
    let mut state = small();
    let pool = state.pools[0].clone();
    state.pools = ["ant", "shop floor", "zebra"]
        .map(|name| {
            let mut one = pool.clone();
            let mut description = evenkeel::model::Pool::clone(&one.pool);
            name.clone_into(&mut description.spec.name);
            one.pool = description.into();
            one.verdict = Verdict::Even;
            one
        })
        .into();
    state.pools[1].verdict = Verdict::Skewed;
    state
}

/// The last word of each line behind the titles.
fn names(answer: &Answer) -> Vec<&str> {
    let lines = answer.out.lines().skip(1);
    lines
        .filter_map(|line| line.split_whitespace().last())
        .collect()
}

#[test]
fn the_table_is_plain_ordered_and_filtered() {
    let server = Running::start(pools());
    let answer = once(&server, &[]);
    assert_eq!((answer.code, answer.err.as_str()), (0, ""));
    assert!(
        !answer.out.contains('\x1b'),
        "no colours into a pipe: {}",
        answer.out
    );
    let titles: Vec<&str> = answer
        .out
        .lines()
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    assert_eq!(titles.len(), 14);
    assert_eq!(
        (titles[0], titles[9], titles[13]),
        ("VERDICT", "WORST", "POOL")
    );
    let row = answer.out.lines().nth(1).unwrap();
    assert!(
        row.starts_with("skewed") && row.ends_with("  shop floor"),
        "{row}"
    );
    let cells: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(cells[9..12], ["192.0.2.3:8080", "0.000", "0.250"], "{row}");
    assert_eq!(names(&answer), ["floor", "ant", "zebra"], "the worst first");
    let by_name = once(&server, &["--sort", "name", "--reverse"]);
    assert_eq!(names(&by_name), ["zebra", "floor", "ant"]);
    assert_eq!(names(&once(&server, &["--filter", "EVEN an"])), ["ant"]);
}

#[test]
fn json_is_what_the_agent_serves() {
    let server = Running::start(pools());
    let answer: Value = serde_json::from_str(&server.get("/api/v1/pools").body).unwrap();
    assert_eq!(once(&server, &["--output", "json"]).json(), answer);
}

#[test]
fn a_password_comes_from_a_file() {
    let file = WebFile {
        users: [("ann".to_owned(), bcrypt::hash("secret", 4).unwrap())].into(),
        ..WebFile::default()
    };
    let access = Access::open(&file).unwrap();
    let server = Running::start_guarded(pools(), Limits::default(), access);
    let refused = once(&server, &[]);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("--password-file"), "{}", refused.err);
    let folder = TempDir::new().unwrap();
    let password = folder.path().join("password");
    for (text, code) in [("secret\n", 0), ("wrong\n", 1)] {
        fs::write(&password, text).unwrap();
        let password = password.to_str().unwrap();
        let answer = once(&server, &["--username", "ann", "--password-file", password]);
        assert_eq!(answer.code, code, "{answer:?}");
    }
}
