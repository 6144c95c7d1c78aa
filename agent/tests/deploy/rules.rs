//! The rules for the Prometheus operator are those of dashboards/prometheus.

use serde_json::Value;

use crate::objects::Objects;
use crate::{chart, repository, text};

const RULES: &str = "dashboards/prometheus/evenkeel.rules.yaml";
/// A copy, because kustomize reads no files outside of its folder.
const COPY: &str = "deploy/kubernetes/components/prometheus-operator/prometheusrule.yaml";
const HEAD: &str = "\
# Made of dashboards/prometheus/evenkeel.rules.yaml by `cargo xtask docs`.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: evenkeel
spec:
";

/// The rules as a PrometheusRule, without the comments.
fn wanted() -> String {
    let lines = text(RULES);
    let lines = lines
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .skip_while(|line| line.is_empty());
    let lines = lines.map(|line| {
        let indent = if line.is_empty() { "" } else { "  " };
        format!("{indent}{line}\n")
    });
    format!("{HEAD}{}", lines.collect::<String>())
}

#[test]
fn generated_rules_for_the_operator_are_those_for_prometheus() {
    let wanted = wanted();
    let path = repository(COPY);
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    if there != wanted {
        assert!(
            std::env::var_os("EVENKEEL_WRITE_DOCS").is_some(),
            "{COPY} is out of date: run `cargo xtask docs`"
        );
        std::fs::write(path, &wanted).unwrap();
    }
    let rules: Value = serde_saphyr::from_str(&text(RULES)).unwrap();
    let copy: Value = serde_saphyr::from_str(&wanted).unwrap();
    assert_eq!(copy["spec"]["groups"], rules["groups"]);
}

#[test]
fn the_charts_rules_are_those_for_prometheus() {
    let rules: Value = serde_saphyr::from_str(&text(RULES)).unwrap();
    let chart = Objects::parse(&chart::render(&["ci/everything-values.yaml"]));
    assert_eq!(
        chart.one("PrometheusRule")["spec"]["groups"],
        rules["groups"]
    );
}
