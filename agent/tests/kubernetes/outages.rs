//! The API server away, broken, forgetful and slow: counting goes on with what was known, and its age is told.

use std::time::{Duration, Instant};

use evenkeel_lab::kubernetes::{GoneAs, Verb};
use evenkeel_lab::netns::Namespace;

use crate::bed::{Cluster, follows, fresh, here, ip, members, pools, source, within};
use crate::common::{agent, alone};

const POOL: &str = "shop/checkout:http";

/// The longest pause between attempts, and half of it, as the agent has it.
const LONGEST_PAUSE: Duration = Duration::from_secs(45);

#[test]
fn an_agent_starts_without_the_api_server_and_finds_it_later() {
    let _alone = alone();
    let mut cluster = Cluster::new();
    cluster.serve("shop", "checkout", &[here(ip(1), "pod")]);
    cluster.api.stop();
    let fixed = "pools: [{name: fixed, backends: [{address: 192.0.2.7:80}]}]\n";
    let agent = agent(&(cluster.config("") + fixed));
    assert_eq!(pools(&agent), ["fixed"]);
    let told = source(&agent);
    assert!(
        told["error"]
            .as_str()
            .unwrap()
            .contains("cannot ask the API server"),
        "{told}"
    );
    assert!(told["last_success"].is_null(), "{told}");
    cluster.api.resume(&Namespace::current()).unwrap();
    within(LONGEST_PAUSE, &agent, "the API server is found", || {
        pools(&agent) == ["fixed", POOL]
    });
    let told = agent
        .log()
        .matches("the source of pools cannot be read")
        .count();
    assert!(told <= 2, "{}", agent.log());
}

#[test]
fn an_api_server_that_goes_costs_nothing_but_age() {
    let _alone = alone();
    let mut cluster = Cluster::new();
    cluster.serve("shop", "checkout", &[here(ip(1), "pod")]);
    let agent = cluster.agent("");
    let asked = cluster.requests();
    cluster.api.stop();
    follows(&agent, "the outage is told", || {
        source(&agent)["failures"].as_u64() > Some(0)
    });
    let old = fresh(&agent);
    let since = Instant::now();
    follows(&agent, "some time", || {
        since.elapsed() > Duration::from_secs(3)
    });
    assert!((fresh(&agent) - old).abs() < 1e-9, "it ages");
    assert_eq!(pools(&agent), [POOL]);
    // Meanwhile the world has changed.
    cluster.slice("shop", "checkout", &[here(ip(2), "next")]);
    cluster.api.resume(&Namespace::current()).unwrap();
    within(LONGEST_PAUSE, &agent, "what changed meanwhile", || {
        members(&agent, POOL, "backends") == ["198.51.100.2:8080"]
    });
    follows(&agent, "it is fresh again", || fresh(&agent) > old + 3.0);
    // Watches went on from where they were: nothing was listed again.
    follows(&agent, "all watches are on", || cluster.api.watches() == 3);
    let again = &cluster.api.ledger()[asked..];
    assert!(again.iter().all(|it| it.verb == Verb::Watch), "{again:?}");
    assert!(again.len() <= 6, "{again:?}");
    assert!(agent.log().contains("the source of pools answers again"));
}

#[test]
fn watches_that_are_cut_in_midst_of_an_event_go_on() {
    let _alone = alone();
    let cluster = Cluster::new();
    cluster.serve("shop", "checkout", &[here(ip(1), "pod")]);
    let agent = cluster.agent("");
    for round in 2..5 {
        let asked = cluster.requests();
        cluster.api.cut();
        cluster.slice("shop", "checkout", &[here(ip(round), "pod")]);
        within(LONGEST_PAUSE, &agent, "a change after a cut", || {
            members(&agent, POOL, "backends") == [format!("198.51.100.{round}:8080")]
        });
        let again = &cluster.api.ledger()[asked..];
        assert!(again.iter().all(|it| it.verb == Verb::Watch), "{again:?}");
    }
}

#[test]
fn versions_that_are_gone_are_listed_anew_once() {
    let _alone = alone();
    for gone in [GoneAs::Event, GoneAs::Status] {
        let cluster = Cluster::new();
        cluster.serve("shop", "checkout", &[here(ip(1), "pod")]);
        cluster.serve("shop", "doomed", &[here(ip(9), "pod-9")]);
        cluster.api.faults(|faults| faults.gone = gone);
        let agent = cluster.agent("");
        assert_eq!(pools(&agent).len(), 2);
        // Nobody hears of these changes: the versions before them are forgotten.
        cluster.api.faults(|faults| faults.silent = true);
        cluster.api.delete("Service", "shop", "doomed").unwrap();
        cluster.slice("shop", "checkout", &[here(ip(2), "pod")]);
        cluster.api.compact();
        cluster.api.cut();
        cluster.api.faults(|faults| faults.silent = false);
        within(LONGEST_PAUSE, &agent, "what was missed", || {
            pools(&agent) == [POOL] && members(&agent, POOL, "backends") == ["198.51.100.2:8080"]
        });
        for kind in ["services", "endpointslices"] {
            let lists = cluster.asked(Verb::List, kind);
            assert_eq!(lists.len(), 2, "{gone:?} {lists:?}");
            // What is in the server's memory may be older than what the agent knows.
            assert_eq!(lists[0].version.as_deref(), Some("0"));
            assert_eq!(lists[1].version, None);
        }
    }
}

#[test]
fn refusals_are_told_with_what_to_do_and_end_by_themselves() {
    let _alone = alone();
    let cluster = Cluster::new();
    cluster.serve("shop", "checkout", &[here(ip(1), "pod")]);
    cluster.api.faults(|faults| {
        faults.forbidden = vec!["endpointslices".to_owned(), "services".to_owned()];
        faults.delay = Duration::from_millis(200);
    });
    let agent = cluster.agent("");
    let error = source(&agent)["error"].as_str().unwrap().to_owned();
    assert!(
        error.contains("forbidden") && error.contains("docs/kubernetes.md"),
        "{error}"
    );
    cluster.api.faults(|faults| {
        faults.forbidden.clear();
        faults.failing = (4, 503);
    });
    within(LONGEST_PAUSE, &agent, "the permission is used", || {
        pools(&agent) == [POOL]
    });

    // Without pods there are no labels of theirs; everything else is as it was.
    cluster
        .api
        .faults(|faults| faults.forbidden = vec!["pods".to_owned()]);
    let other = {
        drop(agent);
        cluster.agent("")
    };
    follows(&other, "pools without labels of pods", || {
        pools(&other) == [POOL]
    });
    assert!(source(&other)["error"].is_null());
}
