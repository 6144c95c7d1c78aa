//! The Helm chart.

use std::process::Command;

use evenkeel_lab::{parts, process};
use serde_json::Value;

use crate::objects::Objects;
use crate::{kustomize, repository, text};

const CHART: &str = "deploy/kubernetes/chart";

/// A command of Helm that takes values.
fn helm(arguments: &[&str], values: &[&str]) -> Command {
    let mut helm = Command::new(parts::helm().unwrap());
    helm.args(arguments).arg(repository(CHART));
    for file in values {
        helm.arg("--values").arg(repository(CHART).join(file));
    }
    helm
}

/// What is installed as release `evenkeel` in the namespace of that name.
pub(crate) fn render(values: &[&str]) -> String {
    let arguments = ["template", "evenkeel", "--namespace", "evenkeel"];
    process::run(&mut helm(&arguments, values)).unwrap()
}

/// The examples of values that the chart carries.
pub(crate) fn examples() -> Vec<String> {
    let folder = std::fs::read_dir(repository(CHART).join("ci")).unwrap();
    let names = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.map(|name| format!("ci/{name}")).collect();
    names.sort();
    assert!(names.len() >= 2);
    names
}

#[test]
fn the_chart_passes_helms_own_checks() {
    process::run(&mut helm(&["lint", "--strict"], &[])).unwrap();
    for example in examples() {
        process::run(&mut helm(&["lint", "--strict"], &[&example])).unwrap();
    }
}

#[test]
fn values_that_mean_nothing_are_refused_with_their_place() {
    for (value, place) in [
        ("imge.tag=1", "'imge' not allowed"),
        ("capabilities={CAP_BPF}", "/capabilities/0"),
        ("podMonitor.interval=15", "/podMonitor/interval"),
        ("config.web.listen=everywhere", "/config/web/listen"),
        ("image.digest=abc", "/image/digest"),
    ] {
        let mut command = helm(&["template", "evenkeel", "--set", value], &[]);
        let said = process::run(&mut command).unwrap_err().to_string();
        assert!(said.contains(place), "{value}: {said}");
    }
}

/// A value without an entry in the schema would be refused if a user set it; an entry without a value would be unknown to readers.
#[test]
fn schema_and_values_know_the_same_names() {
    fn compare(place: &str, schema: &Value, value: &Value) {
        if schema["additionalProperties"] != false {
            return;
        }
        let known = schema["properties"].as_object().unwrap();
        let there = value.as_object().unwrap();
        for name in there.keys() {
            assert!(
                known.contains_key(name),
                "{place}.{name}: not in the schema"
            );
        }
        for (name, schema) in known {
            let place = format!("{place}.{name}");
            let only_for_parents = place == ".global";
            let profile = place.contains("Profile.");
            match there.get(name) {
                Some(value) => compare(&place, schema, value),
                None => assert!(only_for_parents || profile, "{place}: no default"),
            }
        }
    }
    let schema: Value =
        serde_json::from_str(&text(&format!("{CHART}/values.schema.json"))).unwrap();
    let values: Value = serde_saphyr::from_str(&text(&format!("{CHART}/values.yaml"))).unwrap();
    compare("", &schema, &values);
}

#[test]
fn names_follow_the_release_and_the_port_the_configuration() {
    let arguments = [
        "template",
        "blue",
        "--namespace",
        "monitoring",
        "--set",
        "config.web.listen=0.0.0.0:9999",
    ];
    let yaml = process::run(&mut helm(&arguments, &["ci/everything-values.yaml"])).unwrap();
    let objects = Objects::parse(&yaml);
    assert_eq!(
        objects.one("DaemonSet")["metadata"]["name"],
        "blue-evenkeel"
    );
    let container = &objects.pod()["containers"][0];
    assert_eq!(container["ports"][0]["containerPort"], 9999);
    let image = container["image"].as_str().unwrap();
    assert!(
        image.starts_with("ghcr.io/evenkeel/evenkeel@sha256:0"),
        "{image}"
    );
    let roles = objects.all("Role");
    let namespaces = roles.iter().map(|role| &role["metadata"]["namespace"]);
    assert_eq!(namespaces.collect::<Vec<_>>(), ["shop", "search"]);
    assert!(objects.all("ClusterRole").is_empty());
    assert_eq!(
        objects.one("PodMonitor")["metadata"]["namespace"],
        "monitoring"
    );
}

#[test]
fn all_are_of_the_programs_version() {
    let version = env!("CARGO_PKG_VERSION");
    let chart: Value = serde_saphyr::from_str(&text(&format!("{CHART}/Chart.yaml"))).unwrap();
    assert_eq!(chart["appVersion"], version);
    let complete = kustomize::render("overlays/complete");
    let images: Vec<&str> = complete
        .lines()
        .filter_map(|line| line.trim().strip_prefix("image: "))
        .collect();
    let image = format!("ghcr.io/evenkeel/evenkeel:{version}");
    assert_eq!(images, [&*image, &*image]);
}
