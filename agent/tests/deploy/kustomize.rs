//! `kubectl kustomize`.

use std::process::Command;

use evenkeel_lab::{parts, process};

use crate::objects::Objects;
use crate::repository;

/// The folders that are meant to be applied.
pub(crate) const FOLDERS: [&str; 5] = [
    "base",
    "overlays/balancers",
    "overlays/complete",
    "overlays/least-privilege",
    "overlays/one-namespace",
];

/// What kubectl makes of a folder below deploy/kubernetes.
pub(crate) fn render(folder: &str) -> String {
    rendered(&mut Command::new(parts::kubectl().unwrap()), folder)
}

fn rendered(kubectl: &mut Command, folder: &str) -> String {
    let folder = repository("deploy/kubernetes").join(folder);
    process::run(kubectl.arg("kustomize").arg(folder)).unwrap()
}

#[test]
fn every_overlay_is_tested() {
    let overlays = std::fs::read_dir(repository("deploy/kubernetes/overlays")).unwrap();
    let mut overlays: Vec<String> = overlays
        .map(|entry| {
            let name = entry.unwrap().file_name();
            format!("overlays/{}", name.into_string().unwrap())
        })
        .collect();
    overlays.sort();
    assert_eq!(overlays, FOLDERS[1..]);
}

/// The name of a generated ConfigMap ends with a hash, which each version computes in its own way.
#[test]
fn debians_old_kubectl_renders_the_base_alike() {
    let mut old = Command::new(parts::debian_kubectl().unwrap());
    let old = Objects::parse(&rendered(&mut old, "base"));
    let new = Objects::parse(&render("base"));
    let without_hash = |objects: &Objects| -> Vec<serde_json::Value> {
        let name = objects.one("ConfigMap")["metadata"]["name"].as_str();
        let name = format!("\"{}\"", name.unwrap());
        let mut objects: Vec<String> = objects.iter().map(ToString::to_string).collect();
        objects.sort();
        let objects = objects.iter().map(|one| one.replace(&name, "\"evenkeel\""));
        objects
            .map(|one| serde_json::from_str(&one).unwrap())
            .collect()
    };
    assert_eq!(without_hash(&old), without_hash(&new));
}

/// Each of the others changes the base in what its name says.
#[test]
fn overlays_differ_from_the_base_in_what_they_are_for() {
    let one = Objects::parse(&render("overlays/one-namespace"));
    assert!(one.all("ClusterRole").is_empty() && one.all("ClusterRoleBinding").is_empty());
    assert_eq!(one.one("Role")["metadata"]["namespace"], "shop");
    assert_eq!(one.one("RoleBinding")["metadata"]["namespace"], "shop");
    assert!(one.configuration().contains("namespaces: [shop]"));

    let complete = Objects::parse(&render("overlays/complete"));
    for kind in ["PodMonitor", "PrometheusRule"] {
        assert_eq!(complete.one(kind)["metadata"]["namespace"], "evenkeel");
    }
    let dashboards = complete.all("ConfigMap").into_iter();
    let dashboards = dashboards.filter(|map| map["metadata"]["labels"]["grafana_dashboard"] == "1");
    let boards = std::fs::read_dir(repository("dashboards/grafana")).unwrap();
    let boards = boards.filter(|entry| {
        let path = entry.as_ref().unwrap().path();
        path.extension().is_some_and(|end| end == "json")
    });
    assert_eq!(dashboards.count(), boards.count());

    let balancers = Objects::parse(&render("overlays/balancers"));
    assert_eq!(balancers.pod()["hostPID"], true);
    assert!(balancers.configuration().contains("role: upstream"));
}
