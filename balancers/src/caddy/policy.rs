//! Selection policies: `modules/caddyhttp/reverseproxy/selectionpolicies.go`.

use super::proxy::seconds;
use crate::model::{Algorithm, Basis, Class};
use crate::source::Place;
use crate::yaml::Value;

/// How an upstream is selected.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Policy<'a> {
    Random,
    RandomChoose(u64),
    LeastConn,
    RoundRobin,
    /// The weights, in the order of the upstreams.
    Weighted(Vec<(u64, Place)>),
    First,
    IpHash,
    ClientIpHash,
    UriHash,
    /// The value of a query parameter.
    Query(Key<'a>),
    /// The value of a header.
    Header(Key<'a>),
    Cookie {
        name: &'a str,
        expires: bool,
    },
    /// A plugin's.
    Other(&'a str),
}

/// A key that a request may lack.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Key<'a> {
    pub(super) name: &'a str,
    pub(super) place: Option<Place>,
}

impl<'a> Policy<'a> {
    /// The policy that a `selection_policy` says; without one it is random.
    pub(super) fn of(value: Option<Value<'a>>) -> Self {
        let Some(value) = value else {
            return Self::Random;
        };
        let key = |field: &str| {
            let key = value.get(field);
            Key {
                name: key.and_then(Value::text).unwrap_or_default(),
                place: key.map(Value::place),
            }
        };
        match value
            .get("policy")
            .and_then(Value::text)
            .unwrap_or_default()
        {
            "random" => Self::Random,
            "random_choose" => {
                let choose = value.get("choose").and_then(Value::whole);
                Self::RandomChoose(choose.filter(|choose| *choose > 0).unwrap_or(2))
            }
            "least_conn" => Self::LeastConn,
            "round_robin" => Self::RoundRobin,
            "weighted_round_robin" => {
                // Caddy takes whole numbers that are not negative.
                let weight = |item: Value<'_>| (item.whole().unwrap_or(0), item.place());
                Self::Weighted(value.list("weights").map(weight).collect())
            }
            "first" => Self::First,
            "ip_hash" => Self::IpHash,
            "client_ip_hash" => Self::ClientIpHash,
            "uri_hash" => Self::UriHash,
            "query" => Self::Query(key("key")),
            "header" => Self::Header(key("field")),
            "cookie" => Self::Cookie {
                name: value.get("name").and_then(Value::text).unwrap_or("lb"),
                expires: value
                    .get("max_age")
                    .and_then(seconds)
                    .is_some_and(|age| age > 0.0),
            },
            other => Self::Other(other),
        }
    }

    /// What is told of it.
    pub(super) fn algorithm(&self) -> Algorithm {
        let (name, class) = match self {
            Self::Random => ("random".to_owned(), Class::Random),
            Self::RandomChoose(choose) => (format!("random_choose {choose}"), Class::LoadDependent),
            Self::LeastConn => ("least_conn".to_owned(), Class::LoadDependent),
            Self::RoundRobin => ("round_robin".to_owned(), Class::Rotation),
            Self::Weighted(_) => ("weighted_round_robin".to_owned(), Class::Rotation),
            Self::First => ("first".to_owned(), Class::PolicyGated),
            Self::IpHash => ("ip_hash".to_owned(), Class::KeyDependent),
            Self::ClientIpHash => ("client_ip_hash".to_owned(), Class::KeyDependent),
            Self::UriHash => ("uri_hash".to_owned(), Class::KeyDependent),
            Self::Query(key) => (format!("query {}", key.name), Class::KeyDependent),
            Self::Header(key) => (format!("header {}", key.name), Class::KeyDependent),
            Self::Cookie { name, .. } => (format!("cookie {name}"), Class::KeyDependent),
            Self::Other(name) => ((*name).to_owned(), Class::PolicyGated),
        };
        Algorithm::new(name, class)
    }

    /// Of what the shares are parts.
    pub(super) fn basis(&self) -> Basis {
        match self.algorithm().class {
            Class::LoadDependent => Basis::InProgress,
            Class::KeyDependent => Basis::Keys,
            _ => Basis::Arrivals,
        }
    }

    /// Whether the upstream with the highest hash of its address and a key is taken (`hostByHashing`).
    pub(super) fn is_hash(&self) -> bool {
        matches!(
            self,
            Self::IpHash | Self::ClientIpHash | Self::UriHash | Self::Query(_) | Self::Header(_)
        )
    }
}
