//! docs/SUMMARY.md: what is in the book, and where.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use evenkeel_balancers::{Product, rules};

use crate::{generated, pages};

#[test]
fn generated_chapters_of_rules() {
    let mut text = String::new();
    for rule in rules() {
        let of = rule.product.map_or("any", Product::title);
        writeln!(
            text,
            "  - [{}: {} ({of})](audit/{}.md)",
            rule.id, rule.title, rule.id
        )
        .unwrap();
    }
    generated::check("docs/SUMMARY.md", "rules", &text);
}

#[test]
fn every_page_is_in_the_book_once() {
    let text = std::fs::read_to_string(crate::root().join("docs/SUMMARY.md")).unwrap();
    let mut chapters = BTreeSet::new();
    for link in text.split("](").skip(1) {
        let path = link.split(')').next().unwrap();
        assert!(chapters.insert(path.to_owned()), "{path} is there twice");
    }
    let pages = pages::of_the_book().into_iter();
    let pages = pages.map(|page| page.name.strip_prefix("docs/").unwrap().to_owned());
    let pages: BTreeSet<String> = pages.filter(|name| name != "SUMMARY.md").collect();
    assert_eq!(chapters, pages);
}
