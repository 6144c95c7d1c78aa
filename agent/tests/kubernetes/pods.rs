//! Pods that serve: what the agent counts of them is what truly happened, and addresses that pass from one to another are told apart.

use std::net::IpAddr;

use evenkeel_lab::agent::Agent;
use evenkeel_lab::backend::{Options, Protocol};
use evenkeel_lab::client::Plan;
use evenkeel_lab::kubernetes::{Endpoint, Verb, pod};
use evenkeel_lab::network::{Family, Layout, Network};
use serde_json::{Value, json};

use crate::bed::{Cluster, PORT, follows, here, members, pool, pools};
use crate::common::{CONNECTIONS, alone, wait_equal};

const POOL: &str = "shop/checkout:http";

fn network() -> Network {
    let layout = Layout {
        clients: 4,
        backend_hosts: 2,
        backend_addresses: 6,
        balancers: 1,
    };
    Network::build(&layout).unwrap()
}

fn connect(network: &Network, ips: &[IpAddr], connections: u64) -> evenkeel_lab::ledger::Ledger {
    let targets = ips.iter().map(|ip| (*ip, PORT).into());
    Plan::new(targets, connections)
        .run(&network.sources())
        .unwrap()
}

fn backend(agent: &Agent, ip: IpAddr) -> Value {
    let pool = pool(agent, POOL);
    let address = std::net::SocketAddr::new(ip, PORT).to_string();
    let backends = pool["backends"].as_array().unwrap();
    let found = backends.iter().find(|it| it["address"] == address.as_str());
    found
        .unwrap_or_else(|| panic!("no {address} in {pool}"))
        .clone()
}

#[test]
fn pods_of_this_node_are_counted_exactly_with_their_labels() {
    let _alone = alone();
    let (network, cluster) = (network(), Cluster::new());
    let backend_of = network
        .serve(&Options::new(Protocol::Lab), Family::Both, PORT)
        .unwrap();
    let hosts = network.backends.iter();
    let (v4, v6): (Vec<IpAddr>, Vec<IpAddr>) = hosts
        .flat_map(|host| host.v4.iter().zip(&host.v6))
        .map(|(v4, v6)| (IpAddr::from(*v4), IpAddr::from(*v6)))
        .unzip();
    // The first four addresses are pods of this node, in both families; the others are elsewhere.
    let pods = |ips: &[IpAddr]| -> Vec<Endpoint> {
        let named = ips.iter().enumerate();
        named
            .map(|(n, ip)| {
                let node = if n < 4 { "worker-1" } else { "worker-2" };
                Endpoint::new(*ip, &format!("checkout-6d4b9-{n}"), node)
            })
            .collect()
    };
    cluster.serve("shop", "checkout", &pods(&v4));
    let labels = json!({"app": "checkout"});
    let mut second =
        evenkeel_lab::kubernetes::endpoint_slice("shop", "checkout", 1, &labels, PORT, &pods(&v6));
    // One of them is in both slices: it counts once.
    second["endpoints"][0]["addresses"] = json!([v4[0]]);
    cluster.api.apply(second).unwrap();
    for endpoint in pods(&v4) {
        let labels = json!({"app": "checkout", "version": "v12", "pod-template-hash": "6d4b9", "other": "x"});
        cluster.api.apply(pod("shop", &endpoint, &labels)).unwrap();
    }
    let agent = cluster.agent("");
    let expected: Vec<IpAddr> = v4[..4].iter().chain(&v6[1..4]).copied().collect();
    let shown = members(&agent, POOL, "backends");
    assert_eq!(shown.len(), expected.len(), "{shown:?}");

    let all: Vec<IpAddr> = v4.iter().chain(&v6).copied().collect();
    let truth = connect(&network, &all, 24_000);
    let mine = truth
        .iter()
        .filter(|(address, _)| expected.contains(&address.ip()));
    let mine = mine.map(|(address, tally)| (address, *tally)).collect();
    wait_equal(&agent, POOL, &mine, &CONNECTIONS);

    let first = backend(&agent, v4[0]);
    assert_eq!(
        first["labels"],
        json!({"node": "worker-1", "pod": "checkout-6d4b9-0", "zone": "zone-a", "version": "v12", "pod_template_hash": "6d4b9"})
    );
    let metrics = agent.get("/metrics").unwrap().body;
    let info = format!(
        "evenkeel_backend_info{{pool=\"{POOL}\",backend=\"{}:{PORT}\"",
        v4[0]
    );
    let info = metrics
        .lines()
        .find(|line| line.starts_with(&info))
        .unwrap();
    for label in [
        "role=\"local\"",
        "label_node=\"worker-1\"",
        "label_pod=\"checkout-6d4b9-0\"",
        "label_zone=\"zone-a\"",
        "label_version=\"v12\"",
        "label_pod_template_hash=\"6d4b9\"",
    ] {
        assert!(info.contains(label), "{info}");
    }
    // Pods are watched of this node alone, and of them their metadata.
    for asked in cluster.api.ledger() {
        if asked.kind == "pods" {
            assert_eq!(
                asked.field_selector.as_deref(),
                Some("spec.nodeName=worker-1")
            );
            assert!(asked.metadata_alone);
        }
    }
    assert_eq!(cluster.asked(Verb::Watch, "pods").len(), 1);
    // A link to the pool with its slash written out leads to the same.
    let encoded = agent.get("/api/v1/pools/shop%2Fcheckout%3Ahttp").unwrap();
    assert_eq!(encoded.status, 200);
    assert_eq!(
        agent
            .get(&format!("/api/v1/pools/{POOL}/history"))
            .unwrap()
            .status,
        200
    );
    backend_of.stop().unwrap();
}

#[test]
fn a_pod_at_the_address_of_another_begins_at_nothing() {
    let _alone = alone();
    let (network, cluster) = (network(), Cluster::new());
    let serving = network
        .serve(&Options::new(Protocol::Lab), Family::V4, PORT)
        .unwrap();
    let ips: Vec<IpAddr> = network.backends[0]
        .v4
        .iter()
        .map(|ip| IpAddr::from(*ip))
        .collect();
    let old = [here(ips[0], "old-0"), here(ips[1], "stays")];
    cluster.serve("shop", "checkout", &old);
    let agent = cluster.agent("");
    let both = &ips[..2];
    let truth = connect(&network, both, 4000);
    wait_equal(&agent, POOL, &truth, &CONNECTIONS);

    // A StatefulSet's pod has the name of the one before: its UID alone tells that it is another.
    let mut new = here(ips[0], "old-0");
    new.uid = "uid-of-the-next".to_owned();
    cluster.slice("shop", "checkout", &[new, here(ips[1], "stays")]);
    follows(&agent, "a pod at the address of another", || {
        backend(&agent, ips[0])["connections"]["opened"] == 0
    });
    let shown = pool(&agent, POOL);
    let changes = shown["changes"].as_array().unwrap();
    assert_eq!(
        changes[0]["text"],
        format!("another backend took over the address {}:{PORT}", ips[0])
    );
    assert_eq!(backend(&agent, ips[1])["connections"]["opened"], 2000);

    let later = connect(&network, both, 600);
    agent
        .wait_pool(POOL, |pool| {
            let counted = pool.ledger();
            let new = counted.get((ips[0], PORT).into());
            let kept = counted.get((ips[1], PORT).into());
            anyhow::ensure!(new.opened == 300 && new.closed.client_fin == 300, "{new:?}");
            anyhow::ensure!(kept.opened == 2300, "{kept:?}");
            Ok(())
        })
        .unwrap();
    assert_eq!(later.total().opened, 600);
    serving.stop().unwrap();
}

#[test]
fn a_balancer_of_this_node_is_counted_towards_pods_anywhere() {
    let _alone = alone();
    let (network, cluster) = (network(), Cluster::new());
    let serving = network
        .serve(&Options::new(Protocol::Lab), Family::V4, PORT)
        .unwrap();
    let hosts = network.backends.iter();
    let ips: Vec<IpAddr> = hosts
        .flat_map(|host| &host.v4)
        .map(|ip| IpAddr::from(*ip))
        .collect();
    let pods: Vec<Endpoint> = (0..)
        .zip(&ips)
        .map(|(n, ip)| Endpoint::new(*ip, &format!("checkout-{n}"), &format!("worker-{n}")))
        .collect();
    cluster.serve("shop", "checkout", &pods);
    let agent = cluster.agent(", role: upstream");
    assert_eq!(pools(&agent), [POOL]);
    assert_eq!(pool(&agent, POOL)["role"], "upstream");
    let truth = connect(&network, &ips, 6000);
    wait_equal(&agent, POOL, &truth, &CONNECTIONS);
    // Of a whole cluster no pods are watched.
    assert!(cluster.asked(Verb::List, "pods").is_empty());
    assert_eq!(backend(&agent, ips[3])["labels"]["pod"], "checkout-3");
    serving.stop().unwrap();
}
