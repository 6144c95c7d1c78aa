//! Names: ENV-011, ENV-012.

use super::{LOGICAL, SERVICE_NAME};
use crate::envoy::cluster::Discovery;
use crate::envoy::pools::View;
use crate::finding::Report;
use crate::model::Target;

/// ENV-011: a name of which one address is used at a time.
pub(super) fn logical(view: &View<'_>, report: &mut Report) {
    let cluster = view.cluster;
    let Some(host) = cluster.endpoints.iter().find(|host| host.address.is_name()) else {
        return;
    };
    if cluster.discovery != Discovery::LogicalDns {
        return;
    }
    report
        .add(
            &LOGICAL,
            cluster.discovery_place,
            format!("{} is one host: a new connection goes to the first address of the last answer, which is 100 % until DNS answers in another order", host.address),
            "use STRICT_DNS, which balances over all addresses; keep LOGICAL_DNS for names that stand for one balancer",
        )
        .pool(view.name())
        .subject(&host.address.key());
}

/// ENV-012: the name of a Kubernetes Service, whose one address hides the pods unless it is headless.
pub(super) fn service(view: &View<'_>, report: &mut Report) {
    let cluster = view.cluster;
    if cluster.discovery != Discovery::StrictDns {
        return;
    }
    for host in &cluster.endpoints {
        let Target::Name { host: name, .. } = &host.address.target else {
            continue;
        };
        if !format!("{name}.").contains(".svc.") {
            continue;
        }
        report
            .add(
                &SERVICE_NAME,
                host.place,
                format!("unless the Service is headless, {name} is one address: Envoy sees 1 host, its {} has no choice, and kube-proxy places each connection for as long as it lives", cluster.policy.kind.name()),
                "make the Service headless (`clusterIP: None`), or take endpoints by EDS",
            )
            .pool(view.name())
            .subject(&host.address.key());
    }
}
