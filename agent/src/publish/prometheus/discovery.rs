//! The families about the sources of pools, and about members of pools that should get no traffic.

use std::fmt;
use std::time::SystemTime;

use super::agent::since_epoch;
use super::family::{Exposition, Family};
use crate::discovery::{DiscoveryStatus, SourceStatus};
use crate::model::{PoolState, Source, StandbyState, State};

const LAST_SUCCESS: Family = Family::gauge(
    "evenkeel_discovery_last_success_timestamp",
    "When the source of pools last answered, or was first asked if it never did, since the Unix epoch; absent for sources \
     that are not in use. Since when one of its files cannot be read, if there is one.",
)
.in_seconds();
const FAILURES: Family = Family::counter(
    "evenkeel_discovery_failures",
    "Times that the source of pools was asked and could not be read.",
);
const STALE_FILES: Family = Family::gauge(
    "evenkeel_discovery_stale_files",
    "Files of the source that cannot be read, while others can; what each said last stays in force.",
);
const BACKENDS: Family = Family::gauge(
    "evenkeel_discovery_backends",
    "Backends that the source of pools told last.",
);
const LEFT_OUT: Family = Family::gauge(
    "evenkeel_discovery_left_out",
    "Members of discovered pools that are not watched because the kernel's map has no room for them.",
);

const STANDBY_OPENED: Family = Family::counter(
    "evenkeel_standby_connections_opened",
    "Connections established with a member of a pool that should get none.",
);
const STANDBY_ACTIVE: Family = Family::gauge(
    "evenkeel_standby_connections",
    "Connections open now with a member of a pool that should get no new ones.",
);

/// Writes the families.
pub(super) fn write(
    out: &mut Exposition<'_>,
    state: &State,
    discovery: &DiscoveryStatus,
) -> fmt::Result {
    let sources = &discovery.sources;
    let mut samples = out.family(&LAST_SUCCESS)?;
    let mut answered = |source: Source, at: SystemTime| {
        samples.gauge(&[("source", source.as_str())], since_epoch(at))
    };
    for status in sources {
        answered(status.source, status.fresh())?;
    }
    let asked = |status: &SourceStatus| status.source == Source::Auto;
    if state.kernel.learning && !sources.iter().any(asked) {
        answered(Source::Auto, state.taken)?;
    }
    let mut samples = out.family(&FAILURES)?;
    for status in sources {
        samples.counter(&[("source", status.source.as_str())], status.failures)?;
    }
    let mut samples = out.family(&STALE_FILES)?;
    for status in sources {
        samples.gauge(
            &[("source", status.source.as_str())],
            status.stale.len() as u64,
        )?;
    }
    let mut samples = out.family(&BACKENDS)?;
    for status in sources {
        samples.gauge(
            &[("source", status.source.as_str())],
            status.backends as u64,
        )?;
    }
    out.gauge(&LEFT_OUT, discovery.left_out)?;
    write_standby(out, &state.pools)
}

fn write_standby(out: &mut Exposition<'_>, pools: &[PoolState]) -> fmt::Result {
    let mut samples = out.family(&STANDBY_OPENED)?;
    for (labels, now) in pools.iter().flat_map(standby) {
        samples.counter(&labels, now.counters.opened)?;
    }
    let mut samples = out.family(&STANDBY_ACTIVE)?;
    for (labels, now) in pools.iter().flat_map(standby) {
        samples.gauge(&labels, now.active)?;
    }
    Ok(())
}

type Labels<'a> = [(&'static str, &'a str); 3];

fn standby(pool: &PoolState) -> impl Iterator<Item = (Labels<'_>, &StandbyState)> {
    let described = &pool.pool;
    let members = described.standby_names.iter().zip(&described.spec.standby);
    members.zip(&pool.standby).map(|((name, spec), now)| {
        let labels = [
            ("pool", described.spec.name.as_str()),
            ("backend", name.as_str()),
            ("why", spec.why.as_str()),
        ];
        (labels, now)
    })
}
