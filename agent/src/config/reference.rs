//! The reference of the configuration, made of the keys as the reader knows them, and of what the checks answer.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::raw::{File, WebFile};
use super::shape::{Entries, Items, Scalar};
use super::{Config, Problem};

#[path = "../../tests/common/generated.rs"]
mod generated;

const DOCUMENT: &str = "docs/configuration.md";

/// A key as the reference has it.
#[derive(Clone, Debug)]
pub(super) struct Key {
    /// Such as `pools[].name`.
    pub(super) path: String,
    /// The comment at its field.
    pub(super) meaning: &'static str,
    /// What holds without it, as it would be written; `None` if nothing does, or if that depends.
    pub(super) default: Option<&'static str>,
}

impl Key {
    fn root() -> Self {
        Self {
            path: String::new(),
            meaning: "",
            default: None,
        }
    }

    /// The path of a key below this one.
    pub(super) fn below(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }
}

/// All keys of a file.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) keys: Vec<Key>,
    pub(super) later: Vec<String>,
}

/// Lists the keys at and below one.
pub(super) trait Keys {
    fn keys(key: &Key, out: &mut Found);
}

impl Keys for Scalar {
    fn keys(key: &Key, out: &mut Found) {
        // A list of single values is one key.
        let path = key.path.trim_end_matches("[]").to_owned();
        out.keys.push(Key {
            path,
            ..key.clone()
        });
    }
}

impl Keys for Entries {
    fn keys(key: &Key, out: &mut Found) {
        out.keys.push(key.clone());
    }
}

impl<T: Keys> Keys for Items<T> {
    fn keys(key: &Key, out: &mut Found) {
        let path = format!("{}[]", key.path);
        T::keys(
            &Key {
                path,
                ..key.clone()
            },
            out,
        );
    }
}

fn found<T: Keys>() -> Found {
    let mut found = Found::default();
    T::keys(&Key::root(), &mut found);
    found
}

fn document() -> String {
    let path = format!("{}/../{DOCUMENT}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap()
}

/// A valid configuration in which the mapping of each key is there, with what that mapping needs.
fn scaffold(path: &str) -> Value {
    let receiver = json!({"url": "https://192.0.2.9"});
    let mut root = json!({
        "pools": [{"name": "p", "backends": [{"address": "192.0.2.1:80"}]}],
        "alerting": {"alertmanagers": [receiver], "webhooks": [receiver]},
        "fleet": {"prometheus": receiver},
    });
    for (section, needs) in [
        ("basic_auth", json!({"username": "u", "password_file": "f"})),
        ("authorization", json!({"credentials_file": "f"})),
        ("haproxy", json!({"files": ["f"], "stats_socket": "/s"})),
        ("kubernetes", json!({"node": "n"})),
        ("tls_config", json!({"cert_file": "f", "key_file": "f"})),
    ] {
        if let Some((before, _)) = path.split_once(&format!(".{section}.")) {
            *at(&mut root, &format!("{before}.{section}")) = needs;
        }
    }
    root
}

/// The value of a key; it is made if it is not there.
fn at<'v>(root: &'v mut Value, path: &str) -> &'v mut Value {
    path.split('.').fold(root, |value, key| {
        let name = key.trim_end_matches("[]");
        let value = &mut value[name];
        if key.ends_with("[]") {
            &mut value[0]
        } else {
            value
        }
    })
}

/// The configuration with this text at the key.
fn with(path: &str, yaml: &str) -> String {
    const HERE: &str = "here";
    let mut root = scaffold(path);
    *at(&mut root, path) = json!(HERE);
    root.to_string().replace(&format!("{HERE:?}"), yaml)
}

/// What the checks say about a text at the key.
fn problems(path: &str, yaml: &str) -> Vec<Problem> {
    match Config::parse("it", &with(path, yaml)) {
        Ok(_) => Vec::new(),
        Err(error) => error.problems().to_vec(),
    }
}

/// What stands between two texts in one of the texts.
fn between<'t>(
    mut texts: impl Iterator<Item = &'t String>,
    left: &str,
    right: &str,
) -> Option<String> {
    texts.find_map(|text| {
        let (_, rest) = text.split_once(left)?;
        Some(
            if right.is_empty() {
                rest
            } else {
                rest.split_once(right)?.0
            }
            .to_owned(),
        )
    })
}

/// What can be written for a key, as the checks say it.
fn value(path: &str) -> String {
    let empty = problems(path, "null");
    let expects = between(
        empty.iter().filter_map(|problem| problem.help.as_ref()),
        "write ",
        ", such as `",
    );
    let expects = expects.or_else(|| {
        let text = problems(path, "x");
        between(
            text.iter().map(|problem| &problem.message),
            " must be ",
            ", not text",
        )
    });
    let expects =
        expects.unwrap_or_else(|| panic!("the checks do not say what {path} must be: {empty:?}"));
    match expects.as_str() {
        "a duration" => {
            let long = problems(path, "99999999d");
            let helps = long.iter().filter_map(|problem| problem.help.as_ref());
            let bounds = helps.map(|help| help.replacen("write ", "", 1)).next();
            bounds.unwrap_or_else(|| panic!("{path} has no bounds"))
        }
        "a number" => {
            let negative = problems(path, "-1");
            let messages = negative.iter().map(|problem| &problem.message);
            let bounds =
                between(messages, "must be ", "").unwrap_or_else(|| panic!("{negative:?}"));
            if bounds.starts_with("a ") {
                bounds
            } else {
                format!("a number {bounds}")
            }
        }
        _ => expects,
    }
}

/// Whether the mapping that has the key needs it.
fn is_required(path: &str) -> bool {
    // Certificate and key need each other, and `tls_config` neither.
    if path.contains(".tls_config.") {
        return false;
    }
    let mut root = scaffold(path);
    let (parent, key) = path.rsplit_once('.').unwrap_or(("", path));
    let mapping = if parent.is_empty() {
        &mut root
    } else {
        at(&mut root, parent)
    };
    if let Some(mapping) = mapping.as_object_mut() {
        mapping.remove(key);
    }
    Config::parse("it", &root.to_string()).is_err()
}

/// The heading that names a key, as the end of a link to it.
fn anchor(document: &str, path: &str) -> String {
    let name = format!("`{path}`");
    let heading = document
        .lines()
        .find(|line| line.starts_with("### ") && line.contains(&name));
    let heading = heading.unwrap_or_else(|| panic!("{DOCUMENT} has no heading for {path}"));
    let kept = heading
        .trim_start_matches("### ")
        .chars()
        .filter_map(|c| match c {
            ' ' => Some('-'),
            '_' | '-' => Some(c),
            c if c.is_alphanumeric() => Some(c.to_ascii_lowercase()),
            _ => None,
        });
    kept.collect()
}

fn row(document: &str, key: &Key) -> String {
    let Key {
        path,
        meaning,
        default,
    } = key;
    let default = match default {
        Some(default) => format!("`{default}`"),
        None if is_required(path) => "must be given".to_owned(),
        None => "none".to_owned(),
    };
    let (anchor, value) = (anchor(document, path), value(path));
    format!("| [`{path}`](#{anchor}) | {value} | {default} |{meaning} |\n")
}

#[test]
fn generated_table_of_keys() {
    let document = document();
    let mut table = "| key | value | default | meaning |\n|---|---|---|---|\n".to_owned();
    for key in found::<File>().keys {
        // Receivers of both kinds have the same keys.
        if !key.path.starts_with("alerting.webhooks[]") {
            table.write_str(&row(&document, &key)).unwrap();
        }
    }
    generated::check(DOCUMENT, "keys", &table);
}

#[test]
fn generated_table_of_keys_of_the_web_file() {
    let mut table = "| key | meaning |\n|---|---|\n".to_owned();
    for Key { path, meaning, .. } in found::<WebFile>().keys {
        writeln!(table, "| `{path}` |{meaning} |").unwrap();
    }
    generated::check(DOCUMENT, "keys of the web file", &table);
}

#[test]
fn defaults_are_what_holds_without_the_key() {
    for Key { path, default, .. } in found::<File>().keys {
        let Some(default) = default else { continue };
        let written =
            Config::parse("it", &with(&path, default)).unwrap_or_else(|error| panic!("{error}"));
        let without = Config::parse("it", &scaffold(&path).to_string()).unwrap();
        assert_same(&path, written, without);
    }
}

/// A pool that says what holds anyway is the same pool for all that judges it.
fn assert_same(path: &str, mut written: Config, mut without: Config) {
    let tolerance = written.detection.tolerance;
    for config in [&mut written, &mut without] {
        for pool in &mut config.pools {
            pool.expected = Some(pool.expectation());
            pool.tolerance.get_or_insert(tolerance);
        }
    }
    assert_eq!(written, without, "{path}");
}

#[test]
fn the_sections_have_the_same_defaults() {
    let document = document();
    for Key { path, default, .. } in found::<File>().keys {
        let Some(default) = default else { continue };
        let (_, section) = document
            .split_once(&format!("`{path}`\n"))
            .unwrap_or_else(|| {
                document
                    .split_once(&format!("### `{path}`"))
                    .unwrap_or_else(|| panic!("no heading for {path}"))
            });
        let stated = section.lines().find(|line| line.starts_with("- Default: "));
        let stated = stated.unwrap_or_else(|| panic!("{path} states no default"));
        let link = path.ends_with(".tolerance") && stated.contains("(#detectiontolerance)");
        assert!(
            link || stated.contains(&format!("`{default}`")),
            "{path}: {stated}"
        );
    }
}

/// The keys that the headings of the reference name, one or more each; those below "Later versions" are list items.
fn documented(reference: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut keys, mut later) = (BTreeSet::new(), BTreeSet::new());
    let last = reference.split_once("\n## Later versions\n");
    let last = last.map_or("", |(_, last)| last);
    let quoted = |line: &str| -> Vec<String> {
        // What is between backquotes is every second piece.
        line.split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect()
    };
    for line in reference.lines().filter(|line| line.starts_with("### ")) {
        keys.extend(quoted(line));
    }
    for line in last.lines().filter(|line| line.starts_with("- `")) {
        later.extend(quoted(line).into_iter().next());
    }
    (keys, later)
}

#[test]
fn the_reference_has_every_key_and_no_other() {
    let there = found::<File>();
    let keys = there.keys.into_iter().map(|key| key.path).collect();
    assert_eq!(
        documented(&document()),
        (keys, there.later.into_iter().collect())
    );
}
