//! Starting the agent with exactly some rights, as a service manager or a container runtime does.

use std::path::Path;
use std::process::Command;

use evenkeel::privileges::{Standing, standings};
use evenkeel_lab::agent::Agent;
use evenkeel_lab::netns::Namespace;
use tempfile::TempDir;

use crate::common::EVENKEEL;

/// A user that owns nothing.
pub(crate) const NOBODY: u32 = 65532;

/// Enough to count, and to see the open connections of the own network namespace.
pub(crate) const LIVE: &str = "bpf,net_admin,perfmon";
/// Enough to see open connections in namespaces that mounts name, too.
pub(crate) const WALK: &str = "bpf,net_admin,perfmon,sys_admin";
/// Enough to see them in all.
pub(crate) const WALK_ALL: &str = "bpf,net_admin,perfmon,sys_admin,sys_ptrace";

fn only(capabilities: &str) -> String {
    capabilities
        .split(',')
        .fold("-all".to_owned(), |set, one| set + ",+" + one)
}

/// `evenkeel run` as root that can have these capabilities and no others, as in a container.
pub(crate) fn as_root(capabilities: &str) -> Command {
    let mut command = Command::new("setpriv");
    command
        .arg("--inh-caps=-all")
        .arg(format!("--bounding-set={}", only(capabilities)))
        .args([EVENKEEL, "run"]);
    command
}

/// `evenkeel run` as a user of its own that is given these capabilities, as systemd does; the folder holds what that user
/// cannot reach elsewhere.
pub(crate) fn as_nobody(capabilities: &str, folder: &TempDir) -> Command {
    const SCRIPT: &str = "cp \"$5\" \"$1\" && chmod a+rx \"$1\" && chmod a+rX \"$8\" \"${8%/*}\" && \
         exec setpriv --reuid \"$2\" --regid \"$2\" --clear-groups \"$3\" \"$4\" --bounding-set=\"${4#*=}\" \
         \"$1/evenkeel\" run --config \"$8\"";
    let set = only(capabilities);
    let mut command = Command::new("sh");
    command
        .args(["-c", SCRIPT, "sh"])
        .arg(folder.path())
        .arg(NOBODY.to_string())
        .arg(format!("--inh-caps={set}"))
        .arg(format!("--ambient-caps={set}"))
        // As all commands of the lab's agents end; the configuration follows.
        .args([EVENKEEL, "run"]);
    command
}

/// A ready agent.
pub(crate) fn ready(command: Command, config: &str) -> Agent {
    let mut agent = Agent::launch_by(command, &Namespace::current(), config).unwrap();
    agent.wait_ready().unwrap();
    agent
}

/// What each of the agent's threads may do.
pub(crate) fn threads(agent: &mut Agent) -> Vec<Standing> {
    let process = format!("/proc/{}", agent.process().pid());
    standings(Path::new(&process)).unwrap()
}
