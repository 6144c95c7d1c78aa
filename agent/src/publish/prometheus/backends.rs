//! The families with one series per backend.

use std::collections::BTreeSet;
use std::fmt;

use prometheus_client::encoding::{EncodeLabel, EncodeLabelSet, LabelSetEncoder};

use super::family::{Exposition, Family};
use super::identity::{Identities, Rendered};
use crate::model::{BackendSpec, BackendState, Pool, PoolState, Signal};

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
    "The part of its pool's traffic that the backend should get, by its weight or as it was learned.",
)
.as_ratio();

const WEIGHT: Family = Family::gauge(
    "evenkeel_backend_weight",
    "The backend's weight in the units of the pool's source, from which expected shares are computed unless they are learned.",
);

const INFO: Family = Family::info(
    "evenkeel_backend",
    "What the source of the pool says of the backend; its labels have the prefix label_.",
);

/// Writes the families about what backends did and should do.
pub(super) fn write(
    out: &mut Exposition<'_>,
    pools: &[PoolState],
    identities: &Identities,
) -> fmt::Result {
    let series = || each(pools, identities);
    for (family, value) in &COUNTERS {
        let mut samples = out.family(family)?;
        for Series { identity, now, .. } in series() {
            samples.counter(&[identity], value(now))?;
        }
    }
    let mut samples = out.family(&ACTIVE)?;
    for Series { identity, now, .. } in series() {
        samples.gauge(&[identity], now.active)?;
    }
    let mut samples = out.family(&HANDSHAKE)?;
    for Series { identity, now, .. } in series() {
        let seconds = now.counters.handshake_micros as f64 / 1e6;
        samples.summary(&[identity], seconds, now.counters.handshakes)?;
    }
    write_shares(out, series())?;
    let mut samples = out.family(&EXPECTED_SHARE)?;
    for series in series() {
        samples.gauge(&[series.identity], series.now.expected_share)?;
    }
    let mut samples = out.family(&WEIGHT)?;
    let weights = pools.iter().flat_map(|state| state.pool.spec.parts());
    for (series, weight) in series().zip(weights) {
        samples.gauge(&[series.identity], weight)?;
    }
    let mut samples = out.family(&INFO)?;
    for series in series() {
        samples.info(&InfoLabels {
            identity: series.identity,
            role: series.pool.spec.role.as_str(),
            spec: &series.pool.spec.backends[series.place],
        })?;
    }
    Ok(())
}

fn write_shares<'a>(
    out: &mut Exposition<'_>,
    all: impl Iterator<Item = Series<'a>>,
) -> fmt::Result {
    let signals = Signal::ALL.map(|signal| (signal, format!("signal=\"{}\"", signal.as_str())));
    let mut samples = out.family(&SHARE)?;
    for Series { identity, now, .. } in all {
        for (signal, label) in &signals {
            if let Some(share) = *now.shares.get(*signal) {
                samples.gauge(&[identity, Rendered(label)], share)?;
            }
        }
    }
    Ok(())
}

/// What a backend's series show.
struct Series<'a> {
    identity: Rendered<'a>,
    pool: &'a Pool,
    /// The backend's place in the pool.
    place: usize,
    now: &'a BackendState,
}

/// The series of each backend of each pool.
fn each<'a>(
    pools: &'a [PoolState],
    identities: &'a Identities,
) -> impl Iterator<Item = Series<'a>> {
    let backends = pools.iter().flat_map(|state| {
        let numbered = state.backends.iter().enumerate();
        numbered.map(|(place, now)| (&*state.pool, place, now))
    });
    let identified = identities.iter().zip(backends);
    identified.map(|(identity, (pool, place, now))| Series {
        identity,
        pool,
        place,
        now,
    })
}

/// The labels of `evenkeel_backend_info`.
struct InfoLabels<'a> {
    identity: Rendered<'a>,
    role: &'a str,
    spec: &'a BackendSpec,
}

impl EncodeLabelSet for InfoLabels<'_> {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> fmt::Result {
        self.identity.encode(encoder.encode_label())?;
        ("role", self.role).encode(encoder.encode_label())?;
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
