//! What runs, compared with what is written.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on must fail"
)]

use std::path::Path;

use evenkeel_balancers::live::{Condition, Pool, Server};
use evenkeel_balancers::model::Target;
use evenkeel_balancers::source::MemoryFiles;
use evenkeel_balancers::{Configuration, Finding, Options, Product, Severity, read};

const SHOP: &str = "\
global
    stats socket /run/a.sock mode 600 level admin
    stats socket ipv4@127.0.0.1:9999
defaults
    mode tcp
    timeout server 1m
frontend web
    bind :80
    default_backend shop
backend shop
    balance roundrobin
    server a 192.0.2.1:80 weight 10
    server b 192.0.2.2:80 weight 10
    server c 192.0.2.3:80 weight 10 disabled
    server d 192.0.2.4:80 weight 10 backup
    server-template t 2 app.example:80 weight 10
";

fn shop() -> Configuration {
    let files = MemoryFiles::new().with("haproxy.cfg", SHOP);
    let path = Path::new("haproxy.cfg");
    read(Product::Haproxy, &files, path, &Options::default()).unwrap()
}

fn server(name: &str, address: &str) -> Server {
    Server {
        name: Some(name.to_owned()),
        address: Some(address.to_owned()),
        host: None,
        weight: 10,
        loaded_weight: Some(10),
        has_agent: false,
        backup: name == "d",
        condition: Condition::Up,
        reason: None,
        sessions: 0,
    }
}

/// As it was loaded.
fn running() -> Pool {
    let mut servers = vec![
        server("a", "192.0.2.1:80"),
        server("b", "192.0.2.2:80"),
        server("c", "192.0.2.3:80"),
        server("d", "192.0.2.4:80"),
        server("t1", "192.0.2.5:80"),
        server("t2", "192.0.2.6:80"),
    ];
    servers[2].condition = Condition::Maintenance;
    Pool {
        name: "shop".to_owned(),
        discovered: false,
        servers,
    }
}

/// What is found besides what the file alone shows.
fn found(pools: &[Pool]) -> Vec<Finding> {
    let mut configuration = shop();
    let day = "2026-11-22".parse().unwrap();
    let before = configuration.audit(day).findings;
    configuration.compare(pools);
    let mut findings = configuration.audit(day).findings;
    findings.retain(|finding| !before.contains(finding));
    findings
}

/// What is found when one thing is not as it was loaded.
fn one(change: impl FnOnce(&mut Pool)) -> Finding {
    let mut pool = running();
    change(&mut pool);
    let found = found(&[pool]);
    let [finding] = &found[..] else {
        panic!("{found:#?}")
    };
    assert_eq!(finding.pool.as_deref(), Some("shop"));
    finding.clone()
}

#[test]
fn what_runs_as_loaded_shows_nothing() {
    assert_eq!(found(&[running()]), []);
}

#[test]
fn a_weight_that_was_changed_by_hand_is_told_with_its_shares() {
    let finding = one(|pool| pool.servers[1].weight = 5);
    assert_eq!((finding.rule.id, finding.place.line), ("GEN-006", 13));
    let expected = "the weight of b is 5 (14.3 % of the weight in rotation) since it was changed at run time; it was loaded \
                    with 10 (25.0 % of the weight in rotation)";
    assert_eq!(finding.message, expected);
    assert_eq!(finding.severity, Severity::Warning);
    let by_agent = one(|pool| {
        pool.servers[1].weight = 5;
        pool.servers[1].has_agent = true;
    });
    assert_eq!(by_agent.severity, Severity::Note);
}

#[test]
fn a_weight_that_was_not_loaded_is_told() {
    let finding = one(|pool| {
        pool.servers[0].weight = 20;
        pool.servers[0].loaded_weight = Some(20);
    });
    assert_eq!((finding.rule.id, finding.place.line), ("GEN-006", 12));
    assert!(
        finding
            .message
            .starts_with("a was loaded with a weight of 20")
    );
    assert!(finding.message.contains("the configuration says 10"));
}

#[test]
fn states_that_the_file_does_not_say_are_told() {
    let finding = one(|pool| pool.servers[0].condition = Condition::Maintenance);
    assert_eq!((finding.rule.id, finding.place.line), ("EVK-005", 12));
    assert!(
        finding.message.contains("a is in maintenance"),
        "{finding:?}"
    );
    assert!(finding.message.contains("25.0 %"), "{finding:?}");
    let finding = one(|pool| pool.servers[0].condition = Condition::Drained);
    assert_eq!(finding.rule.id, "EVK-005");
    let finding = one(|pool| pool.servers[2].condition = Condition::Up);
    assert_eq!(
        (finding.rule.id, finding.subject.as_deref()),
        ("EVK-005", Some("c"))
    );
    assert!(finding.message.contains("c is in use"), "{finding:?}");
    let finding = one(|pool| {
        pool.servers[4].condition = Condition::Down;
        pool.servers[4].reason = Some("L4CON: Connection refused".to_owned());
    });
    assert_eq!((finding.rule.id, finding.place.line), ("EVK-007", 16));
    assert!(
        finding
            .message
            .contains("t1 is down (L4CON: Connection refused)")
    );
    let finding = one(|pool| pool.servers[3].condition = Condition::Ejected);
    assert_eq!(
        (finding.rule.id, finding.severity),
        ("EVK-007", Severity::Note)
    );
}

#[test]
fn other_servers_than_those_of_the_file_are_told() {
    let finding = one(|pool| pool.servers.push(server("new", "192.0.2.9:80")));
    assert_eq!((finding.rule.id, finding.place.line), ("EVK-006", 10));
    assert!(
        finding.message.starts_with("new runs and is not"),
        "{finding:?}"
    );
    assert!(finding.message.contains("20.0 %"), "{finding:?}");
    let finding = one(|pool| drop(pool.servers.remove(0)));
    assert_eq!(
        (finding.rule.id, finding.subject.as_deref()),
        ("EVK-006", Some("a"))
    );
    let finding = one(|pool| pool.servers[0].address = Some("192.0.2.77:80".to_owned()));
    assert!(
        finding.message.contains("a is at 192.0.2.77:80 now"),
        "{finding:?}"
    );
    let other = Pool {
        name: "unheard".to_owned(),
        ..running()
    };
    let all = found(&[running(), other.clone()]);
    assert_eq!(all.len(), 1, "{all:?}");
    assert!(all[0].message.contains("unheard runs with 6 servers"));
    let discovered = Pool {
        discovered: true,
        ..other
    };
    assert_eq!(found(&[running(), discovered]), []);
    let gone = found(&[]);
    assert!(
        gone[0]
            .message
            .contains("shop is in the configuration and does not run")
    );
}

#[test]
fn a_check_that_most_fail_alike_is_told() {
    let mut pool = running();
    for server in &mut pool.servers {
        server.condition = Condition::Down;
        server.reason = Some("L7STS: Layer7 wrong status".to_owned());
    }
    pool.servers[0].condition = Condition::Up;
    let found = found(&[pool]);
    let check = found.iter().find(|finding| finding.rule.id == "GEN-005");
    let check = check.unwrap_or_else(|| panic!("{found:#?}"));
    assert!(
        check.message.starts_with("5 of 6 servers fail"),
        "{check:?}"
    );
    assert!(check.message.contains("L7STS"));
}

#[test]
fn a_file_that_was_not_loaded_is_a_note() {
    let mut configuration = shop();
    configuration.not_loaded("haproxy.cfg", "B", "A");
    configuration.not_loaded("other.cfg", "B", "A");
    let audit = configuration.audit("2026-11-22".parse().unwrap());
    let newer: Vec<_> = audit
        .findings
        .iter()
        .filter(|finding| finding.rule.id == "GEN-006")
        .collect();
    assert_eq!(newer.len(), 1);
    assert_eq!(newer[0].severity, Severity::Note);
    assert!(newer[0].message.contains("is not loaded"));
}

#[test]
fn a_comment_may_allow_what_only_shows_at_run_time() {
    let allowed = "server a 192.0.2.1:80 weight 10 # evenkeel: allow EVK-005 because of the move";
    let text = SHOP.replace("server a 192.0.2.1:80 weight 10", allowed);
    let files = MemoryFiles::new().with("haproxy.cfg", text);
    let path = Path::new("haproxy.cfg");
    let mut configuration = read(Product::Haproxy, &files, path, &Options::default()).unwrap();
    let day = "2026-11-22".parse().unwrap();
    let unused = |configuration: &Configuration| {
        let audit = configuration.audit(day);
        audit
            .findings
            .iter()
            .any(|finding| finding.rule.id == "EVK-003")
    };
    assert!(!unused(&configuration), "it was not asked what runs");
    let mut pool = running();
    pool.servers[0].condition = Condition::Drained;
    configuration.compare(&[pool]);
    let audit = configuration.audit(day);
    assert_eq!(audit.allowed[0].finding.rule.id, "EVK-005");
}

#[test]
fn where_to_ask_is_read_from_the_configuration() {
    let at: Vec<Target> = shop()
        .admin()
        .into_iter()
        .map(|address| address.target)
        .collect();
    let tcp = Target::Ip("127.0.0.1:9999".parse().unwrap());
    assert_eq!(at, [Target::Unix("/run/a.sock".to_owned()), tcp]);
    for (admin, expected) in [
        (
            "{socket_address: {address: 127.0.0.1, port_value: 9901}}",
            Target::Ip("127.0.0.1:9901".parse().unwrap()),
        ),
        (
            "{pipe: {path: /run/e.sock}}",
            Target::Unix("/run/e.sock".to_owned()),
        ),
    ] {
        let text = format!("admin: {{address: {admin}}}\nstatic_resources: {{clusters: []}}\n");
        let files = MemoryFiles::new().with("e.yaml", text);
        let read = read(
            Product::Envoy,
            &files,
            Path::new("e.yaml"),
            &Options::default(),
        );
        assert_eq!(read.unwrap().admin()[0].target, expected);
    }
}
