//! What in manifests skews traffic.

mod aws;
mod cilium;
mod linkerd;
mod mesh;
mod ports;
mod topology;
mod weights;
mod workloads;

use super::objects::Objects;
use super::pools::View;
use crate::finding::{Report, define_rules};
use crate::product::Product;

define_rules! {
    product: Some(Product::Kubernetes),
    EXTERNAL_LOCAL = "K8S-001", Warning, "Connections are shared out among nodes, not pods";
    INTERNAL_LOCAL = "K8S-002", Warning, "Clients reach pods on their own node only";
    CLIENT_IP = "K8S-003", Warning, "Clients that share an address share a pod";
    TOPOLOGY_MODE = "K8S-004", Warning, "Topology hints need several pods in each zone";
    PREFER_CLOSE = "K8S-005", Note, "Clients prefer near pods, however loaded these are";
    MULTIPLEXED = "K8S-006", Warning, "gRPC and HTTP/2 through a cluster address are balanced once per connection";
    NOT_REACHED = "K8S-007", Warning, "An autoscaler adds pods that open connections do not reach";
    IPVS_HASH = "K8S-008", Warning, "kube-proxy chooses pods by the client's address alone";
    NOT_READY = "K8S-009", Warning, "Pods get traffic before they can serve it";
    TWO_WORKLOADS = "K8S-010", Warning, "A Service's selector matches several workloads";
    HEADLESS = "K8S-011", Note, "Clients of a headless Service choose for themselves";
    CANARY = "K8S-012", Warning, "Weights share traffic out unequally";
    CROSS_ZONE = "AWS-001", Warning, "A Network Load Balancer shares connections out among zones, not pods";
    SMALL_TABLE = "CIL-001", Warning, "Cilium's Maglev table is small for the number of pods";
    LOCALITY_BY_DEFAULT = "IST-001", Warning, "Outlier detection keeps traffic in the client's locality";
    NO_FAILOVER = "IST-002", Warning, "Failover between localities has no effect";
    DISTRIBUTE = "IST-003", Error, "A distribution over localities leaves some out";
    ROTATION = "IST-004", Note, "Each client's proxy rotates, whatever the load";
    HASH_AND_LOCALITY = "IST-005", Warning, "A hash over pods that differ by the client's locality";
    SMALL_RING = "IST-006", Warning, "The ring is small for the number of pods";
    NEVER_RECYCLED = "IST-007", Note, "HTTP/2 over connections without end";
    PORT_NAME = "IST-008", Note, "The name of a port does not tell Istio its protocol";
    NO_ACCRUAL = "L5D-002", Note, "Linkerd goes on sending to pods that fail";
}

/// Rules that look at a Service, through its first port.
const LOOKS: [fn(&View<'_>, &mut Report); 7] = [
    topology::external,
    topology::internal,
    topology::hints,
    topology::near,
    ports::client_ip,
    ports::headless,
    aws::cross_zone,
];

/// Applies all rules.
pub(super) fn check(objects: &Objects<'_>, views: &[View<'_>], report: &mut Report) {
    let mut last = None;
    for view in views {
        // A mesh's proxy balances requests.
        if !objects.meshes.is_istio(view.service.key)
            && !objects.meshes.is_linkerd(view.service.key)
        {
            ports::multiplexed(view, report);
            ports::long_lived(view, report);
        }
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
    mesh::check(objects, report);
    linkerd::accrual(objects, report);
    cilium::small_table(objects, report);
}
