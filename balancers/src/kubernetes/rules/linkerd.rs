//! What Linkerd's proxies do about pods that fail: L5D-002.

use super::NO_ACCRUAL;
use crate::finding::Report;
use crate::kubernetes::objects::{Objects, Service};

/// The annotation that turns circuit breaking on.
const ACCRUAL: &str = "balancer.linkerd.io/failure-accrual";

/// L5D-002: Services without circuit breaking, or with one that a `ServiceProfile` turns off.
pub(super) fn accrual(objects: &Objects<'_>, report: &mut Report) {
    let meshed =
        |service: &&Service<'_>| objects.meshes.is_linkerd(service.key) && !service.headless;
    for service in objects.services.iter().filter(meshed) {
        let written = service.metadata.at(&["annotations", ACCRUAL]);
        let (place, message, help) = match written {
            None => (
                service.place,
                "a pod that answers with errors keeps its part of the requests, and more if it answers fast: proxies look at latency alone",
                "add the annotation `balancer.linkerd.io/failure-accrual: consecutive`",
            ),
            Some(written) if objects.meshes.has_profile(service.key) => (
                written.place(),
                "the annotation has no effect beside the `ServiceProfile` of this Service: a pod that answers with errors keeps its part of the requests",
                "replace the `ServiceProfile` by an HTTPRoute",
            ),
            Some(_) => continue,
        };
        report
            .add(&NO_ACCRUAL, place, message, help)
            .pool(&format!("{}/{}", service.key.0, service.key.1));
    }
}
