//! Checks one backend of a pool.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;

use super::address;
use super::place::At;
use super::problems::{Noted, Problems, quote};
use super::raw;
use super::shape::{Entries, Field, Scalar, Value};
use super::value::Key;
use crate::model::{BackendSpec, Weight};

const BACKEND: Key<'_> = Key {
    name: "a backend",
    example: "- address: 10.0.0.11:8080",
    expects: "a mapping",
};
const ADDRESS: Key<'_> = Key {
    name: "address",
    example: "address: 10.0.0.11:8080",
    expects: "an IP address and a port",
};
const WEIGHT: Key<'_> = Key {
    name: "weight",
    example: "weight: 3",
    expects: "a number",
};
const LABELS: Key<'_> = Key {
    name: "labels",
    example: "labels: {zone: a}",
    expects: "a mapping",
};

/// Label names that evenkeel's own series use.
const RESERVED: [&str; 4] = ["pool", "backend", "role", "signal"];

/// One backend; `lines` holds the addresses of the pool so far with their lines.
pub(super) fn backend(
    problems: &mut Problems<'_>,
    item: At<Value<raw::Backend>>,
    lines: &mut HashMap<SocketAddr, u32>,
) -> Result<BackendSpec, Noted> {
    let At { value, place } = problems.item(BACKEND, item)?;
    let (backend, slips) = problems.admit(value);
    let address = match backend.address {
        Some(field) => address(problems, field, lines),
        None => Err(problems.missing(ADDRESS, BACKEND, place, &slips)),
    };
    let weight = backend
        .weight
        .map_or(Ok(Weight::ONE), |field| weight(problems, field));
    let labels = backend
        .labels
        .map_or_else(|| Ok(BTreeMap::new()), |field| labels(problems, field));
    Ok(BackendSpec {
        address: address?,
        netns: None,
        weight: weight?,
        labels: labels?,
    })
}

fn address(
    problems: &mut Problems<'_>,
    field: Field<Scalar>,
    lines: &mut HashMap<SocketAddr, u32>,
) -> Result<SocketAddr, Noted> {
    let At { value, place } = problems.text(ADDRESS, field)?;
    let address = address::backend(&value)
        .map_err(|fault| problems.note(place, fault.message, fault.help))?;
    if let Some(line) = lines.insert(address, place.line) {
        lines.insert(address, line);
        return Err(problems.note(
            place,
            format!("{address} is in this pool already"),
            format!("it is on line {line}: remove one of the two"),
        ));
    }
    Ok(address)
}

fn weight(problems: &mut Problems<'_>, field: Field<Scalar>) -> Result<Weight, Noted> {
    let At { value, place } = problems.number(WEIGHT, field)?;
    Weight::new(value).ok_or_else(|| {
        if value == 0.0 {
            problems.note(
                place,
                "a backend of weight 0 is not part of its pool",
                "remove the backend, or give it the weight that it has in the balancer",
            )
        } else {
            problems.note(
                place,
                "a weight must be a finite number greater than 0",
                "write the weight that the backend has in the balancer, like `weight: 3`",
            )
        }
    })
}

fn labels(
    problems: &mut Problems<'_>,
    field: Field<Entries>,
) -> Result<BTreeMap<String, String>, Noted> {
    let At { value: entries, .. } = problems.fit(LABELS, field)?;
    let mut lines = HashMap::new();
    let labels: Vec<_> = entries
        .into_iter()
        .map(|(key, value)| label(problems, key, value, &mut lines))
        .collect();
    labels.into_iter().collect()
}

/// One label; `lines` holds the names so far with their lines.
fn label(
    problems: &mut Problems<'_>,
    key: At<String>,
    value: At<Value<Scalar>>,
    lines: &mut HashMap<String, u32>,
) -> Result<(String, String), Noted> {
    let At { value: name, place } = key;
    let usable = usable(&name).map_err(|help| {
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
fn usable(name: &str) -> Result<(), &'static str> {
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
    if RESERVED.contains(&name) {
        return Err("evenkeel's own series have a label of this name: choose another");
    }
    Ok(())
}
