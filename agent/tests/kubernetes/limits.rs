//! What is watched: the namespaces and Services that are asked for, each with one watch, and nothing again and again.

use std::collections::BTreeMap;
use std::time::Duration;

use evenkeel_lab::kubernetes::Verb;
use evenkeel_lab::wait::wait_until;

use crate::bed::{Cluster, follows, fresh, here, ip, pools, source};
use crate::common::{agent, alone};

#[test]
fn namespaces_and_selectors_limit_the_watches() {
    let _alone = alone();
    let cluster = Cluster::new();
    for (namespace, name) in [
        ("shop", "checkout"),
        ("shop", "cart"),
        ("pay", "checkout"),
        ("other", "checkout"),
    ] {
        cluster.serve(namespace, name, &[here(ip(1), "pod")]);
    }
    let agent = cluster.agent(", namespaces: [shop, pay], selector: app=checkout");
    assert_eq!(pools(&agent), ["pay/checkout:http", "shop/checkout:http"]);
    cluster.serve("pay", "billing", &[here(ip(2), "pod-2")]);
    cluster.serve("other", "late", &[here(ip(3), "pod-3")]);
    cluster.slice("pay", "checkout", &[here(ip(4), "pod-4")]);
    follows(&agent, "a change of what is watched", || {
        let members = crate::bed::members(&agent, "pay/checkout:http", "backends");
        members == ["198.51.100.4:8080"]
    });
    assert_eq!(pools(&agent).len(), 2);
    for asked in cluster.api.ledger() {
        assert!(asked.namespace.is_some(), "{asked:?}");
        let selected = asked.label_selector.as_deref() == Some("app=checkout");
        assert_eq!(selected, asked.kind != "pods", "{asked:?}");
    }
}

#[test]
fn a_quiet_watch_is_fresh_and_lists_nothing_again() {
    let _alone = alone();
    let cluster = Cluster::new();
    cluster.serve("shop", "checkout", &[here(ip(1), "pod")]);
    cluster.api.faults(|faults| {
        faults.bookmarks = Duration::from_millis(500);
        // The server closes watches, as it does every few minutes.
        faults.longest_watch = Duration::from_secs(6);
    });
    let agent = cluster.agent("");
    assert_eq!(cluster.requests(), 6, "a list and a watch for each kind");
    let begun = fresh(&agent);
    wait_until(Duration::from_secs(20), "watches to be renewed", || {
        cluster.requests() >= 9
    })
    .unwrap();
    let mut asked: BTreeMap<(String, bool), usize> = BTreeMap::new();
    for one in cluster.api.ledger() {
        *asked.entry((one.kind, one.verb == Verb::List)).or_default() += 1;
    }
    for kind in ["endpointslices", "pods", "services"] {
        assert_eq!(asked[&(kind.to_owned(), true)], 1, "{kind}: {asked:?}");
    }
    follows(
        &agent,
        "a source that is fresh though nothing changes",
        || fresh(&agent) >= begun + 5.0,
    );
    assert_eq!(source(&agent)["failures"], 0);
}

#[test]
fn without_its_node_a_local_agent_says_what_to_set() {
    let _alone = alone();
    let cluster = Cluster::new();
    let config = cluster.config("").replace("node: worker-1, ", "");
    let agent = agent(&config);
    let error = source(&agent)["error"].as_str().unwrap().to_owned();
    assert!(
        error.contains("set `discovery.kubernetes.node`, or NODE_NAME"),
        "{error}"
    );
    assert_eq!(cluster.requests(), 0);
}
