//! Sticky cookies, and one client that keeps its cookie and sends half of the requests.

use anyhow::{Context as _, Result};

use crate::balancer::Product;
use crate::http::{self, HttpLoad};
use crate::training::ground::Ground;
use crate::training::kit::{build, requests, visitors, web};
use crate::training::scenario::{Level, Scenario, Side};
use crate::training::stage::Stage;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "campaign",
    title: "The big partner",
    level: Level::Medium,
    pool: "catalogue",
    product: Product::Haproxy,
    backends: 4,
    symptom: "A partner has gone live and reads prices over our API, twice the traffic of yesterday. We have enough machines \
              for that, they say. Now every fourth customer gets time-outs, and always the same customers.",
    hints: [
        "The same customers, again and again: what keeps a customer at a server?",
        "One backend got nearly all of the traffic that came in addition. The others are as before.",
        "The balancer sets a cookie. Who sends it back most often?",
    ],
    signal: "opened",
    cause: "affinity",
    side: Side::Hot,
    rule: Some("HAP-010"),
    page: "audit/HAP-010.md",
    story: "HAProxy binds a session to a server by a cookie. The partner's program keeps its cookies, as a good client does: \
              all of its requests are one session, and all of them go to one server, together with the customers whose cookie \
              says the same.",
    seen: "One backend jumped from a quarter to over half of the new connections; the other three are alike. The pool binds \
              clients to backends, and what came in addition is one client.",
    repair: "Exempt the API from the cookie (a backend of its own without `cookie`), limit sessions with `maxidle` and \
              `maxlife`, and limit the rate of a single client.",
    open,
    strike,
};

fn open<'a>(scenario: &Scenario, ground: Ground<'a>) -> Result<Stage<'a>> {
    let mut setup = requests(scenario, &ground);
    "  cookie SRV insert indirect nocache\n".clone_into(&mut setup.lines);
    for (number, server) in setup.servers.iter_mut().enumerate() {
        server.options = format!("cookie c{number}");
    }
    let mut stage = build(scenario, ground, web(), setup)?;
    stage.algorithm = Some("sticky");
    stage.send(&customers(&ground))?;
    Ok(stage)
}

/// Customers who look at a few pages each.
fn customers(ground: &Ground<'_>) -> HttpLoad {
    HttpLoad {
        session: 5,
        ..visitors(ground, 150)
    }
}

fn strike(stage: &mut Stage<'_>) -> Result<Vec<usize>> {
    let ground = stage.ground;
    let first = http::get(ground.host(), ground.entrance(), "/prices")?;
    let partner = HttpLoad {
        cookie: Some(first.cookie.context("the balancer has set no cookie")?),
        from: vec![ground.client(251)],
        ..visitors(&ground, 120)
    };
    let hot = stage.backend_of(partner.clone())?;
    stage.send(&partner)?;
    Ok(vec![hot])
}
