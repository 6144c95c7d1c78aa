//! The tables of docs/metrics.md, made of an exposition with everything in it.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use std::time::{Duration, SystemTime};

use evenkeel::model::{FleetState, State};
use evenkeel::publish::prometheus::Format;

use crate::findings::{judged, receivers};
use crate::fixtures::exposition_with;
use crate::generated;
use crate::openmetrics::{Exposition, Family};

/// What the sliding window is called in the exposition, whose windows are of 60 s.
const WINDOW: &str = "the last 60s";

type Choice = fn(&Family) -> bool;

/// The tables, each with the families that it takes of those that are left.
const TABLES: [(&str, Choice); 7] = [
    ("metrics over the window", |family| {
        family.help.contains(WINDOW)
    }),
    ("metrics of detection", |family| {
        let ours = [
            "evenkeel_pool_verdict",
            "evenkeel_pool_evidence",
            "evenkeel_pool_detection",
            "evenkeel_pool_dispersion",
            "evenkeel_pool_skew",
            "evenkeel_backend_skewed",
            "evenkeel_incidents",
        ];
        ours.iter().any(|start| family.name.starts_with(start))
    }),
    ("metrics of backends", |family| {
        let starts = ["evenkeel_backend", "evenkeel_standby"];
        starts.iter().any(|start| family.name.starts_with(start))
    }),
    ("metrics of pools", |family| {
        family.name.starts_with("evenkeel_pool")
    }),
    ("metrics of alerting", |family| {
        family.name.starts_with("evenkeel_alert")
    }),
    ("metrics of recording", |family| {
        family.name.starts_with("evenkeel_record")
    }),
    ("metrics of the agent", |_| true),
];

/// The labels that the configuration chooses stand as one.
fn label(name: &str) -> String {
    if name.starts_with("label_") {
        "`label_<name>`".to_owned()
    } else {
        format!("`{name}`")
    }
}

/// The row of a family: the name that users type, type, labels in the order of the exposition, help.
fn row(family: &Family) -> String {
    let ending = match family.kind.as_str() {
        "counter" => "_total",
        "info" => "_info",
        _ => "",
    };
    let mut labels: Vec<String> = Vec::new();
    for sample in &family.samples {
        for name in sample.labels.keys().map(|name| label(name)) {
            if !labels.contains(&name) {
                labels.push(name);
            }
        }
    }
    let help = family
        .help
        .replace(WINDOW, "the window")
        .replace('|', "\\|");
    let (name, kind, labels) = (&family.name, &family.kind, labels.join(", "));
    format!("| `{name}{ending}` | {kind} | {labels} | {help} |\n")
}

#[test]
fn generated_tables_of_metrics() {
    let text = exposition_with(&judged(), Format::OpenMetrics, receivers());
    let mut families = Exposition::parse(&text).unwrap().families;
    let names: BTreeSet<&String> = families.iter().map(|family| &family.name).collect();
    assert_eq!(names.len(), families.len());
    for (name, choice) in TABLES {
        let (taken, left): (Vec<_>, Vec<_>) = families.into_iter().partition(choice);
        families = left;
        assert!(!taken.is_empty(), "{name}");
        let mut table = "| metric | type | labels | help |\n|---|---|---|---|\n".to_owned();
        for family in &taken {
            table.write_str(&row(family)).unwrap();
        }
        generated::check("docs/metrics.md", name, &table);
    }
    assert!(families.is_empty());
}

/// What a fleet has and an agent has not.
#[test]
fn generated_table_of_metrics_of_the_fleet() {
    let families = |state: &State| {
        let text = exposition_with(state, Format::OpenMetrics, receivers());
        Exposition::parse(&text).unwrap().families
    };
    let agent: BTreeSet<String> = families(&judged())
        .into_iter()
        .map(|one| one.name)
        .collect();
    let mut table = "| metric | type | labels | help |\n|---|---|---|---|\n".to_owned();
    let mut rows = 0;
    for family in families(&of_fleet(judged())) {
        let own = family.name.strip_prefix("evenkeel_fleet_");
        let shared = own.map_or(family.name.clone(), |own| format!("evenkeel_{own}"));
        assert!(
            own.is_some() || family.name.starts_with("process_"),
            "{} would be added to what agents tell",
            family.name
        );
        if !agent.contains(&shared) {
            table.write_str(&row(&family)).unwrap();
            rows += 1;
        }
    }
    assert!(rows > 8, "{table}");
    generated::check("docs/metrics.md", "metrics of the fleet", &table);
}

fn of_fleet(mut state: State) -> State {
    state.kernel.fleet = Some(FleetState {
        store: "http://prometheus.example".to_owned(),
        delay: Duration::from_secs(30),
        agents: 3,
        silent: 1,
        rows: 12,
        waiting: 0,
        samples: 1000,
        resets: 1,
        answered: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)),
        took: Duration::from_millis(20),
        failures: 2,
        error: None,
    });
    state
}
