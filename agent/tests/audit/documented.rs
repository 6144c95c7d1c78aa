//! The documents say what the program does.

use evenkeel_balancers::rules;

use crate::bed::audit;
use crate::generated;

#[test]
fn generated_table_of_rules() {
    let table = audit(&["--list-rules", "--output", "markdown"]).text(0);
    generated::check("docs/audit/README.md", "rules", &table);
}

#[test]
fn every_rule_is_listed_and_explained() {
    let text = audit(&["--list-rules"]).text(0);
    let json: serde_json::Value =
        serde_json::from_str(&audit(&["--list-rules", "--output", "json"]).text(0)).unwrap();
    assert_eq!(json.as_array().unwrap().len(), rules().count());
    for rule in rules() {
        assert!(
            text.contains(rule.id) && text.contains(rule.title),
            "{}",
            rule.id
        );
        let page = audit(&["--explain", &rule.id.to_lowercase()]).text(0);
        assert_eq!(page.trim_end(), rule.page.trim_end());
    }
    let json = audit(&["--explain", "NGX-001", "--output", "json"]).json();
    assert_eq!(json["id"], "NGX-001");
}
