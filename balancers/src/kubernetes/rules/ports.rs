//! Ports and who keeps to a pod: K8S-003, K8S-006, K8S-008, K8S-011, GEN-001.

use super::{CLIENT_IP, HEADLESS, IPVS_HASH, MULTIPLEXED};
use crate::finding::Report;
use crate::finding::generic::LONG_LIVED;
use crate::kubernetes::objects::{Objects, Port};
use crate::kubernetes::pools::View;
use crate::text::{percent, seconds};
use crate::yaml::Value;

/// K8S-003: `sessionAffinity: ClientIP`.
pub(super) fn client_ip(view: &View<'_>, report: &mut Report) {
    let Some(affinity) = view.setting("sessionAffinity", "ClientIP") else {
        return;
    };
    let time = view
        .service
        .spec
        .at(&["sessionAffinityConfig", "clientIP", "timeoutSeconds"]);
    let time = seconds(time.and_then(Value::whole).unwrap_or(10_800));
    report
        .add(
            &CLIENT_IP,
            affinity.place(),
            format!("a client's address keeps its pod until it is idle for {time}: all clients behind one NAT, ingress or balancer are one pod's, and after a rolling update the first pod back keeps most"),
            "bind sessions by a cookie in the ingress, or shorten `timeoutSeconds`",
        )
        .pool(&view.pool.name);
}

/// K8S-006: a port of gRPC or HTTP/2 behind a cluster address.
pub(super) fn multiplexed(view: &View<'_>, report: &mut Report) {
    let external = view.service.spec.get("type").and_then(Value::text) == Some("ExternalName");
    if !carries_many(&view.port) || view.service.headless || external {
        return;
    }
    let pods = view.ready().count();
    let told = if pods > 1 {
        format!(
            "all requests of a client go to one of the {pods} pods, and one that joins gets 0 % of the open connections instead of {}",
            percent(1.0 / (pods + 1) as f64)
        )
    } else {
        "all requests of a client go to one pod, and a pod that joins gets none until clients connect anew".to_owned()
    };
    report
        .add(
            &MULTIPLEXED,
            view.port.protocol.map_or(view.port.place, Value::place),
            format!("kube-proxy balances connections, and one of this protocol carries all requests: {told}"),
            "make the Service headless and balance in the client, use a mesh, or bound the age of connections in the server",
        )
        .pool(&view.pool.name);
}

/// GEN-001: a port of a protocol whose connections live long, before several pods.
pub(super) fn long_lived(view: &View<'_>, report: &mut Report) {
    let pods = view.ready().count();
    if !lives_long(&view.port) || view.service.headless || pods < 2 {
        return;
    }
    report
        .add(
            &LONG_LIVED,
            view.port.protocol.map_or(view.port.place, Value::place),
            format!(
                "connections of this protocol live long, and kube-proxy places each once, when it opens: a pod that joins these {pods}, or comes back, has 0 % of the open ones instead of {} until clients connect anew",
                percent(1.0 / (pods + 1) as f64)
            ),
            "limit the age of connections in the clients' pools or in the server, with jitter",
        )
        .pool(&view.pool.name);
}

/// Whether one connection of a port carries all requests of a client.
pub(super) fn carries_many(port: &Port<'_>) -> bool {
    let protocol = port.protocol.and_then(Value::text).unwrap_or_default();
    let name = port.name.unwrap_or_default();
    let known = ["grpc", "h2c", "http2"];
    matches!(protocol, "grpc" | "kubernetes.io/h2c" | "h2c" | "http2")
        || known.iter().any(|protocol| is_named(name, protocol))
}

/// Whether connections of a port live for hours: WebSocket, databases and brokers, by `appProtocol` or name.
pub(super) fn lives_long(port: &Port<'_>) -> bool {
    const KNOWN: [&str; 11] = [
        "ws",
        "wss",
        "websocket",
        "postgres",
        "postgresql",
        "mysql",
        "redis",
        "mongo",
        "amqp",
        "mqtt",
        "nats",
    ];
    let protocol = port.protocol.and_then(Value::text).unwrap_or_default();
    let protocol = protocol.strip_prefix("kubernetes.io/").unwrap_or(protocol);
    let name = port.name.unwrap_or_default();
    KNOWN.contains(&protocol) || KNOWN.iter().any(|known| is_named(name, known))
}

fn is_named(name: &str, protocol: &str) -> bool {
    name.strip_prefix(protocol)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

/// K8S-008: schedulers of IPVS that hash the source address.
pub(super) fn schedulers(objects: &Objects<'_>, report: &mut Report) {
    for scheduler in &objects.schedulers {
        let Some(name @ ("sh" | "mh")) = scheduler.text() else {
            continue;
        };
        report
            .add(
                &IPVS_HASH,
                scheduler.place(),
                format!("`{name}` hashes the client's address without its port: all connections of a node's clients behind NAT go to 1 pod of each Service"),
                "use `rr` or `lc`, or kube-proxy's mode nftables",
            )
            .subject(name);
    }
}

/// K8S-011: a headless Service.
pub(super) fn headless(view: &View<'_>, report: &mut Report) {
    let Some(address) = view
        .service
        .spec
        .get("clusterIP")
        .filter(|_| view.service.headless)
    else {
        return;
    };
    let pods = view.ready().count();
    let told = if pods > 1 {
        format!("of {pods} pods its first may get 100 %")
    } else {
        "its first pod may get 100 %".to_owned()
    };
    report
        .add(
            &HEADLESS,
            address.place(),
            format!("each client gets all addresses and chooses: one that takes the first, or resolves once, spreads nothing; {told} of its connections"),
            "see that clients balance (gRPC: `round_robin` with `dns:///`) and resolve again",
        )
        .pool(&view.pool.name);
}
