//! What `evenkeel backtest` prints and how it ends.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use tempfile::{TempDir, tempdir};

use crate::common::EVENKEEL;
use crate::traffic::{EVEN, Live, SKEWED, STARVED, plan, pool};

/// Half an hour of two pools: one is skewed for two minutes, one loses a backend at the end, and ten ticks are missing.
fn recording() -> (TempDir, PathBuf) {
    let directory = tempdir().unwrap();
    let file = directory.path().join("recording");
    let pools = vec![pool("pay", 5..=8), pool("shop", 1..=4)];
    let mut live = Live::begin(&file, plan(Some(pools)), Vec::new());
    live.run(300, 200, 1, &EVEN);
    live.run(120, 200, 1, &SKEWED);
    live.run(300, 200, 1, &EVEN);
    live.clock += Duration::from_secs(10);
    live.writer.missed(10);
    live.run(600, 50, 5, &EVEN);
    live.run(180, 50, 5, &STARVED);
    live.flush();
    (directory, file)
}

fn backtest(arguments: &[&str], file: &Path) -> Output {
    Command::new(EVENKEEL)
        .arg("backtest")
        .args(arguments)
        .arg(file)
        .output()
        .unwrap()
}

fn stdout(arguments: &[&str], file: &Path) -> String {
    let output = backtest(arguments, file);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), errors.as_str()), (Some(0), ""));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn one_setting_is_told_in_words_and_pictures() {
    let (_directory, file) = recording();
    let text = stdout(&[], &file);
    assert!(!text.contains('\x1b'), "colours are for terminals");
    assert!(
        text.lines().all(|line| line.chars().count() <= 100),
        "{text}"
    );
    insta::assert_snapshot!("text", text);
}

#[test]
fn several_settings_are_a_table() {
    let (_directory, file) = recording();
    let settings = [
        "--tolerance=0.25",
        "--tolerance=1.5",
        "--tolerance=3",
        "--for=30s",
    ];
    insta::assert_snapshot!("table", stdout(&settings, &file));
}

#[test]
fn json_has_the_same_facts() {
    let (_directory, file) = recording();
    let text = stdout(&["--output=json"], &file);
    let mut json: serde_json::Value = serde_json::from_str(&text).unwrap();
    for pool in json["settings"][0]["pools"].as_array_mut().unwrap() {
        let stretches = pool["timeline"].as_array_mut().unwrap();
        assert_eq!(stretches.len(), 120);
        // A few show what they are like.
        *stretches = stretches.iter().step_by(30).cloned().collect();
    }
    insta::assert_json_snapshot!("json", json);
}

/// The paths of all keys.
fn key_paths(
    value: &serde_json::Value,
    prefix: &str,
    paths: &mut std::collections::BTreeSet<String>,
) {
    match value {
        serde_json::Value::Object(members) => {
            for (key, member) in members {
                let path = if prefix.is_empty() {
                    key.clone()
                } else {
                    format!("{prefix}.{key}")
                };
                paths.insert(path.clone());
                key_paths(member, &path, paths);
            }
        }
        serde_json::Value::Array(elements) => {
            for element in elements {
                key_paths(element, &format!("{prefix}[]"), paths);
            }
        }
        _ => {}
    }
}

#[test]
fn every_key_is_documented_and_every_documented_key_is_there() {
    let (_directory, file) = recording();
    let text = stdout(&["--output=json"], &file);
    let mut there = std::collections::BTreeSet::new();
    key_paths(&serde_json::from_str(&text).unwrap(), "", &mut there);
    // What is in an incident is documented where the API is.
    there.retain(|path| !path.contains(".incidents[]."));
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/backtest.md");
    let document = std::fs::read_to_string(path).unwrap();
    let (_, section) = document.split_once("## JSON\n").unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    let documented = rows.filter_map(|row| row.split('`').next().map(str::to_owned));
    assert_eq!(documented.collect::<std::collections::BTreeSet<_>>(), there);
}

#[test]
fn what_cannot_be_replayed_is_said_with_file_and_byte() {
    let (directory, file) = recording();
    let refused = |arguments: &[&str], file: &Path, words: &[&str]| {
        let output = backtest(arguments, file);
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{errors}");
        assert!(output.stdout.is_empty());
        for word in words {
            assert!(errors.contains(word), "{word}: {errors}");
        }
    };
    let name = file.display().to_string();
    let missing = directory.path().join("missing");
    refused(&[], &missing, &["missing", "No such file"]);
    refused(&[&name], &file, &["name each recording once"]);
    refused(&["--tolerance=0"], &file, &["0.25"]);
    refused(&["--false-alarm-every=1m"], &file, &["1h"]);
    refused(&["--signals=opened,failed"], &file, &["always judged"]);
    refused(&["--config=/nowhere.yaml"], &file, &["/nowhere.yaml"]);
    refused(
        &["--start=-1h"],
        &file,
        &["--start", "cannot be used with", "FILE"],
    );
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[8] = 9;
    let newer = directory.path().join("newer");
    std::fs::write(&newer, &bytes).unwrap();
    refused(&[], &newer, &["newer", "byte 8", "format 9", "record anew"]);
    std::fs::write(&newer, &bytes[..12]).unwrap();
    refused(&[], &newer, &["format 9"]);
    bytes[8] = 1;
    std::fs::write(&newer, &bytes[..12]).unwrap();
    refused(&[], &newer, &["nothing is recorded"]);
}

#[test]
fn a_torn_end_is_told_and_no_failure() {
    let (_directory, file) = recording();
    let whole = stdout(&["--output=json"], &file);
    let mut bytes = std::fs::read(&file).unwrap();
    bytes.extend_from_slice(&[200, 0, 0, 0, 1]);
    std::fs::write(&file, bytes).unwrap();
    let output = backtest(&["--output=json"], &file);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), whole);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(errors.contains("last 5 bytes"), "{errors}");
}

#[test]
fn a_configuration_takes_the_place_of_what_was_recorded() {
    let (directory, file) = recording();
    let config = directory.path().join("evenkeel.yaml");
    let yaml = "detection: {tolerance: 2}\npools:\n  - name: half\n    tolerance: 0.3\n    backends:\n      - address: 192.0.2.1:80\n      \
                - address: 192.0.2.2:80\n  - name: rest\n    backends: [{address: '192.0.2.3:80'}, {address: '192.0.2.4:80'}]\n";
    std::fs::write(&config, yaml).unwrap();
    let option = format!("--config={}", config.display());
    let text = stdout(&[&option, "--output=json"], &file);
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let pools = json["settings"][0]["pools"].as_array().unwrap();
    let found: Vec<_> = pools
        .iter()
        .map(|pool| {
            (
                pool["pool"].as_str().unwrap(),
                pool["incidents"][0]["pool"].as_str(),
            )
        })
        .collect();
    assert_eq!(found, [("half", Some("half")), ("rest", None)]);
}

/// An hour of a hundred busy backends: how large it is, and that a day is a matter of seconds.
#[test]
fn recordings_are_small_and_replays_are_fast() {
    let directory = tempdir().unwrap();
    let file = directory.path().join("recording");
    let mut live = Live::begin(&file, plan(Some(vec![pool("shop", 1..=100)])), Vec::new());
    let minutes = 10;
    live.run(60 * minutes, 1000, 1, &[1; 100]);
    live.flush();
    let bytes = std::fs::metadata(&file).unwrap().len() * 60 / minutes;
    let each = bytes / 100;
    // 23 kB were measured; idle backends take nothing.
    assert!(each < 30_000, "{each} bytes per backend and hour");
    let began = std::time::Instant::now();
    let text = stdout(&[], &file);
    assert!(
        text.starts_with("10m of 1 pool: 0 incidents with tolerance 0.25"),
        "{text}"
    );
    // Without optimisation, on a busy machine.
    assert!(began.elapsed() < Duration::from_secs(30));
}
