//! The table for scripts.

use std::fs;
use std::process::Command;

use evenkeel_lab::agent::Agent;
use tempfile::TempDir;

use crate::answer::Answer;
use crate::bed::{POOL, Site};
use crate::common::{EVENKEEL, agent, pool};

fn once(agent: &Agent, arguments: &[&str]) -> Answer {
    let url = format!("http://{}", agent.address());
    let mut command = Command::new(EVENKEEL);
    command
        .args(["top", "--once", "--url", &url])
        .args(arguments);
    Answer::of(&command.output().unwrap())
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
    let site = Site::build();
    let others =
        ["zebra", "ant"].map(|name| pool(name, "upstream", ["192.0.2.9:80".parse().unwrap()]));
    let agent = agent(&(site.config() + &others.concat()));
    let nginx = site.nginx();
    let load = site.load(&nginx);
    agent
        .wait_pool(POOL, |pool| {
            anyhow::ensure!(pool.verdict == "even", "{}", pool.verdict);
            Ok(())
        })
        .unwrap();
    let answer = once(&agent, &[]);
    assert_eq!((answer.code, answer.err.as_str()), (0, ""));
    assert!(
        !answer.out.contains('\x1b'),
        "no colours into a pipe: {}",
        answer.out
    );
    let titles =
        "VERDICT  SIGNAL  MAX/MEAN   GINI  BY_CHANCE  OPENED/S  ACTIVE  BACKENDS  MARK  WORST";
    assert!(answer.out.starts_with(titles), "{}", answer.out);
    assert_eq!(
        names(&answer),
        [POOL, "ant", "zebra"],
        "those without traffic are last"
    );
    let row = answer.out.lines().nth(1).unwrap();
    assert!(row.starts_with("even     opened"), "{row}");
    assert_eq!(
        names(&once(&agent, &["--sort", "name", "--reverse"])),
        ["zebra", POOL, "ant"]
    );
    assert_eq!(names(&once(&agent, &["--filter", "unknown AN"])), ["ant"]);
    load.stop().unwrap();

    let json = once(&agent, &["--output", "json"]).json();
    let served: serde_json::Value =
        serde_json::from_str(&agent.get("/api/v1/pools").unwrap().body).unwrap();
    let names = |answer: &serde_json::Value| {
        let pools = answer["pools"].as_array().unwrap().iter();
        pools.map(|pool| pool["name"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(names(&json), names(&served));
}

#[test]
fn a_password_comes_from_a_file() {
    let _turn = crate::common::alone();
    let folder = TempDir::new().unwrap();
    let hash = bcrypt::hash("secret", 4).unwrap();
    let users = folder.path().join("web.yml");
    fs::write(&users, format!("basic_auth_users: {{ann: '{hash}'}}\n")).unwrap();
    // The line that the lab writes before has the address alone.
    let config = "interval: 200ms\n";
    let mut agent = Agent::launch(
        std::path::Path::new(EVENKEEL),
        &evenkeel_lab::netns::Namespace::current(),
        config,
        &[],
    )
    .unwrap();
    agent.process().stop().unwrap();
    let address = agent.address();
    let file = agent.config_file();
    fs::write(
        &file,
        format!(
            "web: {{listen: \"{address}\", config_file: '{}'}}\n{config}",
            users.display()
        ),
    )
    .unwrap();
    let mut process = guarded(&file);
    evenkeel_lab::wait::wait_until(std::time::Duration::from_secs(20), "the agent", || {
        process.check().unwrap();
        std::net::TcpStream::connect(address).is_ok()
    })
    .unwrap();
    let refused = once(&agent, &[]);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("--password-file"), "{}", refused.err);
    let password = folder.path().join("password");
    fs::write(&password, "secret\n").unwrap();
    let password = password.to_str().unwrap();
    let answer = once(&agent, &["--username", "ann", "--password-file", password]);
    assert_eq!(answer.code, 0, "{answer:?}");
    fs::write(folder.path().join("password"), "wrong\n").unwrap();
    let answer = once(&agent, &["--username", "ann", "--password-file", password]);
    assert_eq!(answer.code, 1, "{answer:?}");
}

fn guarded(file: &std::path::Path) -> evenkeel_lab::process::Process {
    let mut command = Command::new(EVENKEEL);
    command.arg("run").arg("--config").arg(file);
    let here = evenkeel_lab::netns::Namespace::current();
    evenkeel_lab::process::Process::spawn(&here, "evenkeel", &mut command).unwrap()
}
