//! Traffic becomes uneven while somebody looks; then the agent goes and comes back.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use evenkeel_lab::netns::Namespace;
use evenkeel_lab::wait::wait_until;

use crate::bed::{POOL, Site, binary, skew};
use crate::common::agent;
use crate::tmux::Tmux;

/// The numbers that a row of each backend has under a title; numbers end where their title ends.
fn column(screen: &str, title: &str) -> BTreeMap<SocketAddr, u64> {
    let lines = || screen.lines().map(|line| line.chars().collect::<Vec<_>>());
    let titles = |line: &Vec<char>| line.iter().collect::<String>();
    let head = lines()
        .map(|line| titles(&line))
        .find(|line| line.starts_with("BACKEND"))
        .unwrap();
    let place = head.find(&format!(" {title} ")).unwrap() + 1 + title.len();
    let end = head[..place].chars().count();
    let row = |line: Vec<char>| {
        let text: String = line.iter().collect();
        let address = text.split_whitespace().find_map(|word| word.parse().ok())?;
        let before: String = line.get(..end)?.iter().collect();
        Some((address, before.split_whitespace().last()?.parse().ok()?))
    };
    lines().filter_map(row).collect()
}

#[test]
fn traffic_becomes_uneven_while_one_looks_and_the_agent_goes_and_comes_back() {
    let site = Site::build();
    let here = Namespace::current();
    let mut nginx = site.nginx();
    let mut agent = agent(&site.config());
    let load = site.load(&nginx);
    let small = Tmux::start(&here, (80, 24));
    let wide = Tmux::start(&here, (200, 50));
    let command = format!("{} top --url http://{}", binary(), agent.address());
    for terminal in [&small, &wide] {
        terminal.line(&command);
        terminal.wait("● live");
        terminal.wait(&format!("● even    {POOL}"));
    }
    small.wait("Every pool is even: the balancer is not your problem.");

    skew(&mut nginx);
    let hot = site.addresses()[0].to_string();
    let skewed = format!("▲ skewed  {POOL}");
    let screen = small.wait(&skewed);
    assert!(
        screen.contains(&format!("▲ {hot}")),
        "the worst backend is named:\n{screen}"
    );
    small.wait(&format!("▲ {POOL}: {hot} gets "));
    assert!(small.coloured().contains("\x1b["), "colours on a terminal");
    small.keys(&["Enter"]);
    small.wait_that("the hot backend first", |screen| {
        let first = screen
            .lines()
            .skip_while(|line| !line.starts_with("BACKEND"))
            .nth(1);
        first.is_some_and(|line| line.contains(&format!("▲ {hot}")))
    });
    small.keys(&["i"]);
    small.wait("TOO MUCH");
    small.keys(&["Enter"]);
    small.wait(&format!("▲ {hot} has "));

    // What is shown of each backend is what the backends have seen.
    load.stop().unwrap();
    let truth = || {
        let ledger = site.ledger();
        ledger
            .iter()
            .map(|(address, tally)| (address, tally.opened))
            .collect::<BTreeMap<_, _>>()
    };
    wide.keys(&["Enter"]);
    wide.wait("Measures");
    let mut shown = BTreeMap::new();
    let equal = wait_until(Duration::from_secs(20), "the counts of the ledger", || {
        shown = column(&wide.screen(), "OPENED");
        shown == truth()
    });
    equal.unwrap_or_else(|error| panic!("{error}: {shown:?} {:?}\n{}", truth(), wide.screen()));

    agent.process().stop().unwrap();
    let screen = wide.wait("✕ agent gone for");
    assert!(screen.contains(&hot), "what was seen last stays:\n{screen}");
    agent.resume(&here).unwrap();
    wide.wait("● live");
    wide.resize(60, 15);
    wide.wait_that("the new size", |screen| {
        screen.lines().count() <= 15 && screen.contains(POOL)
    });
}
