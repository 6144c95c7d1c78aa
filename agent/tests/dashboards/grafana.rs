//! The dashboards for Grafana: they import anywhere, and nothing in them leads nowhere.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::assert_accepts;
use crate::board::{Board, boards, members, strings};
use crate::promql::{substituted, variables};

/// What stands for a data source that the user chooses.
fn chosen_datasource() -> Value {
    json!({"type": "prometheus", "uid": "${datasource}"})
}

#[test]
fn dashboards_can_be_told_apart_and_imported_as_they_are() {
    let boards = boards();
    let names: Vec<&str> = boards.iter().map(|board| board.name.as_str()).collect();
    assert_eq!(
        names,
        ["evenkeel-agents", "evenkeel-pool", "evenkeel-pools"]
    );
    for board in &boards {
        let (name, json) = (&board.name, &board.json);
        assert_eq!(json["uid"], name.as_str());
        assert_eq!(
            json["title"],
            name.replace('-', " / ").as_str(),
            "{name}: title"
        );
        assert_eq!(json["tags"], json!(["evenkeel"]), "{name}");
        assert!(json["schemaVersion"].as_u64().unwrap() >= 39, "{name}");
        // A number would be that of another Grafana's database; inputs break provisioning from files.
        assert!(json.get("id").is_none(), "{name}");
        assert!(json.get("__inputs").is_none(), "{name}");
        assert_ne!(json["description"], "", "{name}");
        let indent = |line: &str| line.len() - line.trim_start_matches(' ').len();
        let tidy = |line: &str| indent(line).is_multiple_of(2);
        assert!(board.text.lines().all(tidy), "{name}: indented by two");
        assert!(
            board.text.ends_with("}\n") && !board.text.contains('\t'),
            "{name}"
        );
    }
}

#[test]
fn every_panel_has_a_number_a_title_a_description_and_a_unit() {
    for board in boards() {
        let mut ids = BTreeSet::new();
        let mut titles = BTreeSet::new();
        for panel in board.panels() {
            let place = format!("{}: {}", board.name, panel["title"]);
            assert!(ids.insert(panel["id"].as_u64().unwrap()), "{place}: id");
            assert!(titles.insert(panel["title"].as_str().unwrap()), "{place}");
        }
        for panel in board.charts() {
            let place = format!("{}: {}", board.name, panel["title"]);
            assert!(
                panel["description"].as_str().unwrap().ends_with('.'),
                "{place}"
            );
            let unit = panel["fieldConfig"]["defaults"]["unit"].as_str();
            assert!(unit.is_some_and(|unit| !unit.is_empty()), "{place}: unit");
        }
    }
}

/// The cells of the grid that a panel covers.
fn cells(panel: &Value) -> impl Iterator<Item = (u64, u64)> {
    let [x, y, w, h] = ["x", "y", "w", "h"].map(|key| panel["gridPos"][key].as_u64().unwrap());
    assert!(w > 0 && h > 0 && x + w <= 24, "{}", panel["gridPos"]);
    (y..y + h).flat_map(move |row| (x..x + w).map(move |column| (column, row)))
}

#[test]
fn panels_do_not_overlap_and_leave_no_gap_between_rows() {
    for board in boards() {
        let mut taken = BTreeMap::new();
        for panel in board.panels() {
            for cell in cells(panel) {
                let before = taken.insert(cell, &panel["title"]);
                assert_eq!(
                    before, None,
                    "{}: {} at {cell:?}",
                    board.name, panel["title"]
                );
            }
        }
        let rows: BTreeSet<u64> = taken.keys().map(|(_, row)| *row).collect();
        assert_eq!(
            rows.len() as u64,
            rows.last().unwrap() + 1,
            "{}",
            board.name
        );
    }
}

#[test]
fn every_query_goes_to_the_data_source_that_the_user_chooses() {
    for board in boards() {
        for datasource in members(&board.json, "datasource") {
            assert_eq!(*datasource, chosen_datasource(), "{}", board.name);
        }
        for panel in board.charts() {
            let place = format!("{}: {}", board.name, panel["title"]);
            assert!(panel.get("datasource").is_some(), "{place}");
            let targets = panel["targets"].as_array().unwrap();
            let ids: BTreeSet<&str> = targets
                .iter()
                .map(|target| target["refId"].as_str().unwrap())
                .collect();
            assert!(!targets.is_empty() && ids.len() == targets.len(), "{place}");
            for target in targets {
                assert!(target.get("datasource").is_some(), "{place}");
                assert_eq!(target["instant"], !target["range"].as_bool().unwrap());
            }
        }
    }
}

/// The texts of a dashboard but for the variable `name` itself.
fn texts_outside<'a>(board: &'a Board, name: &str) -> Vec<&'a str> {
    let variables = board.json["templating"]["list"].as_array().unwrap().iter();
    let others = variables.filter(|variable| variable["name"] != name);
    let parts = ["panels", "annotations"].map(|part| &board.json[part]);
    others.chain(parts).flat_map(strings).collect()
}

#[test]
fn variables_that_are_used_exist_and_those_that_exist_are_used() {
    for board in boards() {
        let exist: BTreeSet<String> = board.variables().into_iter().map(str::to_owned).collect();
        assert_eq!(board.variables()[0], "datasource", "{}", board.name);
        for text in strings(&board.json) {
            let unknown: Vec<String> = variables(text).difference(&exist).cloned().collect();
            assert!(unknown.is_empty(), "{}: {unknown:?} in {text}", board.name);
        }
        for name in &exist {
            let texts = texts_outside(&board, name);
            let used = texts.iter().any(|text| variables(text).contains(name));
            assert!(used, "{}: {name} is not used", board.name);
        }
    }
}

#[test]
fn variables_are_asked_for_again_when_the_time_range_changes() {
    for board in boards() {
        for variable in board.json["templating"]["list"].as_array().unwrap() {
            let place = format!("{}: {}", board.name, variable["name"]);
            assert_ne!(variable["label"], "", "{place}");
            if variable["type"] == "query" {
                assert_eq!(variable["refresh"], 2, "{place}");
                assert_eq!(
                    variable["definition"], variable["query"]["query"],
                    "{place}"
                );
            }
        }
    }
}

#[test]
fn links_lead_to_dashboards_that_exist_and_set_variables_that_these_have() {
    let boards = boards();
    let mut links = 0;
    for board in &boards {
        for url in members(&board.json, "url") {
            let Some((_, after)) = url.as_str().unwrap().split_once("/d/") else {
                continue;
            };
            links += 1;
            let uid = after.split(['/', '?']).next().unwrap();
            let target = boards.iter().find(|board| board.name == uid);
            let target = target.unwrap_or_else(|| panic!("{}: {url}", board.name));
            let set = after.split("var-").skip(1);
            let set = set.map(|text| text.split('=').next().unwrap().to_owned());
            for variable in set.chain(variables(after)) {
                assert!(
                    target.variables().contains(&variable.as_str()),
                    "{url}: {variable}"
                );
            }
        }
        // Besides, all dashboards are linked by their tag.
        assert_eq!(board.json["links"][0]["tags"], board.json["tags"]);
    }
    assert!(links > 0, "the overview leads to the pools");
}

#[test]
fn rates_follow_the_resolution_of_the_panel() {
    for board in boards() {
        for (place, expression) in board.expressions() {
            for after in expression.split("rate(").skip(1) {
                let range = after.split_once('[').unwrap().1;
                assert!(range.starts_with("$__rate_interval]"), "{place}");
            }
        }
    }
}

#[test]
fn promtool_understands_every_expression() {
    let values = ["datasource", "job", "pool", "instance", "signal"].map(|name| (name, "x"));
    let ranges = [("__rate_interval", "5m"), ("__range", "1h")];
    let values = values.into_iter().chain(ranges);
    let values: BTreeMap<&str, String> = values.map(|(k, v)| (k, v.to_owned())).collect();
    let mut rules = Vec::new();
    for board in boards() {
        for (place, expression) in board.expressions() {
            let expr = substituted(expression, &values);
            let number = rules.len();
            // The place is in promtool's message when it refuses.
            rules.push(json!({"record": format!("expression:{number}"), "expr": expr, "labels": {"place": place}}));
        }
    }
    let file = json!({"groups": [{"name": "all", "rules": rules}]});
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("rules.yaml");
    std::fs::write(&path, file.to_string()).unwrap();
    assert_accepts("promtool", &["check", "rules", &path.display().to_string()]);
}
