//! `split_clients`: shares among upstreams, as pools whose servers are values of a variable.

use std::collections::{BTreeMap, BTreeSet};

use super::config::{Config, Split};
use super::token::Word;
use crate::model::{
    Address, Algorithm, Basis, Class, Comparability, Origin, Pool, Scheduling, Server, Share,
    Shares, State, Target,
};
use crate::product::Product;
use crate::shares::Formula;

/// `split_clients` whose variable decides where traffic goes.
pub(super) fn splits(config: &Config) -> Vec<Pool> {
    let words = config.passes.iter().map(|pass| pass.word.text.as_str());
    let used: BTreeSet<&str> = words.flat_map(variables).collect();
    let sends = |split: &&Split| variables(&split.variable.text).any(|name| used.contains(name));
    config.splits.iter().filter(sends).map(split_pool).collect()
}

/// The names of the variables in a word, without `$` and braces.
pub(super) fn variables(word: &str) -> impl Iterator<Item = &str> {
    word.split('$').skip(1).map(|part| {
        let bare = part.strip_prefix('{').unwrap_or(part);
        let end = bare.find(|char: char| !char.is_ascii_alphanumeric() && char != '_');
        &bare[..end.unwrap_or(bare.len())]
    })
}

/// Shares are those of keys, hashed evenly by `MurmurHash2` (`src/http/modules/ngx_http_split_clients_module.c`).
fn split_pool(split: &Split) -> Pool {
    let given: f64 = split.parts.iter().filter_map(|(percent, _)| *percent).sum();
    let share =
        |(percent, _): &(Option<f64>, _)| Share::exactly(percent.unwrap_or(100.0 - given) / 100.0);
    let server = |(percent, word): &(Option<f64>, Word)| Server {
        name: Some(word.text.clone()),
        address: Address {
            written: word.text.clone(),
            target: Target::Unknown,
        },
        weight: percent.unwrap_or(100.0 - given).max(0.0),
        state: State::InRotation,
        max_connections: None,
        labels: BTreeMap::new(),
        place: word.place,
    };
    Pool {
        name: split.variable.text.clone(),
        product: Product::Nginx,
        origin: Origin::Split,
        traffic: split.traffic,
        place: split.variable.place,
        algorithm: Algorithm::new(
            format!("split_clients {}", split.key.text),
            Class::KeyDependent,
        ),
        formula: Some(Formula::Weight),
        scheduling: Scheduling::Shared,
        comparability: Comparability::Exact,
        servers: split.parts.iter().map(server).collect(),
        shares: Shares {
            of: Basis::Keys,
            servers: split.parts.iter().map(share).collect(),
        },
        used: true,
        notes: Vec::new(),
    }
}
