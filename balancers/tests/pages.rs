//! The page of every rule.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on must fail"
)]

use std::collections::BTreeSet;
use std::path::Path;

use evenkeel_balancers::{rule, rules};

const SECTIONS: [&str; 5] = [
    "\n## What shows it\n\n",
    "\n## What happens\n\n",
    "\n## Fix\n\n",
    "\n## When it is meant\n\n",
    "\n## Source\n\n",
];

#[test]
fn pages_have_title_and_sections() {
    for rule in rules() {
        let heading = format!("# {}: {}\n", rule.id, rule.title);
        assert!(rule.page.starts_with(&heading), "{}: {heading}", rule.id);
        let mut rest = rule.page;
        for section in SECTIONS {
            let (_, after) = rest
                .split_once(section)
                .unwrap_or_else(|| panic!("{}: no {section}", rule.id));
            assert!(
                !after.starts_with('#') && after.len() > 10,
                "{}: {section} is empty",
                rule.id
            );
            rest = after;
        }
        assert_eq!(rule.page.matches("```").count() % 2, 0, "{}", rule.id);
    }
}

/// A page that no rule shows would be a promise.
#[test]
fn each_page_has_its_rule() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/audit");
    let files: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "README.md")
        .collect();
    let expected = rules().map(|rule| format!("{}.md", rule.id));
    assert_eq!(files, expected.collect());
}

#[test]
fn ids_are_unique_and_found_in_any_case() {
    let ids: BTreeSet<&str> = rules().map(|rule| rule.id).collect();
    assert_eq!(ids.len(), rules().count());
    assert_eq!(rule("ngx-001"), rule("NGX-001"));
    assert_eq!(rule("NGX-999"), None);
}
