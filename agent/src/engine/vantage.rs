//! What each agent of a fleet saw of a pool, for the causes that only the fleet can see. An agent of its own host has none of it.

use std::fmt::Debug;

use crate::model::Pool;

/// Knows what agents saw.
pub trait Vantages: Debug {
    /// What each agent that sees the pool from the balancer's side saw of it within the last `ticks`, or as far back as is known.
    fn of(&self, pool: &Pool, ticks: u64) -> Vec<Vantage>;
}

/// What one agent saw of a pool.
#[derive(Clone, Debug, PartialEq)]
pub struct Vantage {
    /// What the agent is called.
    pub agent: String,
    /// In the order of the pool; `None` for backends that the agent's pool does not have.
    pub parts: Vec<Option<Part>>,
}

/// What one agent saw of a backend.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Part {
    /// Connections established.
    pub opened: u64,
    /// The backend's weight as the agent knows it, greater than 0.
    pub weight: f64,
}

/// There is only one vantage: the agent's own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Alone;

impl Vantages for Alone {
    fn of(&self, _pool: &Pool, _ticks: u64) -> Vec<Vantage> {
        Vec::new()
    }
}
