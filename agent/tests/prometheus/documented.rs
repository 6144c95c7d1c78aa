//! The metrics that docs/metrics.md promises.

use std::collections::BTreeSet;

use crate::server::Labels;

/// A row of docs/metrics.md.
pub(crate) struct Documented {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) labels: BTreeSet<String>,
}

impl Documented {
    /// What the metric is called in metadata: OpenMetrics takes the endings off.
    pub(crate) fn family(&self) -> &str {
        let ending = match self.kind.as_str() {
            "counter" => "_total",
            "info" => "_info",
            _ => "",
        };
        self.name.strip_suffix(ending).unwrap()
    }

    /// The names of its series.
    pub(crate) fn series(&self) -> Vec<String> {
        match self.kind.as_str() {
            "summary" => vec![format!("{}_sum", self.name), format!("{}_count", self.name)],
            _ => vec![self.name.clone()],
        }
    }
}

pub(crate) fn documented() -> Vec<Documented> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/metrics.md");
    let text = std::fs::read_to_string(path).unwrap();
    let quoted = |cell: &str| {
        cell.split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect::<BTreeSet<_>>()
    };
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    let rows = rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        Documented {
            name: quoted(cells[0]).pop_first().unwrap(),
            kind: cells[1].to_owned(),
            labels: quoted(cells[2]),
        }
    });
    rows.collect()
}

/// Those of them that agents have.
#[allow(dead_code, reason = "dashboards look at the fleet's too")]
pub(crate) fn documented_of_agents() -> Vec<Documented> {
    let all = documented().into_iter();
    all.filter(|metric| !metric.name.starts_with("evenkeel_fleet_"))
        .collect()
}

/// The labels that the agent gave a series; those of the configuration's choice stand as one.
pub(crate) fn own_labels(series: &Labels) -> BTreeSet<String> {
    let names = series
        .keys()
        .filter(|name| !["__name__", "instance", "job"].contains(&name.as_str()));
    let names = names.map(|name| {
        if name.starts_with("label_") {
            "label_<name>"
        } else {
            name
        }
    });
    names.map(str::to_owned).collect()
}
