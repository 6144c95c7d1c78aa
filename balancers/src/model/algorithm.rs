//! How a pool's balancer chooses.

use std::fmt;

use serde::Serialize;

/// An algorithm: the product's name for it, and what may be expected of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Algorithm {
    /// As the product calls it, with what decides: `least_conn`, `hash $request_uri consistent`.
    pub name: String,
    /// What may be expected of it.
    pub class: Class,
}

impl Algorithm {
    /// An algorithm.
    pub fn new(name: impl Into<String>, class: Class) -> Self {
        Self {
            name: name.into(),
            class,
        }
    }
}

/// What may be expected of an algorithm; the names are those of `algorithm` in the agent's configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// In turn, by weight. New connections follow the weights, up to one per independent scheduler.
    Rotation,
    /// By lot, by weight. New connections follow the weights as closely as chance permits.
    Random,
    /// To the server with the least load. Open connections follow the weights, new ones need not.
    LoadDependent,
    /// By a key of the client or the request. Shares follow the keys, and the part of the keys' range each server has.
    KeyDependent,
    /// By priority, locality or health before anything else.
    PolicyGated,
}

impl Class {
    /// The name that users read and write.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rotation => "rotation",
            Self::Random => "random",
            Self::LoadDependent => "load_dependent",
            Self::KeyDependent => "key_dependent",
            Self::PolicyGated => "policy_gated",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
