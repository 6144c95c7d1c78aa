//! Checks pools.

use std::collections::HashMap;

use evenkeel_skew::{Expected, WeightError};

use super::MAX_BACKENDS;
use super::algorithm::{algorithm, expected};
use super::backend;
use super::detection::tolerance;
use super::place::{At, Place};
use super::problems::{Noted, Problems, quote};
use super::raw;
use super::shape::{Field, Items, Scalar, Value};
use super::suggest::closest;
use super::value::Key;
use crate::model::{Algorithm, BackendSpec, PoolSpec, Role, Source};

const POOLS: Key<'_> = Key {
    name: "pools",
    example: "pools: [{name: shop, backends: [{address: 10.0.0.11:8080}]}]",
    expects: "a list",
};
const POOL: Key<'_> = Key {
    name: "a pool",
    example: "- name: shop",
    expects: "a mapping",
};
const NAME: Key<'_> = Key {
    name: "name",
    example: "name: checkout",
    expects: "text",
};
const ROLE: Key<'_> = Key {
    name: "role",
    example: "role: upstream",
    expects: "`upstream` or `local`",
};
const BACKENDS: Key<'_> = Key {
    name: "backends",
    example: "backends: [{address: 10.0.0.11:8080}]",
    expects: "a list",
};
/// Longer names do not fit on a page or into a query.
const LONGEST_NAME: usize = 128;

/// All pools without errors.
pub(super) fn pools(problems: &mut Problems<'_>, field: Field<Items<raw::Pool>>) -> Vec<PoolSpec> {
    let key = field.key;
    let Ok(At { value: items, .. }) = problems.fit(POOLS, field) else {
        return Vec::new();
    };
    let backends = count(&items);
    if backends > MAX_BACKENDS {
        problems.note(
            key,
            format!("there are {backends} backends, and one agent watches at most {MAX_BACKENDS}"),
            "spread the pools over several agents",
        );
        return Vec::new();
    }
    let mut names = HashMap::new();
    items
        .kept
        .into_iter()
        .filter_map(|item| pool(problems, item, &mut names).ok())
        .collect()
}

/// How many backends there are at least, over all pools.
fn count(pools: &Items<raw::Pool>) -> usize {
    let backends = |pool: &At<Value<raw::Pool>>| match &pool.value {
        Value::Fits(raw::Pool {
            backends: Some(field),
            ..
        }) => match &field.value.value {
            Value::Fits(items) => items.total,
            Value::Misfit(_) => 0,
        },
        _ => 0,
    };
    let beyond = pools.total - pools.kept.len();
    pools.kept.iter().map(backends).sum::<usize>() + beyond
}

/// One pool; `names` holds the names so far with their lines.
fn pool(
    problems: &mut Problems<'_>,
    item: At<Value<raw::Pool>>,
    names: &mut HashMap<String, u32>,
) -> Result<PoolSpec, Noted> {
    let At { value, place } = problems.item(POOL, item)?;
    let (pool, slips) = problems.admit(value);
    let name = match pool.name {
        Some(field) => name(problems, field, names),
        None => Err(problems.missing(NAME, POOL, place, &slips)),
    };
    let role = pool
        .role
        .map_or(Ok(Role::Upstream), |field| role(problems, field));
    let algorithm = pool
        .algorithm
        .map_or(Ok(Algorithm::default()), |field| algorithm(problems, field));
    let expected = pool
        .expected
        .map(|field| expected(problems, field))
        .transpose();
    let tolerance = pool
        .tolerance
        .map(|field| tolerance(problems, field))
        .transpose();
    let backends = match pool.backends {
        Some(field) => backends(problems, field),
        None => Err(problems.missing(BACKENDS, POOL, place, &slips)),
    };
    Ok(PoolSpec {
        name: name?,
        role: role?,
        source: Source::Config,
        tolerance: tolerance?,
        algorithm: algorithm?,
        expected: expected?,
        standby: Vec::new(),
        findings: Vec::new(),
        backends: backends?,
    })
}

fn name(
    problems: &mut Problems<'_>,
    field: Field<Scalar>,
    names: &mut HashMap<String, u32>,
) -> Result<String, Noted> {
    let At { value, place } = problems.text(NAME, field)?;
    let name = value.into_owned();
    if name.trim().is_empty() {
        return Err(problems.note(
            place,
            "the name of a pool is empty",
            "name it after the service, like `name: checkout`",
        ));
    }
    if name.len() > LONGEST_NAME {
        let message = format!("the name of a pool has {} bytes", name.len());
        let help = format!("use at most {LONGEST_NAME} bytes");
        return Err(problems.note(place, message, help));
    }
    if name.chars().any(char::is_control) {
        return Err(problems.note(
            place,
            "the name of a pool holds a control character",
            "use letters, digits, punctuation and spaces, on one line",
        ));
    }
    if let Some(line) = names.get(&name) {
        let message = format!("a second pool is named {}", quote(&name));
        let help = format!("the first is on line {line}: give each pool a name of its own");
        return Err(problems.note(place, message, help));
    }
    names.insert(name.clone(), place.line);
    Ok(name)
}

/// A role, of one pool or of all of a source.
pub(super) fn role(problems: &mut Problems<'_>, field: Field<Scalar>) -> Result<Role, Noted> {
    let At { value, place } = problems.text(ROLE, field)?;
    match &*value {
        "upstream" => Ok(Role::Upstream),
        "local" => Ok(Role::Local),
        other => {
            let meant = closest(other, &["upstream", "local"])
                .map_or(String::new(), |meant| format!("did you mean `{meant}`? "));
            Err(problems.note(
                place,
                format!("{} is not a role", quote(other)),
                format!(
                    "{meant}write `upstream` for connections that this host opens to the backends, \
                     `local` for those that backends on this host accept"
                ),
            ))
        }
    }
}

fn backends(
    problems: &mut Problems<'_>,
    field: Field<Items<raw::Backend>>,
) -> Result<Vec<BackendSpec>, Noted> {
    let key = field.key;
    let At { value: items, .. } = problems.fit(BACKENDS, field)?;
    if items.kept.is_empty() {
        return Err(problems.note(
            key,
            "this pool has no backends",
            "list at least one, like `- address: 10.0.0.11:8080`, or remove the pool",
        ));
    }
    let mut lines = HashMap::with_capacity(items.kept.len());
    let places: Vec<_> = items.kept.iter().map(|item| item.place).collect();
    let backends: Vec<_> = items
        .kept
        .into_iter()
        .map(|item| backend::backend(problems, item, &mut lines))
        .collect();
    let backends: Vec<BackendSpec> = backends.into_iter().collect::<Result<_, _>>()?;
    shares(problems, &backends, &places)?;
    Ok(backends)
}

/// Checks that every backend has a share to expect, which a weight that is sound by itself does not ensure.
fn shares(
    problems: &mut Problems<'_>,
    backends: &[BackendSpec],
    places: &[Place],
) -> Result<(), Noted> {
    let weights: Vec<f64> = backends
        .iter()
        .map(|backend| backend.weight.get())
        .collect();
    let Err(error) = Expected::from_weights(&weights) else {
        return Ok(());
    };
    let index = match error {
        WeightError::NotPositive { index, .. } | WeightError::Negligible { index, .. } => index,
        WeightError::Empty => 0,
    };
    let Some(place) = places.get(index) else {
        return Ok(());
    };
    Err(problems.note(
        *place,
        "the weight of this backend is negligible beside those of the others",
        "no share can be expected of it: compare the weights with those of the balancer",
    ))
}
