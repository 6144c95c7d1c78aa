//! How a cluster's balancer is configured: `lb_policy` with its companions, or `load_balancing_policy`.

use crate::shares::{ENVOY_MAGLEV_TABLE, EnvoyHash};
use crate::source::Place;
use crate::yaml::Value;

/// An algorithm with its settings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind<'a> {
    RoundRobin,
    LeastRequest {
        choices: u64,
        full_scan: bool,
        bias: f64,
    },
    Random,
    RingHash {
        minimum: u64,
        maximum: u64,
        hash: EnvoyHash,
    },
    Maglev {
        table: u64,
    },
    /// Weights that servers report while they run.
    Reported,
    PickFirst,
    /// The cluster, or an extension, decides in ways of its own.
    Other(&'a str),
}

/// An algorithm, and what is put around it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Policy<'a> {
    pub(super) kind: Kind<'a>,
    /// The words that choose it.
    pub(super) place: Place,
    /// Whether the weights of localities count.
    pub(super) by_locality: Option<Place>,
    pub(super) zone_aware: Option<Value<'a>>,
    pub(super) slow_start: Option<Value<'a>>,
    pub(super) subsets: Option<Value<'a>>,
    pub(super) consistent: Option<Value<'a>>,
    /// The place of the ring's or table's size.
    pub(super) size: Option<Place>,
    /// Whether clients may name the host (`override_host`).
    pub(super) overridden: bool,
}

impl Kind<'_> {
    /// As Envoy's `lb_policy` calls it.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::RoundRobin => "ROUND_ROBIN",
            Self::LeastRequest { .. } => "LEAST_REQUEST",
            Self::Random => "RANDOM",
            Self::RingHash { .. } => "RING_HASH",
            Self::Maglev { .. } => "MAGLEV",
            Self::Reported => "CLIENT_SIDE_WEIGHTED_ROUND_ROBIN",
            Self::PickFirst => "PICK_FIRST",
            Self::Other(name) => name,
        }
    }

    /// Whether a hash of the request decides.
    pub(super) fn is_hash(&self) -> bool {
        matches!(self, Self::RingHash { .. } | Self::Maglev { .. })
    }
}

/// The policy of a cluster.
pub(super) fn policy(cluster: Value<'_>, place: Place) -> Policy<'_> {
    let typed = cluster.at(&["load_balancing_policy", "policies"]);
    if let Some(policy) = typed.and_then(first) {
        return policy;
    }
    legacy(cluster, place)
}

fn empty(kind: Kind<'_>, place: Place) -> Policy<'_> {
    Policy {
        kind,
        place,
        by_locality: None,
        zone_aware: None,
        slow_start: None,
        subsets: None,
        consistent: None,
        size: None,
        overridden: false,
    }
}

/// The first policy that is known; Envoy takes the first that it knows itself.
fn first(policies: Value<'_>) -> Option<Policy<'_>> {
    let mut configs = policies
        .items()
        .filter_map(|item| item.get("typed_extension_config"));
    let config = configs.next()?;
    Some(extension(config))
}

fn extension(extension: Value<'_>) -> Policy<'_> {
    let name = extension.get("name");
    let config = extension.get("typed_config").unwrap_or(extension);
    let place = name.unwrap_or(extension).place();
    let kind = config
        .get("@type")
        .and_then(Value::text)
        .unwrap_or_default();
    let kind = kind.rsplit('.').next().unwrap_or_default();
    let nested = |key: &str| config.at(&[key, "policies"]).and_then(first);
    let named = name.and_then(Value::text).unwrap_or("extension");
    let outer = match kind {
        "WrrLocality" => {
            let inner =
                nested("endpoint_picking_policy").unwrap_or_else(|| empty(Kind::RoundRobin, place));
            return Policy {
                by_locality: Some(place),
                ..inner
            };
        }
        "Subset" => {
            let inner =
                nested("subset_lb_policy").unwrap_or_else(|| empty(Kind::RoundRobin, place));
            return Policy {
                subsets: Some(config),
                ..inner
            };
        }
        "OverrideHost" => {
            let inner =
                nested("fallback_policy").unwrap_or_else(|| empty(Kind::Other(named), place));
            return Policy {
                overridden: true,
                ..inner
            };
        }
        "RoundRobin" => Kind::RoundRobin,
        "LeastRequest" => least_request(Some(config)),
        "Random" => Kind::Random,
        "RingHash" => ring(Some(config)),
        "Maglev" => maglev(Some(config)),
        "ClientSideWeightedRoundRobin" => Kind::Reported,
        "PickFirst" => Kind::PickFirst,
        _ => Kind::Other(named),
    };
    let locality = config.get("locality_lb_config").unwrap_or(config);
    Policy {
        by_locality: locality
            .entry("locality_weighted_lb_config")
            .map(|entry| entry.key.place()),
        zone_aware: locality.get("zone_aware_lb_config"),
        slow_start: config.get("slow_start_config"),
        consistent: config.get("consistent_hashing_lb_config"),
        size: size(config),
        ..empty(outer, place)
    }
}

/// `lb_policy`, which is `ROUND_ROBIN` unless written, with settings in fields of the cluster.
fn legacy(cluster: Value<'_>, place: Place) -> Policy<'_> {
    let written = cluster.get("lb_policy");
    let name = written.and_then(Value::text).unwrap_or("ROUND_ROBIN");
    let settings = match name {
        "ROUND_ROBIN" => "round_robin_lb_config",
        "LEAST_REQUEST" => "least_request_lb_config",
        "RING_HASH" => "ring_hash_lb_config",
        "MAGLEV" => "maglev_lb_config",
        _ => "original_dst_lb_config",
    };
    let config = cluster.get(settings);
    let kind = match name {
        "ROUND_ROBIN" => Kind::RoundRobin,
        "LEAST_REQUEST" => least_request(config),
        "RANDOM" => Kind::Random,
        "RING_HASH" => ring(config),
        "MAGLEV" => maglev(config),
        other => Kind::Other(other),
    };
    let common = |key: &str| {
        cluster
            .get("common_lb_config")
            .and_then(|common| common.entry(key))
    };
    Policy {
        by_locality: common("locality_weighted_lb_config").map(|entry| entry.key.place()),
        zone_aware: common("zone_aware_lb_config").map(|entry| entry.value),
        slow_start: config.and_then(|config| config.get("slow_start_config")),
        subsets: cluster.get("lb_subset_config"),
        consistent: common("consistent_hashing_lb_config").map(|entry| entry.value),
        size: config.and_then(size),
        ..empty(kind, written.map_or(place, Value::place))
    }
}

fn size(config: Value<'_>) -> Option<Place> {
    let keys = ["minimum_ring_size", "table_size", "maximum_ring_size"];
    keys.iter()
        .find_map(|key| config.get(key))
        .map(Value::place)
}

fn least_request(config: Option<Value<'_>>) -> Kind<'_> {
    let get = |key: &str| config.and_then(|config| config.get(key));
    let bias = get("active_request_bias").and_then(|bias| bias.get("default_value"));
    Kind::LeastRequest {
        choices: get("choice_count").and_then(Value::whole).unwrap_or(2),
        full_scan: get("selection_method").and_then(Value::text) == Some("FULL_SCAN"),
        bias: bias.and_then(Value::number).unwrap_or(1.0),
    }
}

/// Defaults of `RingHashLoadBalancer`: 1024 and 8 M.
fn ring(config: Option<Value<'_>>) -> Kind<'_> {
    let get = |key: &str| config.and_then(|config| config.get(key));
    let hash = match get("hash_function").and_then(Value::text) {
        Some("MURMUR_HASH_2") => EnvoyHash::Murmur2,
        _ => EnvoyHash::XxHash,
    };
    Kind::RingHash {
        minimum: get("minimum_ring_size")
            .and_then(Value::whole)
            .unwrap_or(1024),
        maximum: get("maximum_ring_size")
            .and_then(Value::whole)
            .unwrap_or(8 << 20),
        hash,
    }
}

fn maglev(config: Option<Value<'_>>) -> Kind<'_> {
    let table = config
        .and_then(|config| config.get("table_size"))
        .and_then(Value::whole);
    Kind::Maglev {
        table: table.unwrap_or(ENVOY_MAGLEV_TABLE),
    }
}
