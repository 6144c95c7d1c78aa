//! Checks one backend of a pool.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;

use super::address;
use super::labels::{Reserved, labels};
use super::place::At;
use super::problems::{Noted, Problems};
use super::raw;
use super::shape::{Field, Scalar, Value};
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
const RESERVED: Reserved = Reserved {
    names: &["pool", "backend", "role", "signal"],
    help: "evenkeel's own series have a label of this name: choose another",
};

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
    let labels = backend.labels.map_or_else(
        || Ok(BTreeMap::new()),
        |field| labels(problems, LABELS, field, RESERVED),
    );
    Ok(BackendSpec {
        identity: None,
        address: address?,
        netns: None,
        weight: weight?,
        share: None,
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
