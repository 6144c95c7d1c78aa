//! HAProxy, in TCP and HTTP mode, with its stats socket.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use super::{Algorithm, Count, Mode, PATIENCE, Setup, write};
use crate::netns::Namespace;
use crate::parts::require;
use crate::process::Process;
use crate::wait::wait_for;

pub(super) const CONFIG: &str = "haproxy.cfg";

pub(super) fn socket(folder: &Path) -> PathBuf {
    folder.join("haproxy.sock")
}

/// Starts HAProxy; with a `predecessor` it takes over from that process, which ends after its last connection.
pub(super) fn start(
    namespace: &Namespace,
    setup: &Setup,
    folder: &Path,
    predecessor: Option<u32>,
) -> Result<Process> {
    let config = write(folder, CONFIG, &render(setup, folder)?)?;
    let mut command = Command::new(require("haproxy")?);
    command.arg("-db").arg("-f").arg(config);
    if let Some(pid) = predecessor {
        command.arg("-sf").arg(pid.to_string());
    }
    Process::spawn(namespace, "HAProxy", &mut command)
}

/// Waits until the new process answers on the stats socket.
pub(super) fn await_takeover(process: &mut Process, folder: &Path) -> Result<()> {
    let line = format!("Pid: {}", process.pid());
    wait_for(PATIENCE, "the new HAProxy to take over", || {
        process.check()?;
        // Nobody answers in the moment between the two.
        let answered = ask(folder, "show info")
            .is_ok_and(|info| info.lines().any(|candidate| candidate == line));
        Ok(answered.then_some(()))
    })
}

pub(super) fn set_weight(
    setup: &Setup,
    folder: &Path,
    address: SocketAddr,
    weight: u32,
) -> Result<()> {
    let index = setup
        .servers
        .iter()
        .position(|server| server.address == address);
    let index = index.with_context(|| format!("HAProxy has no backend {address}"))?;
    let answer = ask(
        folder,
        &format!("set weight {}/s{index} {weight}", name(setup)),
    )?;
    ensure!(
        answer.trim().is_empty(),
        "HAProxy does not set the weight: {}",
        answer.trim()
    );
    Ok(())
}

/// The name of the proxy.
fn name(setup: &Setup) -> &str {
    setup.name.as_deref().unwrap_or("lab")
}

fn render(setup: &Setup, folder: &Path) -> Result<String> {
    let socket = socket(folder);
    let mut text = format!(
        "global\n  nbthread {}\n  maxconn 8000\n  stats socket {} mode 600 level admin\n\
         defaults\n  timeout connect 2s\n  timeout client 60s\n  timeout server 60s\n",
        setup.workers,
        socket.display()
    );
    text.push_str(match (setup.mode, setup.keepalive) {
        (Mode::Tcp, _) => "  mode tcp\n",
        (Mode::Http, true) => "  mode http\n  http-reuse always\n",
        (Mode::Http, false) => "  mode http\n  option http-server-close\n",
    });
    let balance = match setup.algorithm {
        Algorithm::RoundRobin => "roundrobin",
        Algorithm::LeastConnections => "leastconn",
        Algorithm::Random => "random",
        Algorithm::SourceHash => "source",
        Algorithm::UriHash => "uri",
        Algorithm::First => "first",
    };
    writeln!(
        text,
        "listen {}\n  bind {} {}\n  balance {balance}\n{}",
        name(setup),
        setup.listen,
        setup.listen_options,
        setup.lines
    )?;
    for (index, server) in setup.servers.iter().enumerate() {
        writeln!(
            text,
            "  server s{index} {} weight {} {}",
            server.address, server.weight, server.options
        )?;
    }
    Ok(text)
}

pub(super) fn counts(setup: &Setup, folder: &Path) -> Result<BTreeMap<SocketAddr, Count>> {
    let table = ask(folder, "show stat")?;
    let mut lines = table.trim_start_matches("# ").lines();
    let header: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    let column = |name: &str| {
        let index = header.iter().position(|column| *column == name);
        index.with_context(|| format!("HAProxy's statistics have no column {name}"))
    };
    let (name, connects, sessions) = (column("svname")?, column("connect")?, column("stot")?);
    let failures = [column("econ")?, column("wretr")?];
    let mut counts = BTreeMap::new();
    for line in lines {
        let fields: Vec<&str> = line.split(',').collect();
        let index = fields
            .get(name)
            .and_then(|name| name.strip_prefix('s')?.parse::<usize>().ok());
        let Some(server) = index.and_then(|index| setup.servers.get(index)) else {
            continue;
        };
        let number = |column: usize| {
            fields
                .get(column)
                .and_then(|field| field.parse().ok())
                .unwrap_or(0_u64)
        };
        let count = Count {
            connections: Some(number(connects)),
            requests: (setup.mode == Mode::Http).then(|| number(sessions)),
            failed: failures.into_iter().map(number).sum(),
        };
        counts.insert(server.address, count);
    }
    Ok(counts)
}

/// Gives a command to the stats socket and returns the answer.
fn ask(folder: &Path, command: &str) -> Result<String> {
    let exchange = || -> std::io::Result<String> {
        let mut stream = UnixStream::connect(socket(folder))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(format!("{command}\n").as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    exchange().with_context(|| format!("HAProxy does not answer {command:?}"))
}
