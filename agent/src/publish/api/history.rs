//! `/api/v1/pools/{name}/history`: the shares of the last hour.

use serde::{Serialize, Serializer};

use super::Moment;
use crate::publish::hour::Trace;

/// The answer of `/api/v1/pools/{name}/history`.
#[derive(Debug, Serialize)]
pub(in crate::publish) struct HistoryAnswer<'a> {
    step_seconds: u64,
    #[serde(serialize_with = "moments")]
    times: &'a Trace,
    #[serde(serialize_with = "backends")]
    backends: &'a Trace,
}

impl<'a> HistoryAnswer<'a> {
    /// The points of `trace`.
    pub(in crate::publish) fn new(trace: &'a Trace) -> Self {
        Self {
            step_seconds: trace.step.as_secs(),
            times: trace,
            backends: trace,
        }
    }
}

fn moments<S: Serializer>(trace: &Trace, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(trace.times.iter().map(|time| Moment(*time)))
}

fn backends<S: Serializer>(trace: &Trace, serializer: S) -> Result<S::Ok, S::Error> {
    let names = trace.pool.names.iter().enumerate();
    serializer.collect_seq(names.map(|(backend, address)| BackendHistory {
        address,
        opened: Shares {
            trace,
            signal: 0,
            backend,
        },
        active: Shares {
            trace,
            signal: 1,
            backend,
        },
    }))
}

#[derive(Debug, Serialize)]
struct BackendHistory<'a> {
    address: &'a str,
    opened: Shares<'a>,
    active: Shares<'a>,
}

/// The shares of one signal, by its place in what is kept.
#[derive(Debug)]
struct Shares<'a> {
    trace: &'a Trace,
    signal: usize,
    backend: usize,
}

impl Serialize for Shares<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.trace.shares(self.signal, self.backend))
    }
}
