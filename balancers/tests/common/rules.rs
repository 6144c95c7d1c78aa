//! What the tests of each product's rules share: a folder per rule with a configuration that shows it and one that does not.

use std::path::Path;
use std::process::Output;

use evenkeel_balancers::{Product, Rule, Severity};

use super::{configuration, folder, shown, today};

/// Each rule is found in the file of its folder, and what else is found is the same as ever.
pub(crate) fn bad_ones_show_their_rule(
    product: Product,
    file: &str,
    rules: impl Iterator<Item = &'static Rule>,
) {
    for rule in rules {
        let folder = folder(product).join(rule.id);
        let configuration = configuration(product, &folder.join(file));
        let audit = configuration.audit(today());
        let found = audit.findings.iter().any(|finding| finding.rule == rule);
        let shown = shown(&configuration, &audit, &folder);
        assert!(found, "{} is not found:\n{shown}", rule.id);
        insta::with_settings!({ snapshot_path => &folder, prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!("bad", shown);
        });
    }
}

/// Each rule is not found in the file of its folder, and nothing else but notes.
pub(crate) fn good_ones_show_nothing_but_notes(
    product: Product,
    file: &str,
    rules: impl Iterator<Item = &'static Rule>,
) {
    for rule in rules {
        let folder = folder(product).join(rule.id);
        let configuration = configuration(product, &folder.join(file));
        let audit = configuration.audit(today());
        let clean = audit.worst().is_none_or(|worst| worst == Severity::Note)
            && audit.findings.iter().all(|finding| finding.rule != rule);
        let shown = shown(&configuration, &audit, &folder);
        assert!(clean, "{}: {shown}", rule.id);
    }
}

/// The product itself accepts all of them, but those that `refused` names: `NGX-019/bad.conf`.
pub(crate) fn the_product_accepts_them(
    product: Product,
    files: [&str; 2],
    rules: impl Iterator<Item = &'static Rule>,
    refused: impl Fn(&str) -> bool,
    check: impl Fn(&Path) -> Output,
) {
    let mut checked = 0;
    for rule in rules {
        for file in files {
            let name = format!("{}/{file}", rule.id);
            let output = check(&folder(product).join(&name));
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.success(), !refused(&name), "{name}: {said}");
            checked += 1;
        }
    }
    assert!(checked > 0, "no rule of {}", product.title());
}
