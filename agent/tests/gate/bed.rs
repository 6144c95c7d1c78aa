//! The command, what it answers, and what stands behind the balancer.

use std::path::Path;
use std::process::{Command, Stdio};

use evenkeel_lab::backend::{Backend, Options, Protocol};
use evenkeel_lab::balancer::{Balancer, Mode, Product, Setup};
use evenkeel_lab::netns::Namespace;

pub(crate) use crate::answer::Answer;
use crate::common::EVENKEEL;
use crate::host::at;

/// Where the balancer listens.
pub(crate) const LISTEN: &str = "127.0.0.1:8080";
/// Backends of one port, so that they are a pool without a configuration as well.
pub(crate) const BACKENDS: [&str; 4] = [
    "127.0.0.2:8001",
    "127.0.0.3:8001",
    "127.0.0.4:8001",
    "127.0.0.5:8001",
];

/// The command with arguments, which must end within a minute.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new("timeout");
    command
        .args(["60", EVENKEEL, "gate"])
        .args(arguments)
        .stdin(Stdio::null());
    command
}

pub(crate) fn gate(arguments: &[&str]) -> Answer {
    Answer::of(&command(arguments).output().unwrap())
}

/// Backends that answer HTTP.
pub(crate) fn backends(host: &Namespace) -> Backend {
    let addresses = BACKENDS.map(at).to_vec();
    Backend::start(&[(host, addresses)], &Options::new(Protocol::Http)).unwrap()
}

/// A balancer in turn, before all backends; its setup can be changed.
pub(crate) fn balancer(
    product: Product,
    host: &Namespace,
    change: impl FnOnce(&mut Setup),
) -> Balancer<'_> {
    let mut setup = Setup::new(Mode::Http, at(LISTEN), BACKENDS.map(at));
    change(&mut setup);
    Balancer::start(product, host, setup).unwrap()
}

/// A configuration of the agent with all backends alike, in a folder.
pub(crate) fn alike(folder: &Path) -> String {
    let file = folder.join("pools.yaml");
    let pool = crate::common::pool("shop", "upstream", BACKENDS.map(at));
    std::fs::write(&file, format!("pools:\n{pool}")).unwrap();
    file.display().to_string()
}

/// A load test of some seconds.
pub(crate) const LOAD: [&str; 5] = ["wrk", "-t1", "-c8", "-d2s", "http://127.0.0.1:8080/"];

/// So many requests, one after the other, in plain shell.
pub(crate) fn requests(number: u32) -> String {
    format!(
        "for i in $(seq {number}); do exec 3<>/dev/tcp/127.0.0.1/8080; printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3 >/dev/null; exec 3>&-; done"
    )
}
