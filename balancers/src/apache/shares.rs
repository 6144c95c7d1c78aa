//! What the members of a balancer should get.

use super::balancer::{Balancer, Method};
use crate::model::{Basis, Share, Shares};
use crate::shares::{Budget, Formula};

/// The formula of the shares; `None` if it is a module's that is not known here.
pub(super) fn formula(method: &Method) -> Option<Formula> {
    match method {
        Method::ByRequests | Method::ByTraffic => Some(Formula::Weight),
        Method::ByBusyness => Some(Formula::Equal),
        Method::Heartbeat | Method::Other(_) => None,
    }
}

/// The expected shares, and those by load factor alone.
pub(super) fn shares(
    balancer: &Balancer,
    method: &Method,
    turns: &[bool],
    notes: &mut Vec<String>,
) -> (Shares, Vec<f64>) {
    let members: Vec<crate::shares::Member<'_>> = balancer
        .members
        .iter()
        .zip(turns)
        .map(|(member, live)| crate::shares::Member {
            name: &member.word.text,
            weight: member.factor(),
            live: *live,
        })
        .collect();
    let by = |formula: Formula| formula.shares(&members, &mut Budget::default());
    let by_factor = by(Formula::Weight).unwrap_or_default();
    if !turns.contains(&true) {
        notes.push("no member takes requests".to_owned());
    }
    let unknown = |live: &bool| if *live { Share::UNKNOWN } else { Share::ZERO };
    let servers = if let Some(shares) = formula(method).and_then(by) {
        shares.into_iter().map(Share::exactly).collect()
    } else {
        notes.push(format!("how `{}` chooses is not known", method.name()));
        turns.iter().map(unknown).collect()
    };
    let of = match method {
        Method::ByTraffic => Basis::Bytes,
        Method::ByBusyness => Basis::InProgress,
        _ => Basis::Arrivals,
    };
    (Shares { of, servers }, by_factor)
}
