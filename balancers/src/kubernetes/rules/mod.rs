//! What in manifests skews traffic.

mod ports;
mod topology;
mod weights;
mod workloads;

use super::objects::Objects;
use super::pools::View;
use crate::finding::{Report, Rule, Severity};
use crate::product::Product;

/// A rule of Kubernetes', with its page.
macro_rules! rule {
    ($name:ident, $id:literal, $severity:ident, $title:literal) => {
        static $name: Rule = Rule {
            id: $id,
            severity: Severity::$severity,
            title: $title,
            product: Some(Product::Kubernetes),
            page: include_str!(concat!("../../../../docs/audit/", $id, ".md")),
        };
    };
}

rule!(
    EXTERNAL_LOCAL,
    "K8S-001",
    Warning,
    "Connections are shared out among nodes, not pods"
);
rule!(
    INTERNAL_LOCAL,
    "K8S-002",
    Warning,
    "Clients reach pods on their own node only"
);
rule!(
    CLIENT_IP,
    "K8S-003",
    Warning,
    "Clients that share an address share a pod"
);
rule!(
    TOPOLOGY_MODE,
    "K8S-004",
    Warning,
    "Topology hints need several pods in each zone"
);
rule!(
    PREFER_CLOSE,
    "K8S-005",
    Note,
    "Clients prefer near pods, however loaded these are"
);
rule!(
    MULTIPLEXED,
    "K8S-006",
    Warning,
    "gRPC and HTTP/2 through a cluster address are balanced once per connection"
);
rule!(
    NOT_REACHED,
    "K8S-007",
    Warning,
    "An autoscaler adds pods that open connections do not reach"
);
rule!(
    IPVS_HASH,
    "K8S-008",
    Warning,
    "kube-proxy chooses pods by the client's address alone"
);
rule!(
    NOT_READY,
    "K8S-009",
    Warning,
    "Pods get traffic before they can serve it"
);
rule!(
    TWO_WORKLOADS,
    "K8S-010",
    Warning,
    "A Service's selector matches several workloads"
);
rule!(
    HEADLESS,
    "K8S-011",
    Note,
    "Clients of a headless Service choose for themselves"
);
rule!(
    CANARY,
    "K8S-012",
    Warning,
    "Weights share traffic out unequally"
);

/// All of them.
pub(crate) static RULES: &[&Rule] = &[
    &EXTERNAL_LOCAL,
    &INTERNAL_LOCAL,
    &CLIENT_IP,
    &TOPOLOGY_MODE,
    &PREFER_CLOSE,
    &MULTIPLEXED,
    &NOT_REACHED,
    &IPVS_HASH,
    &NOT_READY,
    &TWO_WORKLOADS,
    &HEADLESS,
    &CANARY,
];

/// Rules that look at a Service, through its first port.
const LOOKS: [fn(&View<'_>, &mut Report); 6] = [
    topology::external,
    topology::internal,
    topology::hints,
    topology::near,
    ports::client_ip,
    ports::headless,
];

/// Applies all rules.
pub(super) fn check(objects: &Objects<'_>, views: &[View<'_>], report: &mut Report) {
    let mut last = None;
    for view in views {
        ports::multiplexed(view, report);
        if last.replace(view.service.place) == Some(view.service.place) {
            continue;
        }
        for look in LOOKS {
            look(view, report);
        }
    }
    ports::schedulers(objects, report);
    weights::splits(objects, report);
    weights::canaries(objects, report);
    workloads::check(objects, report);
}
