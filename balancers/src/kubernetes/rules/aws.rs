//! Network Load Balancers of AWS before a Service: AWS-001.

use super::CROSS_ZONE;
use super::topology::{by, range};
use crate::finding::Report;
use crate::kubernetes::pools::View;
use crate::text::{count, percent};
use crate::yaml::Value;

/// What annotations of both AWS's controllers begin with.
const PREFIX: &str = "service.beta.kubernetes.io/aws-load-balancer-";
/// The attribute, of the balancer or of its target groups.
const ATTRIBUTE: &str = "load_balancing.cross_zone.enabled";

/// AWS-001: connections stay in the zone of the address that a client's DNS answer named.
pub(super) fn cross_zone(view: &View<'_>, report: &mut Report) {
    let Some(balancer) = balancer(view).filter(|_| !crosses(view)) else {
        return;
    };
    let ip = said(view, "nlb-target-type").and_then(Value::text) == Some("ip")
        || balancer.text() == Some("nlb-ip");
    // Nodes as targets pass connections on to any pod, unless they keep them.
    if !ip && view.setting("externalTrafficPolicy", "Local").is_none() {
        return;
    }
    let zones = by(view, |endpoint| endpoint.zone);
    let message = match range(&zones) {
        Some(((_, fewest), (_, most))) if fewest == most => return,
        Some(((few, fewest), (many, most))) if ip => {
            let part = |pods: usize| percent(1.0 / zones.len() as f64 / pods as f64);
            format!("each of {} gets equally many connections: a pod in {few}, which has {fewest}, gets {}, one in {many}, which has {most}, gets {}", count(zones.len(), "zone"), part(fewest), part(most))
        }
        Some(((few, fewest), (many, most))) => format!("each of {} gets equally many connections: those for {few}, which has {}, are shared by fewer than those for {many}, which has {most}", count(zones.len(), "zone"), count(fewest, "pod")),
        None => "each zone gets equally many connections: with 8 pods in one and 2 in another they get 6.25 % and 25 % each".to_owned(),
    };
    report
        .add(&CROSS_ZONE, balancer.place(), message, "add the annotation `service.beta.kubernetes.io/aws-load-balancer-attributes: load_balancing.cross_zone.enabled=true`, or run as many pods in each zone (`topologySpreadConstraints` by `topology.kubernetes.io/zone`)")
        .pool(&view.pool.name);
}

fn said<'a>(view: &View<'a>, name: &str) -> Option<Value<'a>> {
    let annotations = view.service.metadata.get("annotations")?;
    annotations.get(&format!("{PREFIX}{name}"))
}

/// Where the Service asks for such a balancer.
fn balancer<'a>(view: &View<'a>) -> Option<Value<'a>> {
    view.setting("type", "LoadBalancer")?;
    let by_type = said(view, "type").filter(|kind| {
        let kinds = ["nlb", "nlb-ip", "external"];
        kind.text().is_some_and(|kind| kinds.contains(&kind))
    });
    by_type.or_else(|| view.setting("loadBalancerClass", "service.k8s.aws/nlb"))
}

/// Whether zones are crossed: what target groups say counts before what the balancer says.
fn crosses(view: &View<'_>) -> bool {
    let groups = said(view, "target-group-attributes").and_then(attribute);
    let balancer = || said(view, "attributes").and_then(attribute);
    let old =
        || said(view, "cross-zone-load-balancing-enabled").map(|word| word.text() == Some("true"));
    groups.or_else(balancer).or_else(old).unwrap_or(false)
}

/// The attribute in a list like `a=b,c=d`, if it is said outright.
fn attribute(list: Value<'_>) -> Option<bool> {
    let pairs = list.text()?.split(',');
    let mut pairs = pairs.filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(name, _)| name.trim() == ATTRIBUTE)?;
    match value.trim() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}
