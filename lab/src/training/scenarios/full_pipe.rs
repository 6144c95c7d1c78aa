//! Uneven bytes over even connections.

use anyhow::Result;

use crate::backend::{Options, Protocol};
use crate::balancer::Product;
use crate::client::LongLived;
use crate::ledger::Ledger;
use crate::training::ground::Ground;
use crate::training::kit::{build, connections, trickle};
use crate::training::repeated::Repeated;
use crate::training::scenario::{Level, Scenario, Side};
use crate::training::stage::Stage;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "full-pipe",
    title: "A full pipe",
    level: Level::Hard,
    pool: "media",
    product: Product::Haproxy,
    backends: 4,
    symptom: "The network card of one media server is full, and calls over it stutter. The balancer's own statistics show the \
              same number of sessions on all four servers, to the digit. \"So it must be the card\": it was changed an hour \
              ago.",
    hints: [
        "New connections are even. Open connections are even. What else does a connection have?",
        "Look at bytes.",
        "The balancer spreads connections and cannot see what is in them.",
    ],
    signal: "bytes",
    cause: "heavy_connections",
    side: Side::Hot,
    rule: None,
    page: "audit/GEN-001.md",
    story: "One client has begun to copy its archive over the one connection that it has had all day. The balancer spreads \
              connections, in TCP mode, and each server has as many as the others; but one of them carries more than all the \
              rest.",
    seen: "Shares of new and of open connections are even; of the bytes one backend has most. It takes the signal `bytes` \
              to see it, which `detection.signals` has to list.",
    repair: "Balance requests instead of connections where the protocol allows it (HTTP/2, gRPC), limit the rate of a \
              connection, or give bulk transfers a pool of their own.",
    open,
    strike,
};

/// Connections that stay.
const HELD: usize = 80;

fn open<'a>(scenario: &Scenario, ground: Ground<'a>) -> Result<Stage<'a>> {
    let setup = connections(scenario, &ground);
    let mut stage = build(scenario, ground, Options::new(Protocol::Lab), setup)?;
    let mut held = LongLived::open(ground.host(), &[ground.entrance()], HELD)?;
    stage.keep(Repeated::start(1, move || held.exchange(1_000))?);
    stage.keep(trickle(&ground, 80, 2_000).start(&[ground.host()])?);
    Ok(stage)
}

fn strike(stage: &mut Stage<'_>) -> Result<Vec<usize>> {
    // Larger than what the others exchange meanwhile.
    const LARGE: u32 = 8_000_000;
    let ground = stage.ground;
    let before = stage.farm.ledger();
    let mut heavy = LongLived::open(ground.host(), &[ground.entrance()], 1)?;
    heavy.exchange(LARGE)?;
    let now = stage.farm.ledger();
    let grown = |address: &&std::net::SocketAddr| {
        let of = |ledger: &Ledger| ledger.get(**address).to_backend;
        of(&now) - of(&before)
    };
    let all = stage.farm.addresses();
    let most = all.iter().max_by_key(grown);
    let hot = all.iter().position(|address| Some(address) == most);
    stage.keep(Repeated::start(10, move || heavy.exchange(60_000))?);
    Ok(hot.into_iter().collect())
}
