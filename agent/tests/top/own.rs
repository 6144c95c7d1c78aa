//! Without an agent, it counts by itself.

use std::fs;
use std::process::Command;

use evenkeel_lab::netns::Namespace;

use crate::answer::Answer;
use crate::bed::{POOL, Site, binary, skew};
use crate::common::{EVENKEEL, agent};
use crate::tmux::Tmux;

#[test]
fn it_counts_by_itself_and_finds_what_an_agent_finds() {
    let site = Site::build();
    let mut nginx = site.nginx();
    let _load = site.load(&nginx);
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("evenkeel.yaml");
    fs::write(&file, site.config()).unwrap();
    let terminal = Tmux::start(&Namespace::current(), (120, 40));
    terminal.line(&format!("{} top --config '{}'", binary(), file.display()));
    let screen = terminal.wait(&format!("● even    {POOL}"));
    assert!(screen.contains("counting by itself"), "{screen}");
    // The host's agent may begin meanwhile: it and this one do not see each other's programs.
    drop(agent(&site.config()));
    skew(&mut nginx);
    let hot = site.addresses()[0].to_string();
    terminal.wait(&format!("▲ {POOL}: {hot} gets "));
    // The hour is kept as an agent keeps it.
    terminal.keys(&["Enter"]);
    terminal.wait("SINCE START");
    terminal.keys(&["q"]);
    terminal.wait_prompt();

    // Nothing is left in the kernel that would keep the next one from counting.
    let output = Command::new(EVENKEEL)
        .args(["top", "--once", "--for", "3s", "--config"])
        .arg(&file)
        .output()
        .unwrap();
    let answer = Answer::of(&output);
    assert_eq!(answer.code, 0, "{answer:?}");
    let row = answer
        .out
        .lines()
        .find(|line| line.ends_with(POOL))
        .unwrap();
    let words: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(words[9], hot, "{row}");
    let share: f64 = words[10].parse().unwrap();
    // 8 of 11, over three seconds.
    assert!((share - 8.0 / 11.0).abs() < 0.1, "{row}");
}
