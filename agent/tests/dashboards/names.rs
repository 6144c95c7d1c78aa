//! Rules and dashboards ask for metrics that are documented, or that rules record.

use std::collections::BTreeSet;

use crate::board::boards;
use crate::documented::{Documented, documented};
use crate::promql::metrics;
use crate::rulefile::{Rule, rules};

/// Metrics that agents do not export yet, as series: those of detection, of alerting and of discovery. A name that is
/// documented has to go from this list, and once the list is empty, it goes too.
pub(crate) const PLANNED: [&str; 18] = [
    "evenkeel_alerting_configured",
    "evenkeel_alerts_dropped_total",
    "evenkeel_alerts_errors_total",
    "evenkeel_alerts_latency_seconds_count",
    "evenkeel_alerts_latency_seconds_sum",
    "evenkeel_alerts_queue_capacity",
    "evenkeel_alerts_queue_length",
    "evenkeel_alerts_sent_total",
    "evenkeel_backend_skewed",
    "evenkeel_discovery_last_success_timestamp_seconds",
    "evenkeel_incidents_open",
    "evenkeel_incidents_started_total",
    "evenkeel_pool_detection_seconds",
    "evenkeel_pool_dispersion_ratio",
    "evenkeel_pool_evidence",
    "evenkeel_pool_evidence_threshold",
    "evenkeel_pool_skew_started_timestamp_seconds",
    "evenkeel_pool_verdict",
];

/// The metrics that stand in a text which is not PromQL as a whole.
fn mentioned(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != ':');
    let words = words.map(|word| word.trim_matches(':'));
    words
        .filter(|word| word.starts_with("evenkeel_") || word.contains(":evenkeel_"))
        .map(str::to_owned)
        .collect()
}

/// Each place where metrics are named, with their names.
fn places() -> Vec<(String, BTreeSet<String>)> {
    let mut places = Vec::new();
    for rule in rules() {
        let name = rule.alert.or(rule.record).unwrap();
        places.push((name.clone(), metrics(&rule.expr)));
        for annotation in rule.annotations.values() {
            places.push((name.clone(), mentioned(annotation)));
        }
    }
    for board in boards() {
        let expressions = board.expressions().into_iter();
        places.extend(expressions.map(|(place, expression)| (place, metrics(expression))));
        for variable in board.json["templating"]["list"].as_array().unwrap() {
            let query = variable["query"]["query"].as_str().unwrap_or_default();
            let place = format!("{}: variable {}", board.name, variable["name"]);
            places.push((place, mentioned(query)));
        }
    }
    places
}

/// The names under which rules record.
pub(crate) fn recorded() -> BTreeSet<String> {
    let names = rules().into_iter().filter_map(|rule: Rule| rule.record);
    names.collect()
}

#[test]
fn every_metric_is_documented_or_recorded() {
    let mut known = recorded();
    // Prometheus makes it itself.
    known.insert("up".to_owned());
    known.extend(PLANNED.map(str::to_owned));
    let rows = documented();
    known.extend(rows.iter().flat_map(Documented::series));
    assert!(known.contains("evenkeel_backend_share_ratio"), "{known:?}");
    for (place, metrics) in places() {
        let unknown: Vec<&String> = metrics.difference(&known).collect();
        assert!(unknown.is_empty(), "{place}: {unknown:?}");
    }
}

#[test]
fn what_is_planned_is_asked_for_and_not_there_yet() {
    let series: BTreeSet<String> = documented().iter().flat_map(Documented::series).collect();
    let asked: BTreeSet<String> = places().into_iter().flat_map(|(_, names)| names).collect();
    for name in PLANNED {
        assert!(!series.contains(name), "{name} is documented by now");
        assert!(asked.contains(name), "{name}: nobody asks for it");
    }
}

#[test]
fn every_recorded_series_is_for_somebody() {
    let by_rules = rules().into_iter().flat_map(|rule| metrics(&rule.expr));
    let documents = crate::text("dashboards/README.md");
    let used: BTreeSet<String> = by_rules
        .chain(boards().iter().flat_map(|board| {
            let expressions = board.expressions().into_iter();
            expressions
                .flat_map(|(_, expression)| metrics(expression))
                .collect::<Vec<_>>()
        }))
        .chain(mentioned(&documents))
        .collect();
    for name in recorded() {
        assert!(used.contains(&name), "{name}");
    }
}
