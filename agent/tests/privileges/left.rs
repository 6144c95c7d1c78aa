//! What is left of the agent's rights once it is ready, by what the kernel says of every thread.

use std::time::Duration;

use evenkeel::kernel::{Capabilities, Capability};
use evenkeel_lab::agent::Agent;
use evenkeel_lab::wait::wait_until;

use crate::common::{EVENKEEL, alone, config, pool};
use crate::rights::{LIVE, WALK, WALK_ALL, as_nobody, as_root, ready, threads};

fn one_pool() -> String {
    config(&[pool("one", "upstream", ["192.0.2.1:80".parse().unwrap()])])
}

fn set(capabilities: &[Capability]) -> Capabilities {
    capabilities.iter().copied().collect()
}

fn assert_left(agent: &mut Agent, kept: &[Capability], bounding: &[Capability]) {
    // Also in the threads that requests are answered by.
    for _ in 0..3 {
        agent.get("/metrics").unwrap();
    }
    let threads = threads(agent);
    assert!(
        threads.iter().any(|one| one.name == "evenkeel-tick"),
        "{threads:#?}"
    );
    for thread in &threads {
        assert_ne!(
            thread.name, "evenkeel-load",
            "the thread that loads has ended"
        );
        assert_eq!(thread.effective, set(kept), "{thread:#?}");
        assert_eq!(thread.permitted, set(kept), "{thread:#?}");
        assert_eq!(thread.bounding, set(bounding), "{thread:#?}");
        assert!(
            thread.inheritable.is_empty() && thread.ambient.is_empty(),
            "{thread:#?}"
        );
        assert!(thread.no_new_privs && thread.filtered, "{thread:#?}");
    }
}

#[test]
fn nothing_is_left_of_what_counting_takes() {
    let _alone = alone();
    let given = [Capability::Bpf, Capability::NetAdmin, Capability::Perfmon];
    let folder = tempfile::tempdir().unwrap();
    for command in [as_root(LIVE), as_nobody(LIVE, &folder)] {
        assert_left(&mut ready(command, &one_pool()), &[], &given);
    }
}

#[test]
fn what_walks_take_is_left_and_no_more() {
    let _alone = alone();
    let (walk, all) = (
        [Capability::SysAdmin],
        [Capability::SysAdmin, Capability::SysPtrace],
    );
    let given = [Capability::Bpf, Capability::NetAdmin, Capability::Perfmon];
    let bounding = [&given[..], &walk].concat();
    assert_left(&mut ready(as_root(WALK), &one_pool()), &walk, &bounding);
    let bounding = [&given[..], &all].concat();
    assert_left(&mut ready(as_root(WALK_ALL), &one_pool()), &all, &bounding);
}

#[test]
fn of_all_that_root_has_the_bounding_set_goes_too() {
    let _alone = alone();
    let walks = [Capability::SysAdmin, Capability::SysPtrace];
    let mut agent = crate::common::agent(&one_pool());
    assert_left(&mut agent, &walks, &[]);
    // A reload to what would need more says so, and is in force.
    agent.reconfigure("pools: []\n").unwrap();
    let told = || agent.log().contains("CAP_DAC_OVERRIDE");
    wait_until(Duration::from_secs(10), "the word about rights", told).unwrap();
    let log = agent.log();
    assert!(
        log.contains("restart it") && log.contains("configuration reloaded"),
        "{log}"
    );
    drop(agent);

    let mut auto = crate::common::agent("interval: 200ms\n");
    assert_left(
        &mut auto,
        &[&walks[..], &[Capability::DacOverride]].concat(),
        &[],
    );
}

#[test]
fn unconfined_it_keeps_everything_and_says_so() {
    let _alone = alone();
    let mut command = std::process::Command::new(EVENKEEL);
    command.args(["run", "--unconfined"]);
    let mut agent = ready(command, &one_pool());
    let own = Capabilities::effective().unwrap();
    for thread in threads(&mut agent) {
        assert_eq!(thread.effective, own, "{thread:#?}");
        assert!(!thread.filtered && !thread.no_new_privs, "{thread:#?}");
    }
    assert!(
        agent.log().contains("all rights are kept"),
        "{}",
        agent.log()
    );
}
