//! How the command is used wrongly.

use std::process::Command;

use tempfile::TempDir;

use crate::common::EVENKEEL;

fn refused(arguments: &[&str]) -> String {
    let output = Command::new(EVENKEEL)
        .arg("fleet")
        .args(arguments)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn without_a_store_it_says_how_to_name_one() {
    assert!(refused(&[]).contains("--config"));
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("evenkeel.yaml");
    std::fs::write(&file, "interval: 1s\n").unwrap();
    let message = refused(&["--config", &file.display().to_string()]);
    assert!(message.contains("fleet: {prometheus: {url:"), "{message}");
}

#[test]
fn a_wrong_configuration_is_told_with_its_place() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("evenkeel.yaml");
    let text = "fleet:\n  prometheus:\n    url: http://mimir.example/prometheus/api/v1\n    headers: {Authorization: x}\n";
    std::fs::write(&file, text).unwrap();
    let message = refused(&["--config", &file.display().to_string()]);
    assert!(
        message.contains(":3:") && message.contains("leave out `/api/v1`"),
        "{message}"
    );
    assert!(message.contains(":4:"), "{message}");
}
