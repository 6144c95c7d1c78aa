//! The pipelines of docs/ci: what they run, run in plain shell.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::bed::Answer;
use crate::common::EVENKEEL;

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs")
}

fn pipeline(name: &str) -> Value {
    let text = std::fs::read_to_string(docs().join("ci").join(name)).unwrap();
    serde_saphyr::from_str(&text).unwrap()
}

/// A repository with the configuration that the examples name, and the command in PATH.
fn repository(weight: u32) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "events {{ }} http {{ upstream shop {{ server 203.0.113.1:80 weight={weight}; server 203.0.113.2:80; server 203.0.113.3:80; }} \
         server {{ listen 80; location / {{ proxy_pass http://shop; }} }} }}"
    );
    std::fs::create_dir(folder.path().join("bin")).unwrap();
    std::fs::write(folder.path().join("nginx.conf"), text).unwrap();
    std::os::unix::fs::symlink(EVENKEEL, folder.path().join("bin/evenkeel")).unwrap();
    folder
}

/// As the pipelines run their steps.
fn shell(folder: &Path, script: &str) -> Answer {
    let path = std::env::var("PATH").unwrap();
    let output = Command::new("timeout")
        .args(["60", "bash", "-e", "-c", script])
        .current_dir(folder)
        .env("PATH", format!("{}:{path}", folder.join("bin").display()))
        .env("GITHUB_STEP_SUMMARY", folder.join("summary.md"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    Answer::of(&output)
}

#[test]
fn github_actions() {
    let steps = &pipeline("github-actions.yml")["jobs"]["gate"]["steps"];
    let named = |name: &str| {
        let steps = steps.as_array().unwrap();
        let step = steps.iter().find(|step| step["name"] == name).unwrap();
        step["run"].as_str().unwrap().to_owned()
    };
    let good = repository(1);
    let answer = shell(good.path(), &named("Gate"));
    assert_eq!(answer.code, 0, "{answer:?}");
    assert!(good.path().join("gate.xml").exists());
    // Shown whether it passed or not.
    let summary = shell(good.path(), &named("Summary"));
    assert_eq!(summary.code, 0, "{summary:?}");
    let text = std::fs::read_to_string(good.path().join("summary.md")).unwrap();
    assert!(text.contains("Traffic distribution: pass"), "{text}");
    let bad = repository(4);
    assert_eq!(shell(bad.path(), &named("Gate")).code, 3);
}

#[test]
fn gitlab_ci() {
    let job = &pipeline("gitlab-ci.yml")["gate"];
    let lines = job["script"].as_array().unwrap().iter();
    let script: Vec<&str> = lines.map(|line| line.as_str().unwrap()).collect();
    let good = repository(1);
    let answer = shell(good.path(), &script.join("\n"));
    assert_eq!(answer.code, 0, "{answer:?}");
    let junit = job["artifacts"]["reports"]["junit"].as_str().unwrap();
    assert!(good.path().join(junit).exists());
    for path in job["artifacts"]["paths"].as_array().unwrap() {
        assert!(good.path().join(path.as_str().unwrap()).exists(), "{path}");
    }
    assert_eq!(shell(repository(4).path(), &script.join("\n")).code, 3);
}
