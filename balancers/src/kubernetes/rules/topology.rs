//! Nodes and zones: K8S-001, K8S-002, K8S-004, K8S-005.

use std::collections::BTreeMap;

use super::{EXTERNAL_LOCAL, INTERNAL_LOCAL, PREFER_CLOSE, TOPOLOGY_MODE};
use crate::finding::{Report, Severity};
use crate::kubernetes::objects::Endpoint;
use crate::kubernetes::pools::View;
use crate::text::{count, percent};

/// How many ready pods there are for each value.
pub(super) fn by<'a>(
    view: &View<'a>,
    of: fn(&Endpoint<'a>) -> Option<&'a str>,
) -> BTreeMap<&'a str, usize> {
    let mut pods = BTreeMap::new();
    for endpoint in view.ready() {
        if let Some(value) = of(endpoint) {
            *pods.entry(value).or_default() += 1;
        }
    }
    pods
}

/// A node or zone, and its pods.
pub(super) type Place<'p> = (&'p str, usize);

/// Those with the fewest and with the most pods.
pub(super) fn range<'p>(pods: &BTreeMap<&'p str, usize>) -> Option<(Place<'p>, Place<'p>)> {
    let each = || pods.iter().map(|(place, pods)| (*place, *pods));
    Some((
        each().min_by_key(|(_, pods)| *pods)?,
        each().max_by_key(|(_, pods)| *pods)?,
    ))
}

/// K8S-001: `externalTrafficPolicy: Local`.
pub(super) fn external(view: &View<'_>, report: &mut Report) {
    let Some(policy) = view.setting("externalTrafficPolicy", "Local") else {
        return;
    };
    let nodes = by(view, |endpoint| endpoint.node);
    let (message, severity) = match range(&nodes) {
        Some(((_, fewest), (_, most))) if fewest == most => return,
        Some(((few, fewest), (many, most))) => {
            let part = |pods: usize| percent(1.0 / nodes.len() as f64 / pods as f64);
            (
                format!("each of {} gets equally many connections: a pod on {few}, which has {fewest}, gets {}, one on {many}, which has {most}, gets {}", count(nodes.len(), "node"), part(fewest), part(most)),
                Severity::Error,
            )
        }
        None => (
            "each node with pods gets equally many connections: with 2 pods on one node and 1 on another they get 25 %, 25 % and 50 %".to_owned(),
            Severity::Warning,
        ),
    };
    report
        .add(&EXTERNAL_LOCAL, policy.place(), message, "use `externalTrafficPolicy: Cluster`, or spread pods evenly over nodes (`topologySpreadConstraints` by `kubernetes.io/hostname`)")
        .severity(severity)
        .pool(&view.pool.name);
}

/// K8S-002: `internalTrafficPolicy: Local`.
pub(super) fn internal(view: &View<'_>, report: &mut Report) {
    let Some(policy) = view.setting("internalTrafficPolicy", "Local") else {
        return;
    };
    let nodes = by(view, |endpoint| endpoint.node);
    let told = if nodes.is_empty() {
        "nodes without a pod".to_owned()
    } else {
        format!("nodes other than these {}", nodes.len())
    };
    report
        .add(&INTERNAL_LOCAL, policy.place(), format!("a pod gets what clients on its node ask, divided by the pods there; clients on {told} get no connection at all"), "use `internalTrafficPolicy: Cluster`, or `trafficDistribution: PreferSameNode`; a DaemonSet has a pod on every node")
        .pool(&view.pool.name);
}

/// K8S-004: `topology-mode: Auto` with too few pods.
pub(super) fn hints(view: &View<'_>, report: &mut Report) {
    let keys = [
        "service.kubernetes.io/topology-mode",
        "service.kubernetes.io/topology-aware-hints",
    ];
    let annotations = view.service.metadata.get("annotations");
    let mode = keys.iter().find_map(|key| annotations?.get(key));
    let Some(mode) = mode.filter(|mode| {
        mode.text()
            .is_some_and(|text| text.eq_ignore_ascii_case("auto"))
    }) else {
        return;
    };
    let zones = by(view, |endpoint| endpoint.zone);
    let message = match range(&zones) {
        Some(((_, fewest), _)) if fewest >= 3 => return,
        Some(((zone, fewest), _)) => format!("{zone} has {}: one more or less takes the hints away, and with them where all traffic goes; while they hold, each gets {} of what begins in its zone", count(fewest, "pod"), percent(1.0 / fewest as f64)),
        None => "with fewer than 3 pods in a zone the hints come and go as pods do, and with them where all traffic goes".to_owned(),
    };
    report
        .add(
            &TOPOLOGY_MODE,
            mode.place(),
            message,
            "run at least 3 pods in each zone, or remove the annotation",
        )
        .pool(&view.pool.name);
}

/// K8S-005: `trafficDistribution`.
pub(super) fn near(view: &View<'_>, report: &mut Report) {
    let Some(wish) = view.service.spec.get("trafficDistribution") else {
        return;
    };
    let name = wish.text().unwrap_or_default();
    let places = if name == "PreferSameNode" {
        by(view, |endpoint| endpoint.node)
    } else {
        by(view, |endpoint| endpoint.zone)
    };
    let (message, severity) = match range(&places) {
        Some(((few, fewest), (many, most))) if fewest < most => (
            format!(
                "{few} has {}, {many} has {most}: if both have as many clients, a pod in {few} gets {:.1} times what one in {many} gets",
                count(fewest, "pod"),
                most as f64 / fewest as f64
            ),
            Severity::Warning,
        ),
        _ => (
            "clients go to near pods whatever their load: shares follow where clients are"
                .to_owned(),
            Severity::Note,
        ),
    };
    report
        .add(&PREFER_CLOSE, wish.place(), message, "run pods where clients are, in proportion: a Deployment for each zone, scaled by its own load")
        .severity(severity)
        .pool(&view.pool.name);
}
