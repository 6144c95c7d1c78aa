//! Quotes, escapes and variables against `HAProxy` itself: words that nobody would write are read here, and said back by
//! `.notice` there.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use evenkeel_balancers::source::MemoryFiles;
use evenkeel_balancers::{Options, Product, read};
use evenkeel_lab::parts::require;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

/// How many words are compared.
const WORDS: usize = 1000;

/// What comes before: one variable is known, and no other.
const GLOBAL: &str = "global\n setenv A \"p  q\"\n";

/// What `HAProxy` makes of a word.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Said {
    One(String),
    Several,
    Wrong,
}

/// The word as it is read here: the name of a cookie, which the algorithm's name has.
fn ours(word: &str) -> Option<String> {
    let text = format!(
        "{GLOBAL}backend b\n mode http\n balance roundrobin\n cookie {word}\n server s 192.0.2.1:80\n"
    );
    let files = MemoryFiles::new().with("haproxy.cfg", text);
    let path = Path::new("haproxy.cfg");
    let configuration = read(Product::Haproxy, &files, path, &Options::default()).ok()?;
    let name = &configuration.pools[0].algorithm.name;
    let name = name.strip_prefix("cookie ").unwrap();
    let (name, _) = name.rsplit_once(", new sessions by ").unwrap();
    Some(name.to_owned())
}

/// Words as `HAProxy` reads them; no more than 40, because it stops after 50 errors.
fn theirs(words: &[String]) -> Vec<Said> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("h.cfg");
    let mut text = GLOBAL.to_owned();
    for word in words {
        writeln!(text, ".notice {word}").unwrap();
    }
    std::fs::write(&path, text).unwrap();
    let mut command = Command::new(require("haproxy").unwrap());
    command.args(["-c", "-f"]).arg(&path).env_clear();
    let said = String::from_utf8_lossy(&command.output().unwrap().stderr).into_owned();
    let mark = format!("parsing [{}:", path.display());
    let mut lines = HashMap::new();
    for line in said.lines() {
        let Some((number, what)) = line
            .split_once(&mark)
            .and_then(|(_, rest)| rest.split_once("]:"))
        else {
            continue;
        };
        let quoted = what.trim().strip_prefix('\'');
        let said = match quoted.and_then(|what| what.strip_suffix("'.")) {
            Some(text) if line.starts_with("[NOTICE]") => Said::One(text.to_owned()),
            _ if what.contains("Unexpected argument") => Said::Several,
            _ => Said::Wrong,
        };
        lines
            .entry(number.parse::<usize>().unwrap())
            .or_insert(said);
    }
    (0..words.len())
        .map(|index| lines[&(index + 3)].clone())
        .collect()
}

/// Takes out what stands for variables without a value: those are empty to `HAProxy`.
fn without_variables(text: &str) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        result.push_str(before);
        rest = after.split_once('}').map_or("", |(_, after)| after);
    }
    result + rest
}

#[test]
fn words_are_those_of_haproxy() {
    let strategy =
        "x[aAxp4 \"\"''\\\\$$#\\[*\\]é-]{0,9}(\"\\$\\{[AB](\\[\\*\\])?(-[a ]?)?\\}\"a?)?";
    let strategy = proptest::string::string_regex(strategy).unwrap();
    let mut runner = TestRunner::deterministic();
    let mut word = || strategy.new_tree(&mut runner).unwrap().current();
    let words: Vec<String> = (0..WORDS).map(|_| word()).collect();
    let mut good = 0;
    let theirs: Vec<Said> = words.chunks(40).flat_map(theirs).collect();
    for (word, theirs) in words.iter().zip(theirs) {
        let ours = ours(word);
        match theirs {
            Said::Wrong => assert_eq!(ours, None, "{word}"),
            Said::Several => assert!(ours.is_some(), "{word}"),
            Said::One(text) => {
                let ours = ours.unwrap_or_else(|| format!("an error for {text}"));
                let same = ours == text || without_variables(&ours) == text;
                assert!(same, "{word}: {ours} {text}");
                good += 1;
            }
        }
    }
    assert!(good > WORDS / 5, "{good}");
}
