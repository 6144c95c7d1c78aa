//! What makes the pods of Services: K8S-007, K8S-009, K8S-010.

use std::collections::BTreeMap;

use super::ports::{carries_many, lives_long};
use super::{NOT_REACHED, NOT_READY, TWO_WORKLOADS};
use crate::finding::Report;
use crate::kubernetes::objects::{Autoscaler, Objects, Port, Service, Workload};
use crate::shares::by_weight;
use crate::text::{count, list, percent};
use crate::yaml::Value;

/// All three, for each Service with the workloads that its selector matches.
pub(super) fn check(objects: &Objects<'_>, report: &mut Report) {
    // By one label each, so that not all are compared with all.
    let mut by_label: BTreeMap<(&str, &str, &str), Vec<&Workload<'_>>> = BTreeMap::new();
    for workload in &objects.workloads {
        for (key, value) in &workload.labels {
            by_label
                .entry((workload.key.0, key, value))
                .or_default()
                .push(workload);
        }
    }
    let scaled = objects.autoscalers.iter();
    let autoscalers: BTreeMap<_, _> = scaled
        .map(|autoscaler| (autoscaler.target, autoscaler))
        .collect();
    let mut checked = std::collections::BTreeSet::new();
    for service in &objects.services {
        let lists = service.selector.iter().map(|(key, value)| {
            by_label
                .get(&(service.key.0, key, value))
                .map_or(&[][..], Vec::as_slice)
        });
        let Some(some) = lists.min_by_key(|list| list.len()) else {
            continue;
        };
        let matches = |workload: &&&Workload<'_>| {
            service
                .selector
                .iter()
                .all(|(key, value)| workload.labels.get(key) == Some(value))
        };
        let selected: Vec<&Workload<'_>> = some
            .iter()
            .take(MOST_COMPARED)
            .filter(matches)
            .copied()
            .collect();
        several(service, &selected, report);
        for workload in selected {
            let autoscaler = autoscalers.get(&workload.key);
            if let Some(autoscaler) = autoscaler {
                not_reached(service, workload, autoscaler, report);
            }
            if checked.insert(workload.place) {
                let pods = workload.replicas.filter(|_| autoscaler.is_none());
                probes(service, workload, pods, report);
            }
        }
    }
}

/// How many workloads are compared with a Service, at most.
const MOST_COMPARED: usize = 100;

/// K8S-010: workloads that share a Service by their numbers of replicas.
fn several(service: &Service<'_>, matched: &[&Workload<'_>], report: &mut Report) {
    let running: Vec<_> = matched
        .iter()
        .filter(|workload| workload.replicas != Some(0))
        .collect();
    let ([first, ..], true) = (running.as_slice(), running.len() > 1) else {
        return;
    };
    let known = running.iter().map(|workload| workload.replicas);
    let replicas: Option<Vec<f64>> = known.map(|pods| Some(pods? as f64)).collect();
    let shares = replicas.map(|replicas| by_weight(&replicas));
    let told = running.iter().enumerate().map(|(index, workload)| {
        let share = shares.as_ref().map(|shares| percent(shares[index]));
        let share = share.map_or_else(String::new, |share| format!(" {share}"));
        format!("{}{share}", workload.key.1)
    });
    let place = service
        .spec
        .entry("selector")
        .map_or(service.place, |entry| entry.key.place());
    report
        .add(
            &TWO_WORKLOADS,
            place,
            format!("the selector matches {} workloads, which share connections by their replicas: {}", running.len(), list(told.collect())),
            "add a label to the selector that one of them has; for a canary use a route with weights",
        )
        .related(first.place, "one of them")
        .pool(&format!("{}/{}", service.key.0, service.key.1));
}

/// K8S-007: pods are added, and clients stay with those that they are connected to.
fn not_reached(
    service: &Service<'_>,
    workload: &Workload<'_>,
    autoscaler: &Autoscaler<'_>,
    report: &mut Report,
) {
    let stays = |port: &&Port<'_>| carries_many(port) || lives_long(port);
    let (least, most) = (autoscaler.least.max(1), autoscaler.most);
    let Some(port) = service.ports.iter().find(stays) else {
        return;
    };
    if service.headless || most <= least {
        return;
    }
    let added = most - least;
    report
        .add(
            &NOT_REACHED,
            autoscaler.place,
            format!(
                "from {least} to {most} pods: the {added} that are added have 0 % of the open connections instead of {}, as clients \
                 stay with the pod that kube-proxy drew for them; load does not fall, and more pods are added",
                percent(added as f64 / most as f64)
            ),
            "bound the age of connections in the server (gRPC: `MAX_CONNECTION_AGE`), or balance requests: headless Service, mesh",
        )
        .related(port.place, "connections of this port live long")
        .pool(&format!("{}/{}:{}", service.key.0, service.key.1, port.number))
        .subject(workload.key.1);
}

/// K8S-009: containers without a readiness probe, or with that of liveness.
fn probes(service: &Service<'_>, workload: &Workload<'_>, pods: Option<u64>, report: &mut Report) {
    // A container need not name its ports; of several only those that do are known to serve.
    let alone = workload.containers.len() == 1;
    let ports = |container: &&Value<'_>| alone || container.list("ports").next().is_some();
    let part = pods.map_or_else(
        || "each pod gets its part".to_owned(),
        |pods| {
            format!(
                "each of {} gets its {}",
                count(usize::try_from(pods).unwrap_or(usize::MAX), "pod"),
                percent(1.0 / pods.max(1) as f64)
            )
        },
    );
    let others = pods.map_or_else(String::new, |pods| format!(" of {pods}"));
    for container in workload.containers.iter().filter(ports) {
        let name = container.get("name");
        let readiness = container.get("readinessProbe");
        let same = readiness
            .zip(container.get("livenessProbe"))
            .filter(|(ready, live)| same(*ready, *live));
        let (place, message, help) = match (readiness, same) {
            (None, _) => (
                name.unwrap_or(*container).place(),
                format!(
                    "without a readiness probe {part} of new connections as soon as it starts, and keeps it when it cannot serve"
                ),
                "add a `readinessProbe` that succeeds when the pod can serve",
            ),
            (Some(ready), Some(_)) => (
                ready.place(),
                format!(
                    "readiness is asked as liveness is: a pod that is too slow is restarted instead of relieved, and the others{others} get its load at once"
                ),
                "let `livenessProbe` fail later than `readinessProbe`, by another path or a higher `failureThreshold`",
            ),
            _ => continue,
        };
        report
            .add(&NOT_READY, place, message, help)
            .related(service.place, "the Service that sends traffic to it")
            .pool(&format!("{}/{}", service.key.0, service.key.1))
            .subject(workload.key.1);
    }
}

/// Whether two values are written with the same keys and scalars.
fn same(a: Value<'_>, b: Value<'_>) -> bool {
    let sorted = |value: Value<'_>| -> BTreeMap<String, String> {
        let mut flat = BTreeMap::new();
        flatten(value, "", &mut flat);
        flat
    };
    sorted(a) == sorted(b)
}

fn flatten(value: Value<'_>, path: &str, into: &mut BTreeMap<String, String>) {
    if let Some(text) = value.text() {
        into.insert(path.to_owned(), text.to_owned());
    }
    for entry in value.entries() {
        flatten(
            entry.value,
            &format!("{path}.{}", entry.key.text().unwrap_or_default()),
            into,
        );
    }
    for (index, item) in value.items().enumerate() {
        flatten(item, &format!("{path}.{index}"), into);
    }
}
