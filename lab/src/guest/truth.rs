//! What the agent's numbers must be.

use std::ops::RangeInclusive;

use anyhow::{Result, ensure};

use crate::agent::Pool;
use crate::ledger::{Column, Ledger, Tally};

/// What happened since the agent started, and how many connections are open now.
#[derive(Clone, Debug, Default)]
pub(super) struct Truth {
    ledger: Ledger,
    older: u64,
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
        let since = now.iter().map(|(backend, tally)| {
            let then = before.get(backend);
            let bytes = Tally {
                to_backend: tally.to_backend - then.to_backend,
                from_backend: tally.from_backend - then.from_backend,
                ..Tally::default()
            };
            (backend, bytes)
        });
        self.ledger.merge(&since.collect());
    }

    /// All backends together.
    pub(super) fn total(&self) -> Tally {
        self.ledger.total()
    }

    /// Whether a pool of either role shows it, exactly; gives the number of bytes that could not be decided.
    ///
    /// Of received bytes one per connection is uncertain, and then missing, where the agent's side sent the first FIN and
    /// the socket was gone before the peer's FIN came.
    pub(super) fn judge(&self, pool: &Pool) -> Result<u64> {
        let counted = pool.ledger();
        let upstream = pool.role == "upstream";
        let mut columns = vec![Column::Opened, Column::Closed];
        columns.push(if upstream { Column::ToBackend } else { Column::FromBackend });
        if upstream {
            columns.push(Column::Failed);
        }
        counted.compare(&self.ledger, &columns).map_err(|error| error.context(pool.name.clone()))?;
        let active = self.ledger.total().open() + self.older;
        ensure!(pool.active() == active, "{}: {} are active, not {active}", pool.name, pool.active());
        let mut uncertain = 0;
        for (backend, truth) in self.ledger.iter() {
            let received = received(upstream, &counted.get(backend));
            let range = bounds(upstream, truth);
            ensure!(
                range.contains(&received),
                "{} {backend}: {received} bytes received, not {range:?}",
                pool.name
            );
            uncertain += range.end() - received;
        }
        Ok(uncertain)
    }
}

fn received(upstream: bool, tally: &Tally) -> u64 {
    if upstream { tally.from_backend } else { tally.to_backend }
}

/// The received bytes that are right.
fn bounds(upstream: bool, truth: &Tally) -> RangeInclusive<u64> {
    let closed = truth.closed;
    // A process that dies closes its sockets like anybody else.
    let first_to_close = if upstream { closed.client_fin + closed.process_death } else { closed.server_fin };
    let all = received(upstream, truth);
    all.saturating_sub(first_to_close)..=all
}
