//! SARIF: what the schema of 2.1.0 allows, and fingerprints that stay.

use serde_json::Value;
use serde_sarif::sarif::Sarif;
use tempfile::tempdir;

use crate::bed::{audit, audit_in, audit_text, upstream, write};

#[test]
fn it_is_as_recorded() {
    let text = audit(&["--output", "sarif", "NGX-002/bad.conf", "NGX-001/good.conf"]).text(3);
    let text = text.replace(env!("CARGO_PKG_VERSION"), "VERSION");
    // Pages of rules are long, and documents of their own.
    let mut json: Value = serde_json::from_str(&text).unwrap();
    for rule in json["runs"][0]["tool"]["driver"]["rules"]
        .as_array_mut()
        .unwrap()
    {
        let help = rule["help"].take();
        assert!(help["text"].as_str().unwrap().starts_with("# "), "{help}");
    }
    insta::assert_snapshot!("sarif", serde_json::to_string_pretty(&json).unwrap());
}

/// What is left of a document in the types that are generated from the schema: what the schema does not know they drop, and
/// what it demands they demand.
fn kept(document: &Value) -> Result<Value, serde_json::Error> {
    let typed: Sarif = serde_json::from_value(document.clone())?;
    serde_json::to_value(&typed)
}

fn assert_valid(text: &str) {
    let ours: Value = serde_json::from_str(text).unwrap();
    assert_eq!(ours, kept(&ours).unwrap());
}

#[test]
fn what_is_not_in_the_schema_is_noticed() {
    let text = audit(&["--output", "sarif", "NGX-001/bad.conf"]).out;
    let mut unknown: Value = serde_json::from_str(&text).unwrap();
    unknown["runs"][0]["results"][0]["color"] = "red".into();
    assert_ne!(unknown, kept(&unknown).unwrap());
    let mut missing: Value = serde_json::from_str(&text).unwrap();
    let result = missing["runs"][0]["results"][0].as_object_mut().unwrap();
    result.remove("message");
    assert!(kept(&missing).is_err());
}

#[test]
fn all_that_is_written_is_in_the_schema() {
    let all = audit(&["--output", "sarif", "."]);
    assert_eq!(all.code, 3, "{}", all.err);
    assert_valid(&all.out);
    let failed = audit_text("http {", &["--output", "sarif", "-", "missing.conf"]);
    assert_eq!(failed.code, 2);
    assert_valid(&failed.out);
    let nothing = audit(&["--output", "sarif", "NGX-006/good.conf"]);
    assert_valid(&nothing.out);
}

fn results(text: &str) -> Vec<Value> {
    let json: Value = serde_json::from_str(text).unwrap();
    json["runs"][0]["results"].as_array().unwrap().clone()
}

#[test]
fn fingerprints_stay_when_lines_move_and_differ_otherwise() {
    let folder = tempdir().unwrap();
    let fingerprints = |text: String| {
        write(folder.path(), &[("nginx.conf", text.as_bytes())]);
        let found = results(&audit_in(folder.path(), &["--output", "sarif", "nginx.conf"]).out);
        let mut found: Vec<String> = found
            .iter()
            .map(|result| {
                result["partialFingerprints"]["evenkeel/v1"]
                    .as_str()
                    .unwrap()
                    .to_owned()
            })
            .collect();
        found.sort();
        found
    };
    let (shop, pay) = (upstream("shop", 8), upstream("pay", 8));
    let before = fingerprints(format!("http {{\n{shop}{pay}}}"));
    let distinct: std::collections::BTreeSet<_> = before.iter().collect();
    assert_eq!((before.len(), distinct.len()), (2, 2));
    let moved = fingerprints(format!("\n\n# moved\nhttp {{\n{pay}\n{shop}}}"));
    assert_eq!(before, moved);
    let comment = "# evenkeel: allow NGX-001 because canary\n";
    let allowed = fingerprints(format!("http {{\n{comment}{shop}{pay}}}"));
    assert_eq!(before, allowed);
    let renamed = fingerprints(format!("http {{\n{}{pay}}}", upstream("cart", 8)));
    assert_eq!(
        renamed
            .iter()
            .filter(|found| before.contains(found))
            .count(),
        1
    );
}

#[test]
fn paths_are_relative_to_where_it_runs() {
    let folder = tempdir().unwrap();
    let text = format!("http {{ {} }}", upstream("shop", 8));
    write(
        folder.path(),
        &[("lb x/nginx.conf", text.as_bytes()), ("here/a", b"")],
    );
    let path = folder
        .path()
        .canonicalize()
        .unwrap()
        .join("lb x/nginx.conf");
    let place = |within: &str, path: &str| {
        let answer = audit_in(&folder.path().join(within), &["--output", "sarif", path]);
        let result = results(&answer.out).remove(0);
        result["locations"][0]["physicalLocation"]["artifactLocation"].clone()
    };
    let whole = path.to_str().unwrap();
    let relative = serde_json::json!({ "uri": "lb%20x/nginx.conf", "uriBaseId": "%SRCROOT%" });
    assert_eq!(place(".", "lb x/nginx.conf"), relative);
    assert_eq!(place(".", whole), relative);
    let absolute = format!("file://{}", whole.replace(' ', "%20"));
    assert_eq!(place("here", whole), serde_json::json!({ "uri": absolute }));
}
