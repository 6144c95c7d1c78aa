//! What scenarios are made of.

use std::any::Any;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::ground::Ground;
use super::scenario::Scenario;
use super::stage::{Member, Stage};
use crate::backend::{Options, Protocol};
use crate::balancer::{Balancer, Mode, Setup};
use crate::client::{Plan, Sizes, Way};
use crate::farm::Farm;
use crate::http::HttpLoad;

/// What an answer takes when nothing is wrong.
pub(super) const USUAL: Duration = Duration::from_millis(20);

/// How many clients a site has, unless it matters who they are.
const CLIENTS: u8 = 200;

/// Backends that speak HTTP and take their usual time.
pub(super) fn web() -> Options {
    Options {
        threads: 1,
        delay: USUAL,
        ..Options::new(Protocol::Http)
    }
}

/// A balancer for requests to all backends, with equal weights.
pub(super) fn requests(scenario: &Scenario, ground: &Ground<'_>) -> Setup {
    named(scenario, ground, Mode::Http)
}

/// A balancer for connections to all backends, with equal weights.
pub(super) fn connections(scenario: &Scenario, ground: &Ground<'_>) -> Setup {
    named(scenario, ground, Mode::Tcp)
}

fn named(scenario: &Scenario, ground: &Ground<'_>, mode: Mode) -> Setup {
    Setup {
        name: Some(scenario.pool.to_owned()),
        ..Setup::new(mode, ground.entrance(), ground.backends(scenario.backends))
    }
}

/// Starts backends and balancer; there is no traffic yet. The pool is what the balancer is set up for.
pub(super) fn build<'a>(
    scenario: &Scenario,
    ground: Ground<'a>,
    options: Options,
    setup: Setup,
) -> Result<Stage<'a>> {
    let farm = Farm::start(ground.host(), ground.backends(scenario.backends), options)?;
    let used: Vec<_> = setup.servers.iter().map(|server| server.address).collect();
    Ok(Stage {
        traffic: Vec::new(),
        members: Member::equal(&used),
        balancer: Balancer::start(scenario.product, ground.host(), setup)?,
        farm,
        ground,
        algorithm: None,
        struck: None,
    })
}

/// A site for requests, with so many a second from many clients.
pub(super) fn site<'a>(
    scenario: &Scenario,
    ground: Ground<'a>,
    setup: Setup,
    per_second: u32,
) -> Result<Stage<'a>> {
    let mut stage = build(scenario, ground, web(), setup)?;
    stage.send(&visitors(&ground, per_second))?;
    Ok(stage)
}

/// So many requests a second from many clients.
pub(super) fn visitors(ground: &Ground<'_>, per_second: u32) -> HttpLoad {
    HttpLoad {
        threads: 12,
        from: ground.clients(CLIENTS),
        ..HttpLoad::steady(ground.entrance(), per_second)
    }
}

/// So many connections a second that are closed at once, and carry about as many bytes each.
pub(super) fn trickle(ground: &Ground<'_>, per_second: u32, bytes: u32) -> Plan {
    let sizes = Sizes {
        min: bytes,
        max: bytes,
    };
    Plan {
        threads: 4,
        per_second: Some(per_second),
        mix: vec![(Way::ClientFin, 1)],
        response: sizes,
        ..Plan::new([ground.entrance()], u64::MAX)
    }
}

impl Stage<'_> {
    /// Begins to make requests.
    pub(super) fn send(&mut self, load: &HttpLoad) -> Result<()> {
        let traffic = load.start(&[self.ground.host()])?;
        self.keep(traffic);
        Ok(())
    }

    /// Keeps something going until the end.
    pub(super) fn keep(&mut self, running: impl Any) {
        self.traffic.push(Box::new(running));
    }

    /// Reloads the balancer with a setup that differs.
    pub(super) fn reload(&mut self, change: impl FnOnce(&mut Setup)) -> Result<()> {
        let mut setup = self.balancer.setup().clone();
        change(&mut setup);
        self.balancer.reload(setup)
    }

    /// The number of the backend to which a request goes.
    pub(super) fn backend_of(&self, request: HttpLoad) -> Result<usize> {
        let single = HttpLoad {
            requests: 1,
            threads: 1,
            ..request
        };
        let counts = single.run(&[self.ground.host()])?;
        let answered = counts.by_backend.keys().next();
        let all = self.farm.addresses();
        let place = all.iter().position(|address| Some(address) == answered);
        place.context("no backend of the pool has answered")
    }
}
