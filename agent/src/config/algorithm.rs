//! How a pool's balancer spreads connections, in evenkeel's words or in the balancer's own.

use super::place::At;
use super::problems::{Noted, Problems, quote};
use super::shape::{Field, Scalar};
use super::suggest::closest;
use super::value::Key;
use crate::model::{Algorithm, Expectation};

const ALGORITHM: Key<'_> = Key {
    name: "algorithm",
    example: "algorithm: least_conn",
    expects: "the name of an algorithm",
};
const EXPECTED: Key<'_> = Key {
    name: "expected",
    example: "expected: learned",
    expects: "`weights` or `learned`",
};

/// What balancers call their algorithms, in lower case and with `_` for `-`.
const SYNONYMS: [(&str, Algorithm); 20] = [
    ("round_robin", Algorithm::Rotation),
    ("roundrobin", Algorithm::Rotation),
    ("static_rr", Algorithm::Rotation),
    ("wrr", Algorithm::Rotation),
    ("least_conn", Algorithm::LoadDependent),
    ("leastconn", Algorithm::LoadDependent),
    ("least_request", Algorithm::LoadDependent),
    ("least_time", Algorithm::LoadDependent),
    ("random_two", Algorithm::LoadDependent),
    ("p2c", Algorithm::LoadDependent),
    ("ip_hash", Algorithm::KeyDependent),
    ("hash", Algorithm::KeyDependent),
    ("source", Algorithm::KeyDependent),
    ("uri", Algorithm::KeyDependent),
    ("ring_hash", Algorithm::KeyDependent),
    ("maglev", Algorithm::KeyDependent),
    ("sticky", Algorithm::KeyDependent),
    ("consistent", Algorithm::KeyDependent),
    ("priority", Algorithm::PolicyGated),
    ("locality", Algorithm::PolicyGated),
];

/// Every name that is understood, with what it means; evenkeel's own come first.
fn names() -> impl Iterator<Item = (&'static str, Algorithm)> {
    let own = Algorithm::ALL.map(|algorithm| (algorithm.as_str(), algorithm));
    own.into_iter().chain(SYNONYMS)
}

/// The algorithm of a name; balancers write their names in either case (`ROUND_ROBIN`) and with either dash.
pub(crate) fn named(written: &str) -> Option<Algorithm> {
    let written = written.to_lowercase().replace('-', "_");
    let found = names().find(|(name, _)| *name == written);
    found.map(|(_, algorithm)| algorithm)
}

/// `pools[].algorithm`.
pub(super) fn algorithm(
    problems: &mut Problems<'_>,
    field: Field<Scalar>,
) -> Result<Algorithm, Noted> {
    let At { value, place } = problems.text(ALGORITHM, field)?;
    if let Some(algorithm) = named(&value) {
        return Ok(algorithm);
    }
    let known: Vec<_> = names().map(|(name, _)| name).collect();
    let meant =
        closest(&value, &known).map_or(String::new(), |meant| format!("did you mean `{meant}`? "));
    Err(problems.note(
        place,
        format!("{} is not an algorithm that evenkeel knows", quote(&value)),
        format!(
            "{meant}write `rotation`, `random`, `load_dependent`, `key_dependent` or `policy_gated`, \
             or a balancer's name for one of them, such as `round_robin`, `least_conn` or `ip_hash`"
        ),
    ))
}

/// `pools[].expected`.
pub(super) fn expected(
    problems: &mut Problems<'_>,
    field: Field<Scalar>,
) -> Result<Expectation, Noted> {
    let At { value, place } = problems.text(EXPECTED, field)?;
    match &*value {
        "weights" => Ok(Expectation::Weights),
        "learned" => Ok(Expectation::Learned),
        other => {
            let meant = closest(other, &["weights", "learned"])
                .map_or(String::new(), |meant| format!("did you mean `{meant}`? "));
            Err(problems.note(
                place,
                format!("{} is not where shares can be expected from", quote(other)),
                format!(
                    "{meant}write `weights` to compare with the weights of the backends, \
                     `learned` to compare with the pool's own long-run shares"
                ),
            ))
        }
    }
}
