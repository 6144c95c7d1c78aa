//! The checks of an agent with pools, on a machine that had open connections before it started.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use super::bed::{Bed, POOLS, close_all, settles};
use super::console::check;
use super::loaded;
use super::report::Check;
use super::truth::Truth;
use super::watched::{in_words, leaves, status};
use crate::agent::Agent;
use crate::client::LongLived;
use crate::ledger::{Ledger, Tally};

/// How much longer than planned things may take on an emulated processor.
const SLOWNESS: Duration = Duration::from_secs(2);

/// Connections of each family; all of them together are more than two thousand.
const MANY: u64 = 800;

/// Connections from before the agent started.
struct Older {
    connections: LongLived,
    /// What they had done by then.
    before: Ledger,
}

impl Older {
    fn open(bed: &Bed) -> Result<Self> {
        let mut connections = bed.long_lived()?;
        connections.exchange(1_000)?;
        let before = connections.ledger();
        Ok(Self {
            connections,
            before,
        })
    }

    /// What the agent can know of them.
    fn truth(&self) -> Truth {
        let mut truth = Truth::default();
        truth.add_older(&self.before, &self.connections.ledger());
        truth
    }
}

/// Makes the checks, from the agent's start to its end.
pub(super) fn checks(bed: &Bed) -> Result<()> {
    let mut older = Older::open(bed)?;
    let mut agent = check(Check::Older, |note| {
        let agent = bed.agent()?;
        loaded::are(&[loaded::HOOK, loaded::WALK])?;
        // The first look, not one that waited for something.
        for pool in POOLS {
            older.truth().judge(&agent.pool(pool)?)?;
        }
        *note = format!("{} active, none opened", older.connections.len());
        Ok(agent)
    })?;
    let younger = check(Check::OpenBytes, |note| {
        let mut younger = bed.long_lived()?;
        older.connections.exchange(5_000)?;
        younger.exchange(7_000)?;
        let mut truth = older.truth();
        truth.add(&younger.ledger());
        *note = appears_in_time(&agent, &truth)?;
        Ok(younger)
    })?;
    let traffic = check(Check::Traffic, |note| {
        let traffic = bed.traffic(MANY)?;
        every_way(&traffic.total())?;
        let mut truth = older.truth();
        truth.add(&younger.ledger());
        truth.add(&traffic);
        *note = in_words(&traffic.total(), settles(&agent, &truth)?);
        Ok(traffic)
    })?;
    check(Check::Closing, |note| {
        let missing = closing(&agent, older, younger, &traffic)?;
        *note = format!("all closed, {missing} bytes missing that may be");
        Ok(())
    })?;
    check(Check::Terminated, |note| {
        "nothing left in the kernel".clone_into(note);
        leaves(&mut agent)
    })
}

/// Bytes of open connections must be there before anything closes: a visit comes once in a live interval, and one that
/// comes while an answer's acknowledgement is delayed leaves the rest to the next.
fn appears_in_time(agent: &Agent, truth: &Truth) -> Result<String> {
    let began = Instant::now();
    settles(agent, truth)?;
    let took = began.elapsed();
    let status = status(agent)?;
    let seconds = |key: &str| {
        let value = status.pointer(key).and_then(serde_json::Value::as_f64);
        value.with_context(|| format!("the status has no {key}"))
    };
    let visits = seconds("/kernel/view/interval_seconds")?;
    let limit = Duration::from_secs_f64(2.0 * (visits + seconds("/interval_seconds")?)) + SLOWNESS;
    ensure!(
        took <= limit,
        "bytes of open connections appeared after {took:.1?}, not within {limit:.1?}"
    );
    Ok(format!("after {took:.1?}, visits every {visits:.1} s"))
}

/// Ends everything that is open: older connections one by one, the others with the process that holds them.
fn closing(
    agent: &Agent,
    mut older: Older,
    mut younger: LongLived,
    traffic: &Ledger,
) -> Result<u64> {
    let visited = older.connections.ledger();
    close_all(&mut older.connections)?;
    younger.exchange(100)?;
    let younger = younger.hand_over()?.kill()?;
    let mut truth = older.truth();
    truth.older_closed(&visited, &older.connections.ledger());
    truth.add(traffic);
    truth.add(&younger);
    settles(agent, &truth)
}

/// An error unless the traffic was what the check says it is.
fn every_way(total: &Tally) -> Result<()> {
    let closed = total.closed;
    let ways = [
        closed.client_fin,
        closed.server_fin,
        closed.client_rst,
        closed.server_rst,
        closed.half_close,
    ];
    ensure!(
        total.opened >= 2_000 && total.failed.refused > 0 && !ways.contains(&0),
        "the traffic was not what it should be: {total:?}"
    );
    Ok(())
}
