//! While a command runs, on the real kernel.

use std::process::Stdio;
use std::time::{Duration, Instant};

use evenkeel_lab::backend::{Backend, Options, Protocol};
use evenkeel_lab::balancer::{Algorithm, Product};
use evenkeel_lab::wait::wait_until;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use tempfile::tempdir;

use crate::bed::{BACKENDS, LOAD, alike, backends, balancer, command, gate, requests};
use crate::host::{at, on_own_host};

fn with_load<'a>(options: &[&'a str]) -> Vec<&'a str> {
    options.iter().copied().chain(["--"]).chain(LOAD).collect()
}

#[test]
fn an_even_balancer_passes_and_all_connections_are_counted() {
    on_own_host(|host| {
        let backend = backends(host);
        let balancer = balancer(Product::Nginx, host, |_| {});
        let file = balancer.config_path().display().to_string();
        let folder = tempdir().unwrap();
        let page = folder.path().join("report.html").display().to_string();
        let answer = gate(&with_load(&[
            "--nginx",
            &file,
            "--max-to-mean",
            "1.1",
            "--gini",
            "0.05",
            "--tolerance",
            "0.1",
            "--no-failed",
            "--output",
            "json",
            "--report",
            &page,
        ]));
        assert_eq!(answer.code, 0, "{answer:?}");
        // What the command writes is not lost, and not among the data.
        assert!(answer.err.contains("Requests/sec"), "{}", answer.err);
        let report = answer.json();
        assert_eq!(report["outcome"], "pass");
        assert_eq!(report["command"]["exit_code"], 0);
        let pool = &report["pools"][0];
        assert_eq!(
            (
                pool["name"].as_str(),
                pool["limits"].as_array().unwrap().len()
            ),
            (Some("pool"), 4)
        );
        let opened: u64 = pool["backends"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["counted"]["connections"]["opened"].as_u64().unwrap())
            .sum();
        assert_eq!(opened, backend.ledger().total().opened);
        assert!(opened > 100);
        // In turn is far from by lot, and that was measured.
        assert_eq!(pool["dispersion"]["basis"], "measured");
        assert!(
            pool["dispersion"]["estimate"].as_f64().unwrap() < 0.5,
            "{pool}"
        );
        assert_eq!(pool["capacity"], serde_json::Value::Null);
        assert!(
            std::fs::read_to_string(page)
                .unwrap()
                .ends_with("</html>\n")
        );
    });
}

#[test]
fn a_wrong_weight_is_skewed_and_its_price_is_told() {
    on_own_host(|host| {
        let _backend = backends(host);
        let _balancer = balancer(Product::Haproxy, host, |setup| setup.servers[0].weight = 3);
        let folder = tempdir().unwrap();
        let config = alike(folder.path());
        let answer = gate(&with_load(&[
            "--config",
            &config,
            "--max-to-mean",
            "1.2",
            "--output",
            "json",
        ]));
        assert_eq!(answer.code, 3, "{answer:?}");
        let pool = &answer.json()["pools"][0];
        assert_eq!(pool["outcome"], "skewed");
        let backends = pool["backends"].as_array().unwrap();
        let skewed: Vec<i64> = backends
            .iter()
            .map(|one| one["skewed"].as_i64().unwrap())
            .collect();
        assert_eq!(skewed, [1, 0, 0, 0]);
        // Three of six go to one of four.
        let factor = pool["capacity"]["factor"].as_f64().unwrap();
        assert!((factor - 2.0).abs() < 0.05, "{factor}");
    });
}

#[test]
fn few_connections_are_inconclusive_and_it_is_told_how_many_it_takes() {
    on_own_host(|host| {
        let _backend = backends(host);
        let _balancer = balancer(Product::Nginx, host, |_| {});
        let folder = tempdir().unwrap();
        let config = alike(folder.path());
        let script = requests(12);
        let answer = gate(&[
            "--config",
            &config,
            "--max-to-mean",
            "1.2",
            "--",
            "bash",
            "-c",
            &script,
        ]);
        assert_eq!(answer.code, 4, "{answer:?}");
        assert!(
            answer
                .out
                .contains("shop: inconclusive: 12 connections over 4 backends"),
            "{}",
            answer.out
        );
        assert!(
            answer.out.contains("connections would be enough"),
            "{}",
            answer.out
        );
    });
}

#[test]
fn pools_are_learned_where_none_is_named() {
    on_own_host(|host| {
        let _backend = backends(host);
        let _balancer = balancer(Product::Nginx, host, |_| {});
        let answer = gate(&with_load(&["--output", "json"]));
        assert_eq!(answer.code, 0, "{answer:?}");
        let report = answer.json();
        assert_eq!(report["pools"].as_array().unwrap().len(), 1);
        assert_eq!(report["pools"][0]["name"], "auto:8001@lo");
        assert_eq!(report["pools"][0]["backends"].as_array().unwrap().len(), 4);
    });
}

/// Least-connections sends more to who is faster: it is judged by open connections.
#[test]
fn least_connections_is_judged_by_what_it_aims_at() {
    on_own_host(|host| {
        let slow = Options {
            delay: Duration::from_millis(80),
            ..Options::new(Protocol::Http)
        };
        let fast = Options {
            delay: Duration::from_millis(8),
            ..slow
        };
        let [first, rest @ ..] = BACKENDS.map(at);
        let _slow = Backend::start(&[(host, vec![first])], &slow).unwrap();
        let _fast = Backend::start(&[(host, rest.to_vec())], &fast).unwrap();
        let balancer = balancer(Product::Nginx, host, |setup| {
            setup.algorithm = Algorithm::LeastConnections;
        });
        let file = balancer.config_path().display().to_string();
        let load = ["wrk", "-t1", "-c32", "-d3s", "http://127.0.0.1:8080/"];
        let run = |options: &[&str]| {
            let arguments = [
                &["--nginx", &file, "--tolerance", "0.5", "--output", "json"],
                options,
                &["--"],
                &load,
            ];
            gate(&arguments.concat())
        };
        let answer = run(&[]);
        assert_eq!(answer.code, 0, "{answer:?}");
        assert_eq!(answer.json()["pools"][0]["signal"], "active");
        let arrivals = run(&["--signal", "opened"]);
        assert_eq!(arrivals.code, 3, "{arrivals:?}");
    });
}

#[test]
fn connections_that_stay_open_are_told_of() {
    on_own_host(|host| {
        let _backend = backends(host);
        let _balancer = balancer(Product::Nginx, host, |setup| setup.keepalive = true);
        let folder = tempdir().unwrap();
        let config = alike(folder.path());
        let answer = gate(&with_load(&["--config", &config, "--output", "json"]));
        let pool = &answer.json()["pools"][0];
        let notes = pool["notes"].to_string();
        assert!(notes.contains("connections are kept"), "{answer:?}");
        // Their bytes are seen all the same.
        let carried = |one: &serde_json::Value| one["counted"]["bytes"]["sent"].as_u64().unwrap();
        let all = pool["backends"].as_array().unwrap();
        assert!(all.iter().map(carried).sum::<u64>() > 100_000, "{pool}");
    });
}

#[test]
fn a_command_that_fails_has_tested_nothing() {
    on_own_host(|host| {
        let _backend = backends(host);
        let _balancer = balancer(Product::Nginx, host, |_| {});
        let folder = tempdir().unwrap();
        let config = alike(folder.path());
        let script = format!("echo hello; {}; exit 7", requests(4));
        let arguments = [
            "--config", &config, "--output", "json", "--", "bash", "-c", &script,
        ];
        let answer = gate(&arguments);
        assert_eq!(answer.code, 5, "{answer:?}");
        assert_eq!(answer.json()["command"]["exit_code"], 7);
        assert!(answer.err.contains("hello"));
        // With text for people, both are where they would be without the gate.
        let text = gate(&["--config", &config, "--", "bash", "-c", &script]);
        assert!(
            text.out.starts_with("hello\n")
                && text.out.contains("failed: it ended with exit code 7")
        );
    });
}

#[test]
fn failed_attempts_break_the_gate() {
    on_own_host(|host| {
        // The last one refuses.
        let alive = BACKENDS[..3].iter().map(|address| at(address)).collect();
        let _backend = Backend::start(&[(host, alive)], &Options::new(Protocol::Http)).unwrap();
        let _balancer = balancer(Product::Nginx, host, |_| {});
        let folder = tempdir().unwrap();
        let config = alike(folder.path());
        let answer = gate(&with_load(&[
            "--config",
            &config,
            "--no-failed",
            "--output",
            "json",
        ]));
        assert_eq!(answer.code, 3, "{answer:?}");
        let pool = &answer.json()["pools"][0];
        assert!(
            pool["limits"][0]["observed"].as_f64().unwrap() >= 1.0,
            "{pool}"
        );
    });
}

#[test]
fn a_signal_is_passed_on_and_nothing_is_left_behind() {
    on_own_host(|_| {
        let folder = tempdir().unwrap();
        let config = alike(folder.path());
        let file = folder.path().join("pid");
        // Waits for a child of its own, which must end as well.
        let script = format!(
            "echo $$ > {0}.new; mv {0}.new {0}; sleep 60; true",
            file.display()
        );
        let mut gate = command(&["--config", &config, "--", "sh", "-c", &script])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let pid = |text: &str| Pid::from_raw(text.trim().parse().unwrap()).unwrap();
        wait_until(Duration::from_secs(20), "the command to run", || {
            file.exists()
        })
        .unwrap();
        let child = pid(&std::fs::read_to_string(&file).unwrap());
        // `timeout` passes it on.
        kill_process(Pid::from_child(&gate), Signal::TERM).unwrap();
        let began = Instant::now();
        let status = gate.wait().unwrap();
        assert_eq!(status.code(), Some(5));
        assert!(began.elapsed() < Duration::from_secs(10));
        assert!(test_kill_process(child).is_err(), "the command has ended");
        // The hook is detached: another one counts at once.
        let next = crate::bed::gate(&["--config", &config, "--", "true"]);
        assert_eq!(next.code, 4, "{next:?}");
    });
}
