//! Files of Apache httpd, Caddy and Traefik, each followed while the balancer itself takes them over.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Result;
use evenkeel_lab::agent::Agent;
use evenkeel_lab::backend::{Backend, Options, Protocol};
use evenkeel_lab::netns::Namespace;
use evenkeel_lab::parts::{caddy, require, traefik};
use evenkeel_lab::process::{Process, run};
use evenkeel_lab::wait::wait_for;

use crate::bed::{PROMISED, changes, config, follows, pool, pools, weights};
use crate::common::agent;
use crate::host::{at, on_own_host};

/// What the pool is called.
const POOL: &str = "shop";
const LISTEN: &str = "127.0.0.1:8080";
const BACKENDS: [&str; 3] = ["127.0.0.1:8001", "127.0.0.2:8001", "127.0.0.3:8001"];

/// A balancer that shares requests out among the backends by weight.
struct Other {
    /// The source, as the agent calls it.
    source: &'static str,
    file: &'static str,
    /// The configuration in this folder, with these weights.
    text: fn(&Path, [u32; 3]) -> String,
    /// The program, which may have to be downloaded.
    program: fn() -> Result<PathBuf>,
    /// What it is started with, in this folder.
    start: fn(&mut Command, &Path),
    /// What lets it take a change over, if it does not by itself.
    reload: Option<fn(&mut Command, &Path)>,
}

fn requests(count: u32) {
    for _ in 0..count {
        let mut stream = TcpStream::connect(LISTEN).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        write!(
            stream,
            "GET / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.contains(" 200 "), "{answer}");
    }
}

/// Waits until the third backend has its share of what connects now.
fn has_share(host: &Namespace, agent: &Agent, name: &str, expected: f64) {
    let described = agent.pool(name).unwrap();
    let third = &described.backends[2];
    assert!(
        (third.expected_share - expected).abs() < 1e-9,
        "{}",
        third.expected_share
    );
    let share = wait_for(
        Duration::from_secs(30),
        "the window to hold the shares",
        || {
            host.enter(|| requests(60))?;
            let share = agent.pool(name)?.backends[2].share["opened"];
            Ok(share.filter(|share| (share - expected).abs() < 0.1))
        },
    );
    share.unwrap();
}

fn is_followed(other: &Other) {
    // A host of its own has no way to where it is downloaded from.
    let program = (other.program)().unwrap();
    on_own_host(|host| {
        let options = Options::new(Protocol::Http);
        let addresses = BACKENDS.map(at).to_vec();
        let _backend = Backend::start(&[(host, addresses)], &options).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let file = folder.join(other.file);
        fs::write(&file, (other.text)(folder, [1, 1, 1])).unwrap();
        let mut process = {
            let mut command = Command::new(&program);
            (other.start)(&mut command, folder);
            Process::spawn(host, other.source, &mut command).unwrap()
        };
        let listens = host.enter(|| {
            wait_for(Duration::from_secs(60), "it to listen", || {
                process.check()?;
                Ok(TcpStream::connect(LISTEN).ok())
            })
        });
        listens.unwrap().unwrap();
        let discovery = format!("{{{}: {{files: ['{}']}}}}", other.source, file.display());
        let agent = agent(&config(&discovery));
        let found = pools(&agent);
        assert_eq!(
            found.get(POOL).map(String::as_str),
            Some(other.source),
            "{found:?}"
        );
        has_share(host, &agent, POOL, 1.0 / 3.0);

        fs::write(&file, (other.text)(folder, [1, 1, 5])).unwrap();
        if let Some(reload) = other.reload {
            let mut command = Command::new(&program);
            reload(&mut command, folder);
            host.enter(|| run(&mut command)).unwrap().unwrap();
        }
        let since = Instant::now();
        follows(
            &agent,
            &format!("{} with another weight", other.source),
            since,
            || weights(&pool(&agent, POOL))[BACKENDS[2]] > 4.0,
        );
        assert!(since.elapsed() <= PROMISED);
        let described = pool(&agent, POOL);
        assert_eq!(
            changes(&described),
            ["weight of 127.0.0.3:8001 changed from 1 to 5"]
        );
        let findings = described["findings"].as_array().unwrap();
        assert!(!findings.is_empty(), "{described}");
        has_share(host, &agent, POOL, 5.0 / 7.0);
    });
}

fn apache_text(folder: &Path, weights: [u32; 3]) -> String {
    let modules = [
        "mpm_event",
        "authz_core",
        "proxy",
        "proxy_http",
        "proxy_balancer",
        "slotmem_shm",
        "lbmethod_byrequests",
    ];
    let load = modules
        .map(|name| format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n"));
    let member = |(address, weight): (&str, u32)| {
        format!("BalancerMember http://{address} loadfactor={weight} disablereuse=on\n")
    };
    let members: String = BACKENDS.into_iter().zip(weights).map(member).collect();
    let folder = folder.display();
    format!(
        "ServerRoot {folder}\nDefaultRuntimeDir {folder}\nPidFile {folder}/pid\nErrorLog {folder}/error.log\n{}User nobody\nGroup nogroup\n\
         ServerName localhost\nListen {LISTEN}\n<Proxy balancer://shop>\n{members}</Proxy>\nProxyPass / balancer://shop/\n",
        load.concat()
    )
}

#[test]
fn apache_is_reloaded_with_another_load_factor() {
    is_followed(&Other {
        source: "apache",
        file: "httpd.conf",
        text: apache_text,
        program: || require("apache2"),
        start: |command, folder| {
            command.arg("-DFOREGROUND");
            command.arg("-f").arg(folder.join("httpd.conf"));
        },
        reload: Some(|command, folder| {
            command.args(["-k", "graceful"]);
            command.arg("-f").arg(folder.join("httpd.conf"));
        }),
    });
}

fn caddy_text(_: &Path, weights: [u32; 3]) -> String {
    let upstreams = BACKENDS.map(|address| serde_json::json!({ "dial": address }));
    let handler = serde_json::json!({
        "@id": "shop",
        "handler": "reverse_proxy",
        "upstreams": upstreams,
        "transport": { "protocol": "http", "keep_alive": { "enabled": false } },
        "load_balancing": { "selection_policy": { "policy": "weighted_round_robin", "weights": weights } },
    });
    let server = serde_json::json!({ "listen": [LISTEN], "routes": [{ "handle": [handler] }], "automatic_https": { "disable": true } });
    serde_json::json!({ "apps": { "http": { "servers": { "web": server } } } }).to_string()
}

fn caddy_arguments(command: &mut Command, verb: &str, folder: &Path) {
    command
        .env("HOME", folder)
        .arg(verb)
        .arg("--config")
        .arg(folder.join("caddy.json"));
}

#[test]
fn caddy_is_reloaded_with_another_weight() {
    is_followed(&Other {
        source: "caddy",
        file: "caddy.json",
        text: caddy_text,
        program: caddy,
        start: |command, folder| caddy_arguments(command, "run", folder),
        reload: Some(|command, folder| caddy_arguments(command, "reload", folder)),
    });
}

/// A static configuration stands beside the dynamic one, which it names.
fn traefik_text(folder: &Path, weights: [u32; 3]) -> String {
    let fixed = format!(
        "entryPoints: {{ web: {{ address: '{LISTEN}' }} }}\nproviders: {{ providersThrottleDuration: 10ms, file: {{ filename: {} }} }}\n\
         global: {{ checkNewVersion: false, sendAnonymousUsage: false }}\n",
        folder.join("dynamic.yml").display()
    );
    fs::write(folder.join("static.yml"), fixed).unwrap();
    let server =
        |(address, weight): (&str, u32)| format!("{{ url: 'http://{address}', weight: {weight} }}");
    let servers: Vec<String> = BACKENDS.into_iter().zip(weights).map(server).collect();
    format!(
        "http:\n  routers: {{ web: {{ rule: 'PathPrefix(`/`)', service: shop }} }}\n  serversTransports: {{ once: {{ maxIdleConnsPerHost: -1 }} }}\n  \
         services: {{ shop: {{ loadBalancer: {{ serversTransport: once, servers: [{}] }} }} }}\n",
        servers.join(", ")
    )
}

#[test]
fn traefik_takes_another_weight_over() {
    is_followed(&Other {
        source: "traefik",
        file: "dynamic.yml",
        text: traefik_text,
        program: traefik,
        start: |command, folder| {
            let fixed = folder.join("static.yml");
            command.arg(format!("--configFile={}", fixed.display()));
        },
        reload: None,
    });
}
