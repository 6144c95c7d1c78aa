//! The files of rules for Prometheus and their unit tests, as data.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::text;

/// The file with all rules.
pub(crate) const RULES: &str = "dashboards/prometheus/evenkeel.rules.yaml";
/// The unit tests of the rules.
pub(crate) const TESTS: &str = "dashboards/prometheus/evenkeel.rules.test.yaml";

#[derive(Deserialize)]
struct File {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    name: String,
    rules: Vec<Rule>,
}

/// A recording rule or an alert.
#[derive(Deserialize)]
pub(crate) struct Rule {
    pub(crate) record: Option<String>,
    pub(crate) alert: Option<String>,
    pub(crate) expr: String,
    #[serde(default)]
    pub(crate) labels: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) annotations: BTreeMap<String, String>,
}

/// A test case of `promtool test rules`.
#[derive(Deserialize)]
pub(crate) struct Case {
    #[serde(default)]
    pub(crate) alert_rule_test: Vec<Expectation>,
}

/// What an alert should do at a time.
#[derive(Deserialize)]
pub(crate) struct Expectation {
    pub(crate) alertname: String,
    #[serde(default)]
    pub(crate) exp_alerts: Vec<serde_json::Value>,
}

/// All rules.
pub(crate) fn rules() -> Vec<Rule> {
    let file: File = serde_saphyr::from_str(&text(RULES)).unwrap();
    for group in &file.groups {
        // So many that a person can still find one.
        assert!(group.rules.len() <= 20, "{}", group.name);
    }
    file.groups
        .into_iter()
        .flat_map(|group| group.rules)
        .collect()
}

/// All alerts, by name.
pub(crate) fn alerts() -> BTreeMap<String, Rule> {
    let alerts = rules().into_iter();
    let alerts = alerts.filter_map(|rule| Some((rule.alert.clone()?, rule)));
    alerts.collect()
}

/// The test cases of the rules.
pub(crate) fn cases() -> Vec<Case> {
    #[derive(Deserialize)]
    struct File {
        tests: Vec<Case>,
    }
    let file: File = serde_saphyr::from_str(&text(TESTS)).unwrap();
    file.tests
}
