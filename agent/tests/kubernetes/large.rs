//! Five thousand endpoints, and deployments that replace them.

use std::time::{Duration, Instant};

use evenkeel_lab::agent::Agent;
use evenkeel_lab::kubernetes::{Endpoint, Ready, Verb, endpoint_slice, service};
use evenkeel_lab::wait::wait_for;
use serde_json::json;

use crate::bed::{Cluster, PORT, pool, pools, source};
use crate::common::alone;

const SERVICES: usize = 50;
const SLICES: usize = 2;
/// Endpoints of a slice: what the controller puts into one.
const EACH: usize = 50;

/// The endpoints of a slice, after so many deployments.
fn endpoints(service: usize, slice: usize, generation: u32) -> Vec<Endpoint> {
    let number = |n: usize| u32::try_from((service * SLICES + slice) * EACH + n).unwrap();
    let endpoint = |n: usize| {
        // Addresses go round: after three deployments they are used again.
        let ip = 0xc612_0000 + number(n) + (generation % 3) * 0x4000;
        let pod = format!("shop-{service}-{generation}-{}", slice * EACH + n);
        Endpoint::new(
            std::net::Ipv4Addr::from(ip),
            &pod,
            &format!("worker-{}", n % 100),
        )
    };
    (0..EACH).map(endpoint).collect()
}

fn apply(cluster: &Cluster, number: usize, slice: usize, endpoints: &[Endpoint]) {
    let name = format!("shop-{number}");
    let labels = json!({"app": name});
    let object = endpoint_slice("large", &name, slice, &labels, PORT, endpoints);
    cluster.api.apply(object).unwrap();
}

fn deploy(cluster: &Cluster, service: usize, generation: u32) {
    for slice in 0..SLICES {
        apply(
            cluster,
            service,
            slice,
            &endpoints(service, slice, generation),
        );
    }
}

/// Waits until the first backend of a Service is of a deployment; says how long that took.
fn in_force(agent: &Agent, service: usize, generation: u32, since: Instant) -> Duration {
    let name = format!("large/shop-{service}:http");
    let expected = format!("shop-{service}-{generation}-");
    wait_for(
        Duration::from_secs(20),
        "a deployment to be in force",
        || {
            let shown = pool(agent, &name);
            let backends = shown["backends"].as_array().map_or(&[][..], Vec::as_slice);
            let is_new = |it: &serde_json::Value| {
                it["labels"]["pod"]
                    .as_str()
                    .is_some_and(|pod| pod.starts_with(&expected))
            };
            let all = backends.len() == SLICES * EACH && backends.iter().all(is_new);
            Ok(all.then_some(()))
        },
    )
    .unwrap();
    since.elapsed()
}

fn memory(agent: &Agent) -> f64 {
    agent.metric("process_resident_memory_bytes").unwrap() / 1e6
}

#[test]
fn five_thousand_endpoints_and_their_deployments_are_followed() {
    let _alone = alone();
    let cluster = Cluster::new();
    for number in 0..SERVICES {
        let name = format!("shop-{number}");
        cluster
            .api
            .apply(service("large", &name, &json!({"app": name})))
            .unwrap();
        deploy(&cluster, number, 0);
    }
    let started = Instant::now();
    let agent = cluster.agent(", role: upstream");
    assert_eq!(pools(&agent).len(), SERVICES);
    assert_eq!(source(&agent)["backends"], SERVICES * SLICES * EACH);
    let begun = memory(&agent);
    eprintln!(
        "5,000 endpoints: ready after {} ms, {begun:.0} MB",
        started.elapsed().as_millis()
    );

    let (mut slowest, mut grown) = (Duration::ZERO, Vec::new());
    for generation in 1..=10 {
        for number in 0..SERVICES {
            // The old ones are shut down while the new ones come.
            let mut old = endpoints(number, 0, generation - 1);
            for endpoint in &mut old {
                endpoint.ready = Ready::Terminating;
            }
            apply(&cluster, number, 0, &old);
            deploy(&cluster, number, generation);
        }
        let since = Instant::now();
        slowest = slowest.max(in_force(&agent, SERVICES - 1, generation, since));
        grown.push(memory(&agent) - begun);
    }
    let more = grown[grown.len() - 1];
    eprintln!("grown by {grown:.0?} MB");
    eprintln!(
        "50,000 endpoints replaced: each deployment in force after {} ms at most, {more:+.0} MB",
        slowest.as_millis()
    );
    assert!(slowest < Duration::from_secs(5), "{slowest:?}");
    assert!(begun < 250.0 && more < 100.0, "{begun} {more}");
    // All of it came through the watches that began it.
    for kind in ["services", "endpointslices"] {
        assert_eq!(cluster.asked(Verb::List, kind).len(), 1, "{kind}");
        assert_eq!(cluster.asked(Verb::Watch, kind).len(), 1, "{kind}");
    }
    assert_eq!(source(&agent)["failures"], 0);
}
