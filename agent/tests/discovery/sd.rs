//! Files in the format of Prometheus' `file_sd`.

use std::fs;
use std::time::{Duration, Instant};

use evenkeel_lab::backend::{Backend, Options, Protocol};
use evenkeel_lab::client::Plan;
use evenkeel_lab::wait::wait_for;
use serde_json::Value;

use crate::bed::{changes, config, follows, pool, pools, source, weights};
use crate::common::agent;
use crate::host::{at, on_own_host};

#[test]
fn files_are_followed_and_configured_pools_win() {
    on_own_host(|_| {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write(
            "shop.json",
            r#"[{"targets": ["192.0.2.1:80", "192.0.2.2:80"], "labels": {"zone": "a"}}]"#,
        );
        write(
            "fixed.yml",
            "[{targets: ['192.0.2.9:80'], labels: {job: fixed}}]",
        );
        let text = config(&format!(
            "{{file_sd: {{files: ['{0}/*.json', '{0}/fixed.yml']}}}}",
            folder.path().display()
        ));
        let fixed = "pools: [{name: fixed, backends: [{address: 192.0.2.7:80}]}]\n";
        let agent = agent(&(text.clone() + fixed));
        assert_eq!(pools(&agent)["shop"], "file_sd");
        assert_eq!(pools(&agent)["fixed"], "config");
        assert_eq!(
            agent
                .log()
                .matches("pool fixed: that of the configuration is watched")
                .count(),
            1
        );

        // A file that comes to match, and one that changes.
        write("api.json", r#"[{"targets": ["[2001:db8::1]:443"]}]"#);
        write(
            "shop.json",
            r#"[{"targets": ["192.0.2.1:80"]}, {"targets": ["192.0.2.3:80"], "labels": {"__evenkeel_weight__": "4"}}]"#,
        );
        let since = Instant::now();
        follows(&agent, "file_sd rewritten", since, || {
            pools(&agent).contains_key("api")
                && weights(&pool(&agent, "shop")).contains_key("192.0.2.3:80")
        });
        assert_eq!(
            changes(&pool(&agent, "shop")),
            ["192.0.2.2:80 was removed", "192.0.2.3:80 was added"]
        );
        assert!(
            agent.log().contains("pool api: discovered"),
            "{}",
            agent.log()
        );

        // A reload takes the source away and leaves the configured pool.
        agent
            .reconfigure(&format!("interval: 200ms\n{fixed}"))
            .unwrap();
        let since = Instant::now();
        follows(
            &agent,
            "a source that is not configured any longer",
            since,
            || pools(&agent).len() == 1,
        );
        agent.reconfigure(&(text + fixed)).unwrap();
        let since = Instant::now();
        follows(&agent, "a source that is configured again", since, || {
            pools(&agent).len() == 3
        });
    });
}

/// Numbers that are not computed.
fn assert_exact(found: f64, expected: f64) {
    assert!(
        (found - expected).abs() < 1e-6,
        "{found} instead of {expected}"
    );
}

#[test]
fn a_broken_file_holds_up_no_other() {
    on_own_host(|_| {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write("api.json", r#"[{"targets": ["192.0.2.1:80"]}]"#);
        write("shop.json", r#"[{"targets": ["192.0.2.2:80"]}]"#);
        let text = config(&format!(
            "{{file_sd: {{files: ['{}/*.json']}}}}",
            folder.path().display()
        ));
        let agent = agent(&text);
        let has = |pool: &str, address: &str| {
            weights(&crate::bed::pool(&agent, pool)).contains_key(address)
        };
        let source = || source(&agent, "file_sd");
        assert_eq!(source()["stale"], serde_json::json!([]));

        write("api.json", r#"[{"targets": ["#);
        write("shop.json", r#"[{"targets": ["192.0.2.3:80"]}]"#);
        let since = Instant::now();
        follows(&agent, "a file beside a broken one", since, || {
            has("shop", "192.0.2.3:80")
        });
        assert!(has("api", "192.0.2.1:80"));
        let told = source();
        assert_eq!((&told["error"], &told["pools"]), (&Value::Null, &2.into()));
        let stale = &told["stale"][0];
        assert!(
            stale["file"].as_str().unwrap().ends_with("api.json"),
            "{told}"
        );
        assert!(
            stale["since"].is_string() && stale["error"].is_string(),
            "{told}"
        );
        let figure = |name: &str| {
            let series = format!("evenkeel_discovery_{name}{{source=\"file_sd\"}}");
            agent.metric(&series).unwrap()
        };
        let (stale, age) = ("stale_files", "last_success_timestamp_seconds");
        let since_when = figure(age);
        assert_exact(figure(stale), 1.0);

        // It ages while the source goes on answering.
        write("shop.json", r#"[{"targets": ["192.0.2.4:80"]}]"#);
        let since = Instant::now();
        follows(&agent, "a file beside a broken one, again", since, || {
            has("shop", "192.0.2.4:80")
        });
        assert_exact(figure(age), since_when);

        write("api.json", r#"[{"targets": ["192.0.2.5:80"]}]"#);
        let since = Instant::now();
        follows(&agent, "a file that was repaired", since, || {
            has("api", "192.0.2.5:80")
        });
        assert_exact(figure(stale), 0.0);
        assert!(figure(age) > since_when);
        assert!(
            agent.log().contains("what it said last stays in force"),
            "{}",
            agent.log()
        );
    });
}

#[test]
fn an_incident_names_the_change_before_it() {
    on_own_host(|host| {
        let addresses = ["127.0.0.1:8001", "127.0.0.2:8001"].map(at);
        let options = Options::new(Protocol::Lab);
        let _backend = Backend::start(&[(host, addresses.to_vec())], &options).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("shop.json");
        let write = |weight: u32| {
            let group = |address, weight: u32| {
                let labels = serde_json::json!({ "__evenkeel_weight__": weight.to_string() });
                serde_json::json!({ "targets": [address], "labels": labels })
            };
            let groups = [group("127.0.0.1:8001", 1), group("127.0.0.2:8001", weight)];
            fs::write(&file, serde_json::to_string(&groups).unwrap()).unwrap();
        };
        write(1);
        let agent = agent(&config(&format!(
            "{{file_sd: {{files: ['{}']}}}}",
            file.display()
        )));
        let traffic = || Plan::new(addresses, 200).run(&[host]).unwrap();
        traffic();

        // The balancer, played by the clients, does not follow.
        write(5);
        let since = Instant::now();
        follows(&agent, "a weight that nobody follows", since, || {
            weights(&pool(&agent, "shop"))["127.0.0.2:8001"] > 4.0
        });
        let incident = wait_for(Duration::from_secs(20), "an incident", || {
            traffic();
            let body = agent.get("/api/v1/incidents")?.body;
            let answer: Value = serde_json::from_str(&body)?;
            Ok(answer["incidents"].get(0).cloned())
        });
        let incident = incident.unwrap_or_else(|error| panic!("{error}\n{}", agent.log()));
        let told = "weight of 127.0.0.2:8001 changed from 1 to 5";
        assert_eq!(
            (&incident["change"]["text"], &incident["change"]["source"]),
            (&told.into(), &"file_sd".into())
        );
        assert!(
            agent
                .log()
                .contains(&format!("the configuration changed: {told}")),
            "{}",
            agent.log()
        );
        let page = agent.get("/").unwrap().body;
        assert!(
            page.contains(&format!("the configuration changed: {told}")),
            "{page}"
        );
    });
}
