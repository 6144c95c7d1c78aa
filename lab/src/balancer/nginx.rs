//! nginx, in `http` and `stream` mode.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::Signal;

use super::{Algorithm, Count, Mode, PATIENCE, Setup, write};
use crate::netns::Namespace;
use crate::parts::require;
use crate::process::Process;
use crate::wait::wait_for;

pub(super) const CONFIG: &str = "nginx.conf";

/// What nginx writes about each request or connection: the backends tried, and the time each took to connect.
const LOG_FORMAT: &str = "'$upstream_addr|$upstream_connect_time'";
pub(super) const ACCESS_LOG: &str = "access.log";

pub(super) fn start(namespace: &Namespace, setup: &Setup, folder: &Path) -> Result<Process> {
    let config = write(folder, CONFIG, &render(setup, folder)?)?;
    let mut command = Command::new(require("nginx")?);
    // Without -e it opens the log that was compiled in, before it has read the configuration.
    command
        .args(["-e", "stderr", "-p"])
        .arg(folder)
        .arg("-c")
        .arg(config);
    Process::spawn(namespace, "nginx", &mut command)
}

pub(super) fn reload(process: &mut Process, setup: &Setup, folder: &Path) -> Result<()> {
    write(folder, CONFIG, &render(setup, folder)?)?;
    let old = workers(process.pid())?;
    process.signal(Signal::HUP)?;
    let reloaded = wait_for(PATIENCE, "new nginx workers to replace the old", || {
        process.check()?;
        let now = workers(process.pid())?;
        Ok(
            (now.difference(&old).next().is_some() && now.intersection(&old).next().is_none())
                .then_some(()),
        )
    });
    reloaded.with_context(|| process.tail())
}

/// The workers that accept connections, which those that have been told to shut down do no more.
fn workers(master: u32) -> Result<BTreeSet<u32>> {
    let mut workers = BTreeSet::new();
    for entry in std::fs::read_dir("/proc").context("cannot list processes")? {
        let folder = entry.context("cannot list processes")?.path();
        let Some(pid) = folder
            .file_name()
            .and_then(|name| name.to_str()?.parse().ok())
        else {
            continue;
        };
        // A process may end between the listing and the reading.
        let (Ok(stat), Ok(title)) = (
            std::fs::read_to_string(folder.join("stat")),
            std::fs::read_to_string(folder.join("cmdline")),
        ) else {
            continue;
        };
        // The parent's id is the second word after the name, which stands in brackets.
        let parent = stat
            .rsplit(')')
            .next()
            .and_then(|rest| rest.split_whitespace().nth(1)?.parse().ok());
        if parent == Some(master)
            && title.contains("worker process")
            && !title.contains("shutting down")
        {
            workers.insert(pid);
        }
    }
    Ok(workers)
}

fn render(setup: &Setup, folder: &Path) -> Result<String> {
    let module = if setup.mode == Mode::Tcp {
        load_stream()?
    } else {
        String::new()
    };
    let folder = folder.display().to_string();
    let block = match setup.mode {
        Mode::Tcp => stream(setup, &folder)?,
        Mode::Http => http(setup, &folder)?,
    };
    let workers = setup.workers;
    // Each worker touches the memory of all of them when it starts.
    let connections = (32_000 / workers.max(1)).min(16_000);
    Ok(format!(
        "{module}user root;\ndaemon off;\nmaster_process on;\nworker_processes {workers};\npid {folder}/nginx.pid;\n\
         events {{ worker_connections {connections}; }}\n{block}"
    ))
}

fn stream(setup: &Setup, folder: &str) -> Result<String> {
    let (log, upstream, listen) = (log(folder), upstream(setup)?, listen(setup));
    let server = format!(
        "server {{ {listen} proxy_pass {}; proxy_half_close on; }}",
        name(setup)
    );
    Ok(format!("stream {{\n{log}{upstream}{server}\n}}\n"))
}

fn http(setup: &Setup, folder: &str) -> Result<String> {
    let (log, upstream, listen) = (log(folder), upstream(setup)?, listen(setup));
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {folder}/{kind};\n"))
        .concat();
    // Without these nginx speaks HTTP/1.0 to its backends and closes.
    let reuse = if setup.keepalive {
        "proxy_http_version 1.1; proxy_set_header Connection \"\"; "
    } else {
        ""
    };
    let server = format!(
        "server {{ {listen} keepalive_requests 1000000; \
         location / {{ {reuse}proxy_pass http://{}; }} }}",
        name(setup)
    );
    Ok(format!("http {{\n{temporary}{log}{upstream}{server}\n}}\n"))
}

fn log(folder: &str) -> String {
    format!("log_format lab {LOG_FORMAT};\naccess_log {folder}/{ACCESS_LOG} lab;\n")
}

/// The name of the upstream.
fn name(setup: &Setup) -> &str {
    setup.name.as_deref().unwrap_or("pool")
}

fn listen(setup: &Setup) -> String {
    format!(
        "listen {} backlog=4096 {};",
        setup.listen, setup.listen_options
    )
}

fn upstream(setup: &Setup) -> Result<String> {
    let method = match (setup.algorithm, setup.mode) {
        (Algorithm::RoundRobin, _) => "",
        (Algorithm::LeastConnections, _) => "least_conn;\n",
        (Algorithm::Random, _) => "random;\n",
        (Algorithm::SourceHash, Mode::Http) => "ip_hash;\n",
        (Algorithm::SourceHash, Mode::Tcp) => "hash $remote_addr;\n",
        (Algorithm::UriHash, _) => "hash $request_uri;\n",
        (Algorithm::First, _) => bail!("nginx cannot fill its backends one after the other"),
    };
    let mut text = format!("upstream {} {{\n{method}{}", name(setup), setup.lines);
    for server in &setup.servers {
        writeln!(
            text,
            "server {} weight={} {};",
            server.address, server.weight, server.options
        )?;
    }
    text.push_str(if setup.keepalive {
        "keepalive 64;\n}\n"
    } else {
        "}\n"
    });
    Ok(text)
}

/// The directive that loads the stream module where it is a file of its own.
fn load_stream() -> Result<String> {
    let nginx = require("nginx")?;
    let output = Command::new(nginx)
        .arg("-V")
        .output()
        .context("cannot ask nginx for its modules")?;
    let built = String::from_utf8_lossy(&output.stderr).into_owned();
    if !built.contains("--with-stream=dynamic") {
        ensure!(
            built.contains("--with-stream"),
            "this nginx was built without the stream module"
        );
        return Ok(String::new());
    }
    let modules = built
        .split_whitespace()
        .find_map(|word| word.strip_prefix("--modules-path="));
    let module =
        Path::new(modules.unwrap_or("/usr/lib/nginx/modules")).join("ngx_stream_module.so");
    ensure!(
        module.is_file(),
        "nginx has no stream module; on Debian: apt-get install libnginx-mod-stream"
    );
    Ok(format!("load_module {};\n", module.display()))
}

pub(super) fn counts(setup: &Setup, folder: &Path) -> Result<BTreeMap<SocketAddr, Count>> {
    let log = std::fs::read_to_string(folder.join(ACCESS_LOG))
        .context("cannot read nginx' access log")?;
    let told = setup.mode == Mode::Tcp || !setup.keepalive;
    let none = Count {
        connections: told.then_some(0),
        requests: (setup.mode == Mode::Http).then_some(0),
        failed: 0,
    };
    let mut counts: BTreeMap<_, _> = setup
        .servers
        .iter()
        .map(|server| (server.address, none))
        .collect();
    for line in log.lines() {
        let Some((addresses, times)) = line.split_once('|') else {
            bail!("not a line of the access log: {line:?}")
        };
        // Tries are separated by commas. When no backend was left to try, nginx writes the pool's name.
        for (address, time) in addresses.split(", ").zip(times.split(", ")) {
            let Ok(address) = address.parse() else {
                continue;
            };
            let count = counts.entry(address).or_insert(none);
            count.connections = count.connections.map(|connections| connections + 1);
            if time == "-" {
                count.failed += 1;
            } else {
                count.requests = count.requests.map(|requests| requests + 1);
            }
        }
    }
    Ok(counts)
}
