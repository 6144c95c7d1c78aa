//! Starting, reloading and stopping, on hosts as they are: with another agent, without rights, without room.

#![allow(
    clippy::unwrap_used,
    clippy::float_cmp,
    reason = "a test ends at the first surprise, and counters are whole numbers"
)]

mod common;

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::ensure;
use common::{CONNECTIONS, EVENKEEL, agent, alone, config, pool, wait_equal};
use evenkeel::kernel::{CgroupRoot, attached_programs};
use evenkeel_lab::agent::Agent;
use evenkeel_lab::backend::{Backend, Options, Protocol};
use evenkeel_lab::client::{LongLived, Plan};
use evenkeel_lab::ledger::Column;
use evenkeel_lab::netns::Namespace;
use evenkeel_lab::wait::wait_until;
use rustix::process::Signal;

const BACKEND: &str = "127.0.0.1:8071";

fn backend() -> (Backend, SocketAddr) {
    let address: SocketAddr = BACKEND.parse().unwrap();
    let options = Options::new(Protocol::Lab);
    (
        Backend::start(&[(&Namespace::current(), vec![address])], &options).unwrap(),
        address,
    )
}

fn one_pool() -> String {
    config(&[pool("one", "upstream", [BACKEND.parse().unwrap()])])
}

/// Programs of agents that are attached to the root cgroup.
fn agents_attached() -> usize {
    let root = CgroupRoot::find(None).unwrap();
    attached_programs(&root)
        .unwrap()
        .iter()
        .filter(|program| program.is_agent())
        .count()
}

fn assert_nothing_left() {
    wait_until(
        Duration::from_secs(5),
        "the program to leave the kernel",
        || agents_attached() == 0,
    )
    .unwrap();
}

/// Runs a command that must end by itself.
fn ended(command: &mut Command) -> (Option<i32>, String) {
    let Output { status, stderr, .. } = command.stdin(Stdio::null()).output().unwrap();
    (status.code(), String::from_utf8(stderr).unwrap())
}

/// `evenkeel run`, by way of other programs.
fn by(words: &[&str]) -> Command {
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).arg(EVENKEEL).arg("run");
    command
}

/// Counts 300 connections, each of which must be counted.
fn assert_counts(agent: &Agent, address: SocketAddr) {
    let truth = Plan::new([address], 300)
        .run(&[&Namespace::current()])
        .unwrap();
    wait_equal(agent, "one", &truth, &CONNECTIONS);
}

#[test]
fn a_second_agent_gives_way_and_names_the_first() {
    let _alone = alone();
    let (_backend, address) = backend();
    let mut first = agent(&one_pool());
    let (code, message) = ended(
        Command::new(EVENKEEL)
            .args(["run", "--config"])
            .arg(first.config_file()),
    );
    assert_eq!(code, Some(1), "{message}");
    assert!(
        message.contains("another evenkeel agent counts on this host already"),
        "{message}"
    );
    assert!(
        message.contains(&format!("of process {}", first.process().pid())),
        "{message}"
    );
    assert_eq!(agents_attached(), 1);
    assert_counts(&first, address);
}

#[test]
fn of_many_agents_that_start_at_once_one_stays() {
    let _alone = alone();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("evenkeel.yaml");
    fs::write(
        &file,
        format!("web: {{listen: '127.0.0.1:0'}}\n{}", one_pool()),
    )
    .unwrap();
    for _ in 0..5 {
        let mut racing: Vec<_> = (0..4)
            .map(|_| {
                let mut command = Command::new(EVENKEEL);
                command
                    .args(["run", "--config"])
                    .arg(&file)
                    .stderr(Stdio::null());
                command.spawn().unwrap()
            })
            .collect();
        let mut running = racing.len();
        let settled = wait_until(Duration::from_secs(20), "one agent to be left", || {
            running = racing
                .iter_mut()
                .filter_map(|child| child.try_wait().unwrap().is_none().then_some(()))
                .count();
            running <= 1
        });
        let attached = agents_attached();
        for child in &mut racing {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        settled.unwrap();
        assert_eq!((running, attached), (1, 1));
        assert_nothing_left();
    }
}

#[test]
fn sigkill_leaves_nothing_and_the_next_agent_counts() {
    let _alone = alone();
    let (_backend, address) = backend();
    for _ in 0..5 {
        let mut killed = agent(&one_pool());
        let _open = LongLived::open(&Namespace::current(), &[address], 10).unwrap();
        killed.process().kill().unwrap();
        assert_nothing_left();
    }
    assert_counts(&agent(&one_pool()), address);
}

#[test]
fn sigterm_ends_it_at_once_and_cleanly() {
    let _alone = alone();
    let mut agent = agent(&one_pool());
    // A client that has begun a request and never ends it does not hold the agent back for longer than the deadline.
    let _idle = TcpStream::connect(agent.address()).unwrap();
    let began = Instant::now();
    agent.process().signal(Signal::TERM).unwrap();
    let status = agent.process().wait(Duration::from_secs(10)).unwrap();
    assert!(status.success(), "{status}");
    assert!(
        began.elapsed() < Duration::from_secs(7),
        "{:?}",
        began.elapsed()
    );
    assert_nothing_left();
}

#[test]
fn a_reload_takes_over_what_is_good_and_keeps_what_is_not() {
    let _alone = alone();
    let (_backend, address) = backend();
    let mut agent = agent(&one_pool());
    assert_counts(&agent, address);
    let successful = |value: f64| {
        let agent = &agent;
        wait_until(Duration::from_secs(10), "the reload", || {
            agent.metric("evenkeel_config_last_reload_successful").ok() == Some(value)
        })
        .unwrap();
    };

    agent
        .reconfigure("pools:\n  - name: one\n    backends: [{adress: 192.0.2.1:80}]\n")
        .unwrap();
    successful(0.0);
    let log = agent.process().stderr();
    assert!(log.contains("did you mean `address`?"), "{log}");
    let answer = post(&agent, "/-/reload");
    assert!(answer.starts_with("HTTP/1.1 500"), "{answer}");
    assert!(answer.contains("evenkeel.yaml:4:"), "the place: {answer}");
    assert_eq!(
        agent.pool("one").unwrap().ledger().total().opened,
        300,
        "the old pool counts on"
    );

    let second: SocketAddr = "192.0.2.7:81".parse().unwrap();
    agent
        .reconfigure(&config(&[
            pool("two", "upstream", [second]),
            pool("one", "upstream", [address, second]),
        ]))
        .unwrap();
    wait_until(Duration::from_secs(10), "the new pool", || {
        agent.pool("two").is_ok()
    })
    .unwrap();
    assert_eq!(
        agent
            .metric("evenkeel_config_last_reload_successful")
            .unwrap(),
        1.0
    );
    let one = agent.pool("one").unwrap();
    assert_eq!(
        one.ledger().get(address).opened,
        300,
        "what stays keeps its counts"
    );
    assert_eq!(one.backends.len(), 2);

    agent.reconfigure("pools: []\n").unwrap();
    wait_until(Duration::from_secs(10), "auto mode", || {
        agent
            .get("/api/v1/pools")
            .is_ok_and(|answer| !answer.body.contains("\"two\""))
    })
    .unwrap();
    Plan::new([address], 40)
        .run(&[&Namespace::current()])
        .unwrap();
    agent
        .wait_pool("auto:8071@lo", |pool| {
            // The endpoint was watched all the time.
            ensure!(pool.ledger().get(address).opened == 340, "{pool:?}");
            Ok(())
        })
        .unwrap();
    assert!(agent.process().running());
}

/// Posts without a body; the whole answer as text.
fn post(agent: &Agent, path: &str) -> String {
    use std::io::{Read, Write};
    let mut stream = TcpStream::connect(agent.address()).unwrap();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        agent.address()
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_full_map_is_told_and_what_is_known_counts_on() {
    let _alone = alone();
    let (_backend, address) = backend();
    let agent = agent("interval: 200ms\n");
    let first = Plan::new([address], 100)
        .run(&[&Namespace::current()])
        .unwrap();
    wait_equal(&agent, "auto:8071@lo", &first, &[Column::Opened]);
    let lost = "evenkeel_kernel_events_lost_total{reason=\"map_full\"}";
    assert_eq!(agent.metric(lost).unwrap(), 0.0);

    // Each of these addresses refuses: an endpoint each, learned at the attempt.
    let attempts: u32 = 6_000;
    for n in 0..attempts {
        let ip = Ipv4Addr::from(0x7f10_0000 + n);
        let refused = TcpStream::connect((ip, 9)).unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    }
    let learned = agent
        .wait_pool("auto:9@lo", |pool| {
            let failed = pool.ledger().total().failed.total();
            let lost = agent.metric(lost)?;
            ensure!(
                failed as f64 + lost == f64::from(attempts),
                "{failed} counted, {lost} lost of {attempts}"
            );
            Ok(())
        })
        .unwrap();
    assert!(learned.backends.len() < 4096, "{}", learned.backends.len());
    assert_eq!(
        agent.metric("evenkeel_kernel_map_entries").unwrap(),
        agent.metric("evenkeel_kernel_map_capacity").unwrap()
    );
    let second = Plan::new([address], 100)
        .run(&[&Namespace::current()])
        .unwrap();
    let mut truth = first;
    truth.merge(&second);
    wait_equal(
        &agent,
        "auto:8071@lo",
        &truth,
        &[Column::Opened, Column::Closed],
    );
}

#[test]
fn a_cgroup_that_is_not_the_root_is_refused_by_name() {
    let _alone = alone();
    let run = |directory: &str| ended(Command::new(EVENKEEL).args(["run", "--cgroup", directory]));
    let (code, message) = run("/proc");
    assert_eq!(code, Some(1));
    assert!(
        message.contains("/proc is not a cgroup v2 directory"),
        "{message}"
    );
    let root = CgroupRoot::find(None).unwrap();
    let child = root
        .path
        .join(format!("evenkeel-test-{}", std::process::id()));
    fs::create_dir(&child).unwrap();
    let (code, message) = run(child.to_str().unwrap());
    fs::remove_dir(&child).unwrap();
    assert_eq!(code, Some(1));
    assert!(
        message.contains("is not the root of the cgroup v2 hierarchy"),
        "{message}"
    );
    let (code, message) = run("/nowhere");
    assert_eq!(code, Some(1));
    assert!(
        message.contains("cannot open the cgroup /nowhere"),
        "{message}"
    );
    // A host that has mounted cgroup v1 alone.
    let root = root.path.display().to_string();
    let (code, message) = ended(Command::new("unshare").args([
        "--mount",
        "sh",
        "-c",
        "umount \"$0\" && exec \"$1\" run",
        &root,
        EVENKEEL,
    ]));
    assert_eq!(code, Some(1));
    assert!(
        message.contains("no cgroup v2 hierarchy is mounted"),
        "{message}"
    );
    assert_nothing_left();
}

#[test]
fn missing_rights_are_named_and_what_they_allow_works() {
    let _alone = alone();
    let (_backend, address) = backend();
    let own = Namespace::current();
    let without = |capabilities: &str| {
        let dropped: Vec<String> = capabilities
            .split(',')
            .map(|name| format!("-{name}"))
            .collect();
        by(&[
            "setpriv",
            "--inh-caps=-all",
            &format!("--bounding-set={}", dropped.join(",")),
        ])
    };
    let (code, message) = ended(&mut without("bpf,sys_admin,net_admin"));
    assert_eq!(code, Some(1));
    assert!(
        message.contains("missing capabilities: CAP_BPF, CAP_NET_ADMIN"),
        "{message}"
    );

    // Enough to count, not to walk.
    let mut limited = Agent::launch_by(without("perfmon,sys_admin"), &own, &one_pool()).unwrap();
    limited.wait_ready().unwrap();
    let log = limited.process().stderr();
    assert!(log.contains("needs CAP_PERFMON"), "{log}");
    assert_eq!(limited.metric("evenkeel_kernel_live_view").unwrap(), 0.0);
    assert_counts(&limited, address);
    drop(limited);

    // Enough to walk the own namespace alone.
    let other = Namespace::create("other").unwrap();
    let mut limited = Agent::launch_by(without("sys_admin"), &own, &one_pool()).unwrap();
    limited.wait_ready().unwrap();
    assert_eq!(limited.metric("evenkeel_kernel_live_view").unwrap(), 1.0);
    let status = limited.get("/api/v1/status").unwrap().body;
    let status: serde_json::Value = serde_json::from_str(&status).unwrap();
    assert!(status.to_string().contains("\"unreachable\":1"), "{status}");
    assert_counts(&limited, address);
    drop((limited, other));
    assert_nothing_left();
}

#[test]
fn without_the_kernels_types_bytes_appear_at_close() {
    let _alone = alone();
    let (_backend, address) = backend();
    let hidden = by(&[
        "unshare",
        "--mount",
        "sh",
        "-c",
        "mount -t tmpfs none /sys/kernel/btf && exec \"$@\"",
        "sh",
    ]);
    let mut agent = Agent::launch_by(hidden, &Namespace::current(), &one_pool()).unwrap();
    agent.wait_ready().unwrap();
    let log = agent.process().stderr();
    assert!(log.contains("CONFIG_DEBUG_INFO_BTF"), "{log}");
    assert_eq!(agent.metric("evenkeel_kernel_live_view").unwrap(), 0.0);
    assert_counts(&agent, address);
    let doctor = "mount -t tmpfs none /sys/kernel/btf && exec \"$1\" doctor";
    drop(agent);
    let output = Command::new("unshare")
        .args(["--mount", "sh", "-c", doctor, "sh", EVENKEEL])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("limited  kernel types (BTF)"), "{text}");
}

#[test]
fn a_taken_port_is_named_and_leaves_nothing_attached() {
    let _alone = alone();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("evenkeel.yaml");
    fs::write(&file, format!("web: {{listen: '{address}'}}\n")).unwrap();
    let (code, message) = ended(Command::new(EVENKEEL).args(["run", "--config"]).arg(&file));
    assert_eq!(code, Some(1));
    assert!(
        message.contains(&address.to_string()) && message.contains("web.listen"),
        "{message}"
    );
    assert_nothing_left();
}

#[test]
fn doctor_finds_everything_here_and_a_running_agent() {
    let _alone = alone();
    let doctor = || {
        let output = Command::new(EVENKEEL)
            .args(["doctor", "--output", "json"])
            .output()
            .unwrap();
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        (output.status.code(), report)
    };
    let (code, report) = doctor();
    assert_eq!(
        (code, &report["can_count"]),
        (Some(0), &serde_json::Value::Bool(true))
    );
    let findings = report["findings"].as_array().unwrap();
    assert!(
        findings.iter().all(|finding| finding["grade"] == "ok"),
        "{report:#}"
    );
    let mut running = agent(&one_pool());
    let (_, report) = doctor();
    let pid = running.process().pid();
    assert!(
        report.to_string().contains(&format!("process {pid}")),
        "{report:#}"
    );
}

#[test]
fn logs_are_json_lines_on_request() {
    let _alone = alone();
    let arguments = ["--log-format", "json", "--log-level", "debug"];
    let own = Namespace::current();
    let mut agent = Agent::launch(Path::new(EVENKEEL), &own, &one_pool(), &arguments).unwrap();
    agent.wait_ready().unwrap();
    agent.process().stop().unwrap();
    let log = agent.process().stderr();
    let lines: Vec<serde_json::Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let messages: Vec<&str> = lines
        .iter()
        .filter_map(|line| line["message"].as_str())
        .collect();
    assert!(
        messages.contains(&"counting") && messages.contains(&"stopping"),
        "{messages:?}"
    );
}
