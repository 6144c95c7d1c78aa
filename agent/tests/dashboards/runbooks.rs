//! Every alert leads to a runbook, and every runbook belongs to an alert.

use std::collections::BTreeSet;

use crate::rulefile::alerts;
use crate::{repository, text};

/// Where the runbooks are to those who get an alert.
const BASE: &str = "https://github.com/evenkeel/evenkeel/blob/main/docs/runbooks/";

/// What a cause of an incident can be called.
const CAUSES: [&str; 14] = [
    "refusing",
    "not_in_rotation",
    "not_rebalanced",
    "slow_backend",
    "pinned_connections",
    "heavy_connections",
    "affinity",
    "weights_differ",
    "weights_lost",
    "first_in_list",
    "between_groups",
    "one_balancer_differs",
    "sum_skewed",
    "unexplained",
];

#[test]
fn every_alert_has_a_runbook_and_every_runbook_an_alert() {
    let alerts = alerts();
    for (name, alert) in &alerts {
        assert_eq!(
            alert.annotations["runbook_url"],
            format!("{BASE}{name}.md"),
            "{name}"
        );
    }
    let folder = std::fs::read_dir(repository("docs/runbooks")).unwrap();
    let files = folder.map(|file| file.unwrap().file_name().into_string().unwrap());
    let files: BTreeSet<String> = files.collect();
    let mut expected: BTreeSet<String> = alerts.keys().map(|name| format!("{name}.md")).collect();
    expected.insert("README.md".to_owned());
    assert_eq!(files, expected);
}

#[test]
fn runbooks_have_the_same_headings_and_are_in_the_index() {
    let index = text("docs/runbooks/README.md");
    for name in alerts().keys() {
        let page = text(&format!("docs/runbooks/{name}.md"));
        let headings: Vec<&str> = page
            .lines()
            .filter(|line| line.starts_with("# ") || line.starts_with("## "))
            .filter(|line| !line.starts_with("# ") || line.contains("Evenkeel"))
            .collect();
        let title = format!("# {name}");
        let expected = [
            &title,
            "## Meaning",
            "## Impact",
            "## Diagnosis",
            "## Mitigation",
        ];
        assert_eq!(headings, expected, "{name}");
        assert!(index.contains(&format!("[{name}]({name}.md)")), "{name}");
    }
}

#[test]
fn the_runbook_of_skew_says_what_to_do_for_each_cause() {
    let page = text("docs/runbooks/EvenkeelPoolSkewed.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    let causes: BTreeSet<&str> = rows.map(|row| row.split('`').next().unwrap()).collect();
    assert_eq!(causes, CAUSES.into());
}

#[test]
fn links_between_documents_lead_somewhere() {
    let folder = std::fs::read_dir(repository("docs/runbooks")).unwrap();
    let pages = folder.map(|file| file.unwrap().path());
    let pages = pages.chain([repository("dashboards/README.md")]);
    for page in pages {
        let text = std::fs::read_to_string(&page).unwrap();
        for target in text.split("](").skip(1) {
            let target = target.split([')', '#']).next().unwrap();
            let here = page.parent().unwrap().join(target);
            let elsewhere = target.is_empty() || target.starts_with("https://");
            assert!(elsewhere || here.exists(), "{}: {target}", page.display());
        }
    }
}
