//! The documentation says what there is, and nothing else.

use std::collections::BTreeSet;

use evenkeel::model::CauseId;
use serde_json::Value;

use crate::api;

/// All causes; the match makes whoever adds one add it here.
const CAUSES: [CauseId; 14] = {
    use CauseId::{
        Affinity, BetweenGroups, FirstInList, HeavyConnections, NotInRotation, NotRebalanced,
        OneBalancerDiffers, PinnedConnections, Refusing, SlowBackend, SumSkewed, Unexplained,
        WeightsDiffer, WeightsLost,
    };
    match Refusing {
        Refusing | NotInRotation | NotRebalanced | SlowBackend | PinnedConnections
        | HeavyConnections | Affinity | WeightsDiffer | WeightsLost | FirstInList
        | BetweenGroups | OneBalancerDiffers | SumSkewed | Unexplained => {}
    }
    [
        Refusing,
        NotInRotation,
        NotRebalanced,
        SlowBackend,
        PinnedConnections,
        HeavyConnections,
        Affinity,
        WeightsDiffer,
        WeightsLost,
        FirstInList,
        BetweenGroups,
        OneBalancerDiffers,
        SumSkewed,
        Unexplained,
    ]
};

fn document(name: &str) -> String {
    let path = format!("{}/../docs/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The cells of each table row of `text` whose first cell is code.
fn rows(text: &str) -> impl Iterator<Item = Vec<String>> {
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells = row.trim_matches('|').split('|');
        cells.map(|cell| cell.trim().to_owned()).collect()
    })
}

/// The names in backticks of a table cell.
fn names(cell: &str) -> BTreeSet<String> {
    let odd = cell.split('`').skip(1).step_by(2);
    odd.map(str::to_owned).collect()
}

/// The paths of all keys of `value`; what labels a backend has is the user's business.
fn key_paths(value: &Value, prefix: &str, paths: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                let path = if prefix.is_empty() {
                    key.clone()
                } else {
                    format!("{prefix}.{key}")
                };
                paths.insert(path.clone());
                if key != "labels" {
                    key_paths(member, &path, paths);
                }
            }
        }
        Value::Array(elements) => {
            for element in elements {
                key_paths(element, &format!("{prefix}[]"), paths);
            }
        }
        _ => {}
    }
}

#[test]
fn every_key_of_the_api_is_documented_and_every_documented_key_is_there() {
    let text = document("api.md");
    for (heading, answer) in [
        ("`GET /api/v1/pools`", api::pools()),
        ("`GET /api/v1/pools/{name}`", api::one_pool()),
        ("`GET /api/v1/pools/{name}/history`", api::history()),
        ("`GET /api/v1/incidents`", api::incidents()),
        ("`GET /api/v1/findings`", api::findings()),
        ("`GET /api/v1/status`", api::status()),
    ] {
        let keys = section(&text, &format!("## {heading}"));
        let keys = keys.split("\n### ").next().unwrap();
        let mut documented: BTreeSet<String> = rows(keys).flat_map(|row| names(&row[0])).collect();
        let mut there = BTreeSet::new();
        key_paths(&answer, "", &mut there);
        if heading.ends_with("{name}`") {
            // What is in a pool is documented once, at the list.
            there.retain(|path| !path.starts_with("pool."));
        }
        // All signals have the same keys, and are documented as one.
        there = there.into_iter().map(|path| one_signal(&path)).collect();
        documented = documented
            .into_iter()
            .map(|path| one_signal(&path))
            .collect();
        assert_eq!(documented, there, "{heading}");
    }
}

/// The part of `text` below a heading, up to the next of the same level or of the second.
fn section<'a>(text: &'a str, heading: &str) -> &'a str {
    let (_, section) = text.split_once(&format!("{heading}\n")).unwrap();
    let level = heading.split(' ').next().unwrap();
    let end = [format!("\n{level} "), "\n## ".to_owned()];
    let end = end.iter().filter_map(|end| section.find(end)).min();
    &section[..end.unwrap_or(section.len())]
}

#[test]
fn every_cause_is_documented_for_programs_and_for_people() {
    let causes: BTreeSet<String> = CAUSES.map(|cause| cause.as_str().to_owned()).into();
    for (name, heading) in [("api.md", "### Causes"), ("detection.md", "## Causes")] {
        let text = document(name);
        let documented: BTreeSet<String> = rows(section(&text, heading))
            .flat_map(|row| names(&row[0]))
            .collect();
        assert_eq!(documented, causes, "{name}");
    }
}

#[test]
fn the_example_of_an_incident_has_every_key() {
    let text = document("api.md");
    let incidents = section(&text, "## `GET /api/v1/incidents`");
    let (_, example) = incidents.split_once("```json\n").unwrap();
    let (example, _) = example.split_once("```").unwrap();
    let mut there = BTreeSet::new();
    key_paths(&serde_json::from_str(example).unwrap(), "", &mut there);
    let mut wanted = BTreeSet::new();
    key_paths(&api::incidents(), "", &mut wanted);
    assert_eq!(there, wanted);
}

fn one_signal(path: &str) -> String {
    let mut path = path.to_owned();
    for parent in ["measures.", "share.", "judgements.", "skewed_in."] {
        for signal in ["opened", "active", "bytes", "failed"] {
            path = path.replace(&format!("{parent}{signal}"), &format!("{parent}<signal>"));
        }
    }
    path
}
