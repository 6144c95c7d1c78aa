//! Without privileges, with every configuration that the rules of `audit` are tested with: each runs, or is refused in words.

use std::path::{Path, PathBuf};

use evenkeel_lab::parts;

use crate::bed::{Answer, gate};

fn configurations(product: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../balancers/tests")
        .join(product);
    let rules = std::fs::read_dir(folder).unwrap();
    let inside = rules.flat_map(|rule| std::fs::read_dir(rule.unwrap().path()).unwrap());
    let mut files: Vec<PathBuf> = inside.map(|file| file.unwrap().path()).collect();
    files.retain(|file| {
        let stem = file.file_stem().and_then(|stem| stem.to_str());
        let snapshot = file.extension().is_some_and(|end| end == "snap");
        !snapshot && matches!(stem, Some("bad" | "good"))
    });
    files.sort();
    files
}

fn run(product: &str, program: &Path, file: &Path) -> Answer {
    let [file, program] = [file, program].map(|path| path.display().to_string());
    let few = ["--connections", "20", "--max-to-mean", "1.2"];
    let first = ["--hermetic", &file, "--as", product, "--program", &program];
    gate(&[&first[..], &few].concat())
}

/// How it ended is a judgement, or says what stands in the way.
fn is_told(answer: &Answer) -> bool {
    match answer.code {
        0 | 3 | 4 => answer.out.contains("\ngate: "),
        2 => [
            "left out: ",
            "refuses the copy",
            "has no pool",
            "not complete",
        ]
        .iter()
        .any(|words| answer.err.contains(words)),
        _ => false,
    }
}

fn all(product: &str, program: &Path) {
    let files = configurations(product);
    assert!(files.len() > 20, "{}", files.len());
    let mut judged = 0;
    for file in &files {
        let answer = run(product, program, file);
        assert!(is_told(&answer), "{}: {answer:?}", file.display());
        judged += usize::from(answer.code != 2);
    }
    // Some have one server, or what this version of the product does not know.
    assert!(2 * judged > files.len(), "{judged} of {}", files.len());
}

#[test]
fn nginx() {
    all("nginx", &parts::require("nginx").unwrap());
}

#[test]
fn haproxy() {
    all("haproxy", &parts::require("haproxy").unwrap());
}

#[test]
fn envoy() {
    all("envoy", &parts::envoy().unwrap());
}
