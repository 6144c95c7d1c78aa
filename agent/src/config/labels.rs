//! Checks mappings of label names to text.

use std::collections::{BTreeMap, HashMap};

use super::place::At;
use super::problems::{Noted, Problems, quote};
use super::shape::{Entries, Field, Scalar, Value};
use super::value::Key;

/// Names that evenkeel uses itself beside these labels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reserved {
    pub(super) names: &'static [&'static str],
    /// What to do about such a name.
    pub(super) help: &'static str,
}

/// All labels of one mapping.
pub(super) fn labels(
    problems: &mut Problems<'_>,
    key: Key<'_>,
    field: Field<Entries>,
    reserved: Reserved,
) -> Result<BTreeMap<String, String>, Noted> {
    let At { value: entries, .. } = problems.fit(key, field)?;
    let mut lines = HashMap::new();
    let labels: Vec<_> = entries
        .into_iter()
        .map(|(key, value)| label(problems, key, value, reserved, &mut lines))
        .collect();
    labels.into_iter().collect()
}

/// One label; `lines` holds the names so far with their lines.
fn label(
    problems: &mut Problems<'_>,
    key: At<String>,
    value: At<Value<Scalar>>,
    reserved: Reserved,
    lines: &mut HashMap<String, u32>,
) -> Result<(String, String), Noted> {
    let At { value: name, place } = key;
    let usable = usable(&name, reserved).map_err(|help| {
        problems.note(
            place,
            format!("{} cannot be the name of a label", quote(&name)),
            help,
        )
    });
    let once = match lines.insert(name.clone(), place.line) {
        Some(line) => Err(problems.note(
            place,
            format!("the label {} is given twice", quote(&name)),
            format!("it was on line {line} before: remove one of the two"),
        )),
        None => Ok(()),
    };
    let entry = Key {
        name: &name,
        example: "zone: a",
        expects: "text",
    };
    let text = problems.text(entry, Field { key: place, value });
    let text = text?.value.into_owned();
    usable.and(once).map(|()| (name, text))
}

/// What to do about a name that Prometheus does not take, or that evenkeel uses itself.
fn usable(name: &str, reserved: Reserved) -> Result<(), &'static str> {
    let mut chars = name.chars();
    let starts = chars
        .next()
        .is_some_and(|char| char == '_' || char.is_ascii_alphabetic());
    if !starts || !chars.all(|char| char == '_' || char.is_ascii_alphanumeric()) {
        return Err("use letters, digits and `_`, and no digit at the start");
    }
    if name.starts_with("__") {
        return Err("Prometheus keeps names that start with `__` to itself: choose another");
    }
    if reserved.names.contains(&name) {
        return Err(reserved.help);
    }
    Ok(())
}
