//! docs/alerting.md shows what is really sent, and what the programs that it speaks of really take.

use std::collections::BTreeSet;
use std::process::Command;

use evenkeel::config::Config;
use evenkeel::publish::alerts::check;
use evenkeel_lab::parts::require;
use evenkeel_lab::process::run;
use serde_json::Value;

use crate::pages::{alert, body, skewed};

fn document() -> String {
    let path = format!("{}/../docs/alerting.md", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap()
}

/// The blocks of `language`, in their order.
fn blocks(language: &str) -> Vec<String> {
    let document = document();
    let fence = format!("```{language}\n");
    let parts = document.split(&fence).skip(1);
    parts
        .map(|part| part.split("```").next().unwrap().to_owned())
        .collect()
}

/// The names in backticks in the first column of the tables of a section.
fn rows(section: &str) -> BTreeSet<String> {
    let document = document();
    let text = document.split(&format!("| {section} |")).nth(1).unwrap();
    let rows = text
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    rows.filter_map(|row| row.split('|').nth(1))
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .map(str::to_owned)
        .collect()
}

fn keys(value: &Value) -> BTreeSet<String> {
    value.as_object().unwrap().keys().cloned().collect()
}

#[tokio::test]
async fn the_json_is_what_is_sent() {
    let shown: Vec<Value> = blocks("json")
        .iter()
        .map(|block| serde_json::from_str(block).unwrap())
        .collect();
    assert_eq!(shown, [alert(skewed()).await, body(skewed()).await]);
}

#[tokio::test]
async fn the_page_is_what_people_read() {
    let alert = alert(skewed()).await;
    let annotation = |name: &str| alert["annotations"][name].as_str().unwrap().to_owned();
    let page = annotation("summary") + "\n\n" + &annotation("description") + "\n";
    assert_eq!(blocks("text"), [page]);
}

#[tokio::test]
async fn labels_annotations_and_keys_are_all_listed() {
    let (alert, body) = (alert(skewed()).await, body(skewed()).await);
    let mut labels = keys(&alert["labels"]);
    assert!(labels.remove("team"), "it is a configured one");
    // The last row.
    labels.insert("alerting.labels".to_owned());
    let mut documented = rows("label");
    documented.insert("alerting.labels".to_owned());
    assert_eq!(documented, labels);
    assert_eq!(rows("annotation"), keys(&alert["annotations"]));
    assert_eq!(rows("key"), keys(&body));
    let names = evenkeel::model::AlertName::ALL.map(|name| name.as_str().to_owned());
    assert_eq!(rows("alert"), BTreeSet::from(names));
}

#[tokio::test]
async fn alertmanager_takes_the_route() {
    let yaml: Vec<String> = blocks("yaml");
    let [route] = yaml
        .iter()
        .filter(|block| block.starts_with("route:"))
        .collect::<Vec<_>>()
        .try_into()
        .unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), route).unwrap();
    let amtool = || Command::new(require("amtool").unwrap());
    run(amtool().arg("check-config").arg(file.path())).unwrap();
    let alert = alert(skewed()).await;
    let labels = alert["labels"].as_object().unwrap().iter();
    let labels = labels.map(|(name, value)| format!("{name}={}", value.as_str().unwrap()));
    run(amtool()
        .args(["config", "routes", "test", "--verify.receivers=shop"])
        .arg(format!("--config.file={}", file.path().display()))
        .args(labels))
    .unwrap();
}

#[test]
fn the_agent_takes_its_configuration() {
    let yaml = blocks("yaml").into_iter();
    let own: Vec<String> = yaml
        .filter(|block| block.starts_with("alerting:"))
        .collect();
    let configs: Vec<Config> = own
        .iter()
        .map(|text| Config::parse("docs/alerting.md", text).unwrap())
        .collect();
    let counts = |config: &Config| {
        let alerting = &config.alerting;
        (alerting.alertmanagers.len(), alerting.webhooks.len())
    };
    assert_eq!(
        configs.iter().map(counts).collect::<Vec<_>>(),
        [(2, 0), (0, 1)]
    );
    for config in &configs {
        check(&config.alerting).unwrap();
    }
}
