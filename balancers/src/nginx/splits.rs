//! `split_clients`: shares among upstreams, as pools whose servers are values of a variable.

use std::collections::BTreeSet;

use super::config::{Config, Split};
use super::token::Word;
use crate::model::{Algorithm, Basis, Class, Comparability, Pool, Server, Share, Shares};
use crate::product::Product;

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
    let part = |(percent, word): &(Option<f64>, Word)| {
        Server::pool(
            &word.text,
            percent.unwrap_or(100.0 - given).max(0.0),
            word.place,
        )
    };
    let algorithm = Algorithm::new(
        format!("split_clients {}", split.key.text),
        Class::KeyDependent,
    );
    let variable = &split.variable;
    let pool = Pool::new(
        Product::Nginx,
        variable.text.as_str(),
        split.traffic,
        variable.place,
        algorithm,
    );
    Pool {
        comparability: Comparability::Exact,
        // What is given to nobody is lost, so they need not sum to 1.
        shares: Shares {
            of: Basis::Keys,
            servers: split.parts.iter().map(share).collect(),
        },
        ..pool.split_among(split.parts.iter().map(part).collect())
    }
}
