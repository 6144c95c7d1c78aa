//! Rules and dashboards ask for metrics that are documented, or that rules record.

use std::collections::BTreeSet;

use crate::board::boards;
use crate::documented::{Documented, documented};
use crate::promql::metrics;
use crate::rulefile::{Rule, rules};

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
fn recorded() -> BTreeSet<String> {
    let names = rules().into_iter().filter_map(|rule: Rule| rule.record);
    names.collect()
}

#[test]
fn every_metric_is_documented_or_recorded() {
    let mut known = recorded();
    // Prometheus makes it itself.
    known.insert("up".to_owned());
    let rows = documented();
    known.extend(rows.iter().flat_map(Documented::series));
    assert!(known.contains("evenkeel_backend_share_ratio"), "{known:?}");
    for (place, metrics) in places() {
        let unknown: Vec<&String> = metrics.difference(&known).collect();
        assert!(unknown.is_empty(), "{place}: {unknown:?}");
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
