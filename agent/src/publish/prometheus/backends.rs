//! The families with one series per backend.

use std::collections::BTreeSet;
use std::fmt;

use prometheus_client::encoding::{EncodeLabel, EncodeLabelSet, LabelSetEncoder};

use super::family::{Exposition, Family};
use crate::model::{BackendSpec, BackendState, PoolState, Signal};

type Counter = (Family, fn(&BackendState) -> u64);

const COUNTERS: [Counter; 6] = [
    (
        Family::counter(
            "evenkeel_backend_connections_opened",
            "Connections established with the backend.",
        ),
        |backend| backend.counters.opened,
    ),
    (
        Family::counter(
            "evenkeel_backend_connections_failed",
            "Connection attempts that ended before they were established: refused, timed out, unreachable or cancelled.",
        ),
        |backend| backend.counters.failed,
    ),
    (
        Family::counter(
            "evenkeel_backend_connections_closed",
            "Connections, once counted as opened, that were closed.",
        ),
        |backend| backend.counters.closed,
    ),
    (
        Family::counter(
            "evenkeel_backend_received",
            "Payload bytes that this host received on the backend's connections.",
        )
        .in_bytes(),
        |backend| backend.counters.received,
    ),
    (
        Family::counter(
            "evenkeel_backend_sent",
            "Payload bytes that this host sent on the backend's connections and that were acknowledged.",
        )
        .in_bytes(),
        |backend| backend.counters.sent,
    ),
    (
        Family::counter(
            "evenkeel_backend_retransmits",
            "Segments sent again on the backend's connections.",
        ),
        |backend| backend.counters.retransmits,
    ),
];

const ACTIVE: Family = Family::gauge(
    "evenkeel_backend_connections",
    "Connections open now, those older than the agent included.",
);

const HANDSHAKE: Family = Family::summary(
    "evenkeel_backend_handshake",
    "Time that the handshakes of the backend's connections took, where it was measured.",
)
.in_seconds();

const SHARE: Family = Family::gauge(
    "evenkeel_backend_share",
    "The backend's part of its pool's signal over the last {window}; absent while the pool has none of it.",
)
.as_ratio();

const EXPECTED_SHARE: Family = Family::gauge(
    "evenkeel_backend_expected_share",
    "The part of its pool's traffic that the backend should get by its weight.",
)
.as_ratio();

const INFO: Family = Family::info(
    "evenkeel_backend",
    "What the source of the pool says of the backend; its labels have the prefix label_.",
);

/// Writes all families that have series per backend.
pub(super) fn write(out: &mut Exposition<'_>, pools: &[PoolState]) -> fmt::Result {
    for (family, value) in &COUNTERS {
        let mut samples = out.family(family)?;
        each(pools, |labels, backend| {
            samples.counter(labels, value(backend))
        })?;
    }
    let mut samples = out.family(&ACTIVE)?;
    each(pools, |labels, backend| {
        samples.gauge(labels, backend.active)
    })?;
    let mut samples = out.family(&HANDSHAKE)?;
    each(pools, |labels, backend| {
        let counters = &backend.counters;
        let seconds = counters.handshake_micros as f64 / 1e6;
        samples.summary(labels, seconds, counters.handshakes)
    })?;
    write_shares(out, pools)?;
    write_info(out, pools)
}

fn write_shares(out: &mut Exposition<'_>, pools: &[PoolState]) -> fmt::Result {
    let mut samples = out.family(&SHARE)?;
    each(pools, |[pool, backend_name], backend| {
        for signal in Signal::ALL {
            if let Some(share) = *backend.shares.get(signal) {
                let labels = [*pool, *backend_name, ("signal", signal.as_str())];
                samples.gauge(&labels, share)?;
            }
        }
        Ok(())
    })?;
    let mut samples = out.family(&EXPECTED_SHARE)?;
    for state in pools {
        let pool = &state.pool;
        for (name, share) in pool.names.iter().zip(pool.expected.shares()) {
            let labels = [("pool", pool.spec.name.as_str()), ("backend", name)];
            samples.gauge(&labels, *share)?;
        }
    }
    Ok(())
}

fn write_info(out: &mut Exposition<'_>, pools: &[PoolState]) -> fmt::Result {
    let mut samples = out.family(&INFO)?;
    for state in pools {
        let pool = &state.pool;
        for (name, spec) in pool.names.iter().zip(&pool.spec.backends) {
            samples.info(&InfoLabels {
                pool: &pool.spec.name,
                backend: name,
                role: pool.spec.role.as_str(),
                spec,
            })?;
        }
    }
    Ok(())
}

/// The labels that identify a backend's series.
type Labels<'a> = [(&'a str, &'a str); 2];

/// Calls `visit` for each backend of each pool.
fn each(
    pools: &[PoolState],
    mut visit: impl FnMut(&Labels<'_>, &BackendState) -> fmt::Result,
) -> fmt::Result {
    for state in pools {
        let pool = state.pool.spec.name.as_str();
        for (name, backend) in state.pool.names.iter().zip(&state.backends) {
            visit(&[("pool", pool), ("backend", name)], backend)?;
        }
    }
    Ok(())
}

/// The labels of `evenkeel_backend_info`.
struct InfoLabels<'a> {
    pool: &'a str,
    backend: &'a str,
    role: &'a str,
    spec: &'a BackendSpec,
}

impl EncodeLabelSet for InfoLabels<'_> {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> fmt::Result {
        for label in [
            ("pool", self.pool),
            ("backend", self.backend),
            ("role", self.role),
        ] {
            label.encode(encoder.encode_label())?;
        }
        let mut taken = BTreeSet::new();
        for (key, value) in &self.spec.labels {
            let name = free_name(key, &taken);
            (name.as_str(), value.as_str()).encode(encoder.encode_label())?;
            taken.insert(name);
        }
        Ok(())
    }
}

/// A label name for `key` that is valid and not in `taken`: other characters than letters, digits and `_` become `_`,
/// and of two keys that thereby get the same name the second gets a number.
fn free_name(key: &str, taken: &BTreeSet<String>) -> String {
    let valid = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let plain: String = "label_".chars().chain(key.chars().map(valid)).collect();
    let mut name = plain.clone();
    let mut number = 1;
    while taken.contains(&name) {
        number += 1;
        name = format!("{plain}_{number}");
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_names_are_valid_and_distinct() {
        let mut taken = BTreeSet::new();
        for (key, expected) in [
            ("zone", "label_zone"),
            ("a-b", "label_a_b"),
            ("a.b", "label_a_b_2"),
            ("a_b", "label_a_b_3"),
            ("größe", "label_gr__e"),
            ("", "label_"),
        ] {
            let name = free_name(key, &taken);
            assert_eq!(name, expected, "for {key:?}");
            taken.insert(name);
        }
    }
}
