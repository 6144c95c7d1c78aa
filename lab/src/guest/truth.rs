//! What the agent's numbers must be.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};

use crate::agent::Pool;
use crate::ledger::{Column, Ledger, Tally};

/// What happened since the agent started, and how many connections are open now.
#[derive(Clone, Debug, Default)]
pub(super) struct Truth {
    ledger: Ledger,
    older: u64,
    /// Bytes of `ledger` that the agent need not have seen.
    unseen: Ledger,
}

impl Truth {
    /// Adds what was done since the agent started.
    pub(super) fn add(&mut self, ledger: &Ledger) {
        self.ledger.merge(ledger);
    }

    /// Adds connections older than the agent, that were at `before` when it started: their bytes since then count, neither
    /// their opening nor their end does.
    pub(super) fn add_older(&mut self, before: &Ledger, now: &Ledger) {
        self.older += now.total().open();
        self.ledger.merge(&bytes_since(before, now));
    }

    /// Notes that older connections went from `visited` to `now` and closed: the hook was never asked to tell of their
    /// end, so that what they carried after the last visit may be missing.
    pub(super) fn older_closed(&mut self, visited: &Ledger, now: &Ledger) {
        self.unseen.merge(&bytes_since(visited, now));
    }

    /// The truth about each port's backends, for pools that are one per port.
    pub(super) fn by_port(&self) -> BTreeMap<u16, Self> {
        let mut ports = BTreeMap::<u16, Self>::new();
        for (backend, tally) in self.ledger.iter() {
            *ports
                .entry(backend.port())
                .or_default()
                .ledger
                .tally(backend) += *tally;
        }
        ports
    }

    /// All backends together.
    pub(super) fn total(&self) -> Tally {
        self.ledger.total()
    }

    /// Whether a pool of either role shows it, exactly; gives the number of bytes that are missing where they may be.
    pub(super) fn judge(&self, pool: &Pool) -> Result<u64> {
        let counted = pool.ledger();
        let upstream = pool.role == "upstream";
        let mut columns = vec![Column::Opened, Column::Closed];
        columns.extend(upstream.then_some(Column::Failed));
        counted
            .compare(&self.ledger, &columns)
            .map_err(|error| error.context(pool.name.clone()))?;
        let active = self.ledger.total().open() + self.older;
        ensure!(
            pool.active() == active,
            "{}: {} are active, not {active}",
            pool.name,
            pool.active()
        );
        let mut missing = 0;
        for (backend, truth) in self.ledger.iter() {
            let (shown, unseen) = (counted.get(backend), self.unseen.get(backend));
            let (fins, resets) = (
                first_to_close(upstream, truth),
                reset_by_peer(upstream, truth),
            );
            let to_backend = unseen.to_backend + if upstream { resets } else { fins };
            let from_backend = unseen.from_backend + if upstream { fins } else { resets };
            let place = || format!("{} {backend}", pool.name);
            missing += within(shown.to_backend, truth.to_backend, to_backend)
                .with_context(|| format!("{}, bytes to the backend", place()))?;
            missing += within(shown.from_backend, truth.from_backend, from_backend)
                .with_context(|| format!("{}, bytes from the backend", place()))?;
        }
        Ok(missing)
    }
}

/// The bytes between two states of a ledger.
fn bytes_since(before: &Ledger, now: &Ledger) -> Ledger {
    let since = now.iter().map(|(backend, tally)| {
        let then = before.get(backend);
        let bytes = Tally {
            to_backend: tally.to_backend - then.to_backend,
            from_backend: tally.from_backend - then.from_backend,
            ..Tally::default()
        };
        (backend, bytes)
    });
    since.collect()
}

/// Connections in which the agent's side sent the first FIN. Of the bytes received over such a connection one is
/// missing if its socket was gone before the peer's FIN came.
fn first_to_close(upstream: bool, truth: &Tally) -> u64 {
    let closed = truth.closed;
    // A process that dies closes its sockets like anybody else.
    if upstream {
        closed.client_fin + closed.process_death
    } else {
        closed.server_fin
    }
}

/// Of the connections that the peer reset, as many as may lack the last byte sent: a RST acknowledges nothing and may
/// overtake an acknowledgement that another processor sends. That is rare, so half of them are far too many.
fn reset_by_peer(upstream: bool, truth: &Tally) -> u64 {
    let closed = truth.closed;
    let resets = if upstream {
        closed.server_rst
    } else {
        closed.client_rst
    };
    resets.div_ceil(2)
}

/// How far `shown` is below `truth`; an error if by more than `may_miss`, or above.
fn within(shown: u64, truth: u64, may_miss: u64) -> Result<u64> {
    let missing = truth
        .checked_sub(shown)
        .filter(|missing| *missing <= may_miss);
    missing.with_context(|| format!("{shown} of {truth}, where {may_miss} may be missing"))
}

#[cfg(test)]
mod tests {
    use super::Truth;
    use crate::agent::Pool;
    use crate::ledger::{Closed, Ledger, Tally};

    const BACKEND: &str = "127.0.0.1:80";

    fn ledger(closed: Closed, bytes: u64) -> Ledger {
        let tally = Tally {
            opened: 2,
            closed,
            to_backend: bytes,
            from_backend: bytes,
            ..Tally::default()
        };
        [(BACKEND.parse().unwrap(), tally)].into_iter().collect()
    }

    fn pool(role: &str, opened: u64, active: u64, sent: u64, received: u64) -> Pool {
        let backend = serde_json::json!({
            "address": BACKEND,
            "expected_share": 1.0,
            "connections": {"opened": opened, "failed": 0, "closed": 1, "active": active},
            "bytes": {"sent": sent, "received": received},
            "share": {},
        });
        let pool = serde_json::json!({
            "name": role, "role": role, "source": "config", "verdict": "unknown", "explanation": "",
            "backends": [backend], "measures": {},
        });
        serde_json::from_value(pool).unwrap()
    }

    #[test]
    fn a_byte_may_be_missing_where_this_side_closed_first_and_nowhere_else() {
        let mut truth = Truth::default();
        truth.add(&ledger(
            Closed {
                client_fin: 1,
                ..Closed::default()
            },
            100,
        ));
        assert_eq!(truth.judge(&pool("upstream", 2, 1, 100, 100)).unwrap(), 0);
        assert_eq!(truth.judge(&pool("upstream", 2, 1, 100, 99)).unwrap(), 1);
        for (sent, received) in [(99, 100), (100, 98), (101, 100), (100, 101)] {
            let shown = pool("upstream", 2, 1, sent, received);
            assert!(truth.judge(&shown).is_err(), "{sent} {received}");
        }
        assert_eq!(truth.judge(&pool("local", 2, 1, 100, 100)).unwrap(), 0);
        assert!(truth.judge(&pool("local", 2, 1, 100, 99)).is_err());
    }

    #[test]
    fn a_sent_byte_may_be_missing_where_the_peer_reset() {
        let mut truth = Truth::default();
        let client_rst = Closed {
            client_rst: 1,
            ..Closed::default()
        };
        truth.add(&ledger(client_rst, 100));
        assert_eq!(truth.judge(&pool("local", 2, 1, 99, 100)).unwrap(), 1);
        assert!(truth.judge(&pool("local", 2, 1, 98, 100)).is_err());
        assert!(truth.judge(&pool("local", 2, 1, 100, 99)).is_err());
        assert!(truth.judge(&pool("upstream", 2, 1, 99, 100)).is_err());
    }

    #[test]
    fn connections_are_exact_and_older_ones_only_active() {
        let mut truth = Truth::default();
        truth.add(&ledger(
            Closed {
                half_close: 1,
                ..Closed::default()
            },
            100,
        ));
        truth.add_older(
            &ledger(Closed::default(), 50),
            &ledger(Closed::default(), 60),
        );
        assert_eq!(truth.judge(&pool("upstream", 2, 3, 110, 110)).unwrap(), 0);
        assert!(truth.judge(&pool("upstream", 4, 3, 110, 110)).is_err());
        assert!(truth.judge(&pool("upstream", 2, 1, 110, 110)).is_err());
        truth.older_closed(
            &ledger(Closed::default(), 55),
            &ledger(Closed::default(), 60),
        );
        assert_eq!(truth.judge(&pool("local", 2, 3, 105, 107)).unwrap(), 8);
        assert!(truth.judge(&pool("local", 2, 3, 104, 110)).is_err());
    }
}
