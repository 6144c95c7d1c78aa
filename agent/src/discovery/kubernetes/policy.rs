//! What a Service's traffic policies make of its shares, as far as the agent's place sees it.
//!
//! kube-proxy draws one of the endpoints at random for each connection
//! (<https://kubernetes.io/docs/reference/networking/virtual-ips/>); policies say which of them are drawn from, by where the client is.

use super::objects::{Endpoint, Service};
use crate::model::{Algorithm, Role, Weight};

/// How connections are spread over `members`, those of a Service that are in rotation.
pub(super) fn algorithm<'e>(
    service: &Service,
    role: Role,
    members: impl Iterator<Item = &'e Endpoint>,
) -> Algorithm {
    if service.headless {
        // Clients choose for themselves.
        Algorithm::PolicyGated
    } else if service.sticky.is_some() {
        Algorithm::KeyDependent
    } else if is_gated(service, role, members) {
        Algorithm::PolicyGated
    } else {
        Algorithm::Random
    }
}

/// Whether members get unequal parts by where clients are.
///
/// What a node's own pods get is shared out evenly among them, whichever clients it comes from, unless hints give them different
/// clients. What leaves a node goes to all if a balancer connects to pods itself, but to the nearest if the socket layer
/// translates the Service's address: which of both, the Service does not tell.
fn is_gated<'e>(
    service: &Service,
    role: Role,
    mut members: impl Iterator<Item = &'e Endpoint>,
) -> bool {
    match role {
        Role::Local => members
            .next()
            .is_some_and(|first| members.any(|other| other.hints != first.hints)),
        Role::Upstream => service.internal_local || members.any(|member| !member.hints.is_empty()),
    }
}

/// The weight of each of a node's `pods`, such that those of all nodes can be compared: with `externalTrafficPolicy: Local` a
/// balancer outside gives each node that has pods the same, which these share.
pub(super) fn weight(service: &Service, role: Role, pods: usize) -> Weight {
    let shared = role == Role::Local && service.external_local && !service.headless;
    let weight = if shared {
        1.0 / pods.max(1) as f64
    } else {
        1.0
    };
    Weight::new(weight).unwrap_or(Weight::ONE)
}
