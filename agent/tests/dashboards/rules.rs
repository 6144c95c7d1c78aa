//! The rules for Prometheus.

use crate::rulefile::{RULES, TESTS, alerts, cases};
use crate::{assert_accepts, repository};

#[test]
fn promtool_accepts_the_rules_and_their_unit_tests_pass() {
    let [rules, tests] = [RULES, TESTS].map(|path| repository(path).display().to_string());
    let check = ["check", "rules", "--lint=all", "--lint-fatal", &rules];
    assert_accepts("promtool", &check);
    assert_accepts("promtool", &["test", "rules", &tests]);
}

#[test]
fn every_alert_is_tested_to_fire_and_to_resolve() {
    let cases = cases();
    for name in alerts().keys() {
        let tested = cases.iter().any(|case| {
            let expectations = case.alert_rule_test.iter();
            let mut of_alert = expectations.filter(|expected| expected.alertname == *name);
            let fires = of_alert.any(|expected| !expected.exp_alerts.is_empty());
            fires && of_alert.any(|expected| expected.exp_alerts.is_empty())
        });
        assert!(tested, "{name}: no test in which it fires and resolves");
        let silent = cases.iter().any(|case| {
            let mut expectations = case.alert_rule_test.iter();
            let first = expectations.find(|expected| expected.alertname == *name);
            first.is_some_and(|expected| expected.exp_alerts.is_empty())
        });
        assert!(silent, "{name}: no test in which it stays silent at first");
    }
}

#[test]
fn the_alerts_of_the_documentation_are_there_and_speak_to_people() {
    let alerts = alerts();
    for name in [
        "EvenkeelPoolSkewed",
        "EvenkeelBackendStarved",
        "EvenkeelBackendFailingConnects",
        "EvenkeelAgentDown",
        "EvenkeelCountersLost",
        "EvenkeelDiscoveryStale",
    ] {
        assert!(alerts.contains_key(name), "{name}");
    }
    for (name, alert) in &alerts {
        assert!(name.starts_with("Evenkeel") && name.len() <= 40, "{name}");
        let severity = alert.labels["severity"].as_str();
        assert!(
            ["critical", "warning", "info"].contains(&severity),
            "{name}"
        );
        // Alertmanager groups by it in mails and chats: one sentence, the same for all alerts of the name.
        let summary = &alert.annotations["summary"];
        assert!(summary.ends_with('.') && !summary.contains("{{"), "{name}");
        assert!(
            alert.annotations["description"].ends_with(['.', '}']),
            "{name}"
        );
    }
}

#[test]
fn alerts_on_pools_leave_agents_alone_that_page_by_themselves() {
    let guard = "unless on (job, instance) instance:evenkeel_alerting_configured:delivering";
    let sent_by_agents = [
        "EvenkeelPoolSkewed",
        "EvenkeelBackendStarved",
        "EvenkeelBackendFailingConnects",
    ];
    for (name, alert) in alerts() {
        let guarded = alert.expr.trim().ends_with(guard);
        assert_eq!(guarded, sent_by_agents.contains(&name.as_str()), "{name}");
    }
}
