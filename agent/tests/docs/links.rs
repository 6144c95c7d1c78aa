//! Links within the repository lead somewhere. What is on other hosts is not asked: tests need no network.

use std::collections::HashMap;
use std::path::Path;

use crate::pages::{self, Page};
use crate::root;

#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    let pages = pages::all();
    let by_path: HashMap<_, &Page> = pages
        .iter()
        .map(|page| (root().join(&page.name).canonicalize().unwrap(), page))
        .collect();
    let mut broken = Vec::new();
    let mut followed = 0;
    for page in &pages {
        for link in page.links.iter().filter(|link| !is_elsewhere(link)) {
            followed += 1;
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let from = root().join(&page.name);
            let target = if file.is_empty() {
                from
            } else {
                from.parent().unwrap_or(Path::new("")).join(file)
            };
            let Ok(target) = target.canonicalize() else {
                broken.push(format!("{}: {link}: no such file", page.name));
                continue;
            };
            let is_there = |page: &&Page| page.anchors.iter().any(|anchor| anchor == heading);
            if !heading.is_empty() && by_path.get(&target).is_none_or(|page| !is_there(page)) {
                broken.push(format!("{}: {link}: no such heading", page.name));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert!(followed > 300, "only {followed} links were found");
}

fn is_elsewhere(link: &str) -> bool {
    ["http://", "https://", "mailto:"]
        .iter()
        .any(|scheme| link.starts_with(scheme))
}

#[test]
fn every_picture_of_the_documents_is_shown() {
    let pages = pages::all();
    let text: Vec<String> = pages
        .iter()
        .map(|page| std::fs::read_to_string(root().join(&page.name)).unwrap())
        .collect();
    for entry in std::fs::read_dir(root().join("docs/images")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let is_shown = text
            .iter()
            .any(|text| text.contains(&format!("images/{name}")));
        assert!(is_shown, "no document shows docs/images/{name}");
    }
}
