//! What a scenario is, before it runs.

use std::net::SocketAddr;
use std::time::Instant;

use anyhow::Result;

use super::ground::Ground;
use super::stage::Stage;
use crate::balancer::Product;

/// How hard a scenario is to see through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// One look at the shares.
    Easy,
    /// Shares, and then the configuration.
    Medium,
    /// Needs more than one signal, or a second thought.
    Hard,
}

impl Level {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Easy => "easy",
            Self::Medium => "medium",
            Self::Hard => "hard",
        }
    }
}

/// On which side of their share the backends are that matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// They get too much.
    Hot,
    /// They get too little.
    Cold,
}

/// A re-enacted incident: healthy at first, then something happens.
pub struct Scenario {
    /// How it is asked for. It gives nothing away.
    pub name: &'static str,
    /// A title that gives nothing away either.
    pub title: &'static str,
    /// How hard it is.
    pub level: Level,
    /// The pool's name in the agent and in the balancer.
    pub pool: &'static str,
    /// The balancer that runs.
    pub product: Product,
    /// How many backends there are at most.
    pub backends: u8,
    /// What on-call hears.
    pub symptom: &'static str,
    /// What helps, more telling from one to the next.
    pub hints: [&'static str; 3],
    /// The agent's signal that shows it best.
    pub signal: &'static str,
    /// The agent's id of the cause, or [`super::EVEN`].
    pub cause: &'static str,
    /// Where the culprits stand.
    pub side: Side,
    /// What `evenkeel audit` reports of the balancer's configuration once it has gone wrong, if the fault is in there.
    pub rule: Option<&'static str>,
    /// The page to read, in `docs`.
    pub page: &'static str,
    /// What happened.
    pub story: &'static str,
    /// How it is seen in the measures.
    pub seen: &'static str,
    /// How it is repaired, and kept from coming back.
    pub repair: &'static str,
    /// Starts it, healthy.
    pub(super) open: for<'a> fn(&Scenario, Ground<'a>) -> Result<Stage<'a>>,
    /// Lets it go wrong; tells the numbers of the backends that matter.
    pub(super) strike: fn(&mut Stage<'_>) -> Result<Vec<usize>>,
}

impl Scenario {
    /// Starts balancer, backends and traffic, with which nothing is wrong yet.
    pub fn open<'a>(&self, ground: Ground<'a>) -> Result<Stage<'a>> {
        (self.open)(self, ground)
    }

    /// Lets it go wrong; tells the backends that a trainee has to name.
    pub fn strike(&self, stage: &mut Stage<'_>) -> Result<Vec<SocketAddr>> {
        let (at, before) = (Instant::now(), stage.farm.ledger());
        let culprits = (self.strike)(stage)?;
        stage.struck = Some((at, before));
        Ok(stage.named(&culprits))
    }

    /// The Debian packages of its balancer, and the program that shows whether they are there.
    pub fn packages(&self) -> (&'static str, &'static [&'static str]) {
        match self.product {
            Product::Nginx => ("nginx", &["nginx-light", "libnginx-mod-stream"]),
            Product::Haproxy => ("haproxy", &["haproxy"]),
            Product::Envoy => ("envoy", &[]),
        }
    }
}
