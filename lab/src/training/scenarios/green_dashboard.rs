//! A backend that refuses connections, which the balancer hides from its clients.

use anyhow::Result;

use crate::balancer::Product;
use crate::training::ground::Ground;
use crate::training::kit::{requests, site};
use crate::training::scenario::{Level, Scenario, Side};
use crate::training::stage::Stage;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "green-dashboard",
    title: "Everything is green",
    level: Level::Easy,
    pool: "orders",
    product: Product::Nginx,
    backends: 5,
    symptom: "The error rate is zero and the status page is green, yet the p99 of the orders service is up and four of its \
              five machines work harder than yesterday. \"It must be the traffic from the campaign.\"",
    hints: [
        "The number of requests has not changed. Which backend has lost its share?",
        "Look at the column of failed connections.",
        "The balancer tries again elsewhere when a connect fails, so that no client sees an error.",
    ],
    signal: "opened",
    cause: "refusing",
    side: Side::Cold,
    rule: None,
    page: "runbooks/EvenkeelBackendFailingConnects.md",
    story: "The service on one machine has ended and refuses connections. nginx notices with the next request, sends that \
              request to another server, and leaves the dead one alone for ten seconds before it tries again: no error ever \
              reaches a client.",
    seen: "One backend has no new connections since a moment, and attempts to it fail now and then. That tells it from a \
              server that is switched off in the configuration, which is not tried at all.",
    repair: "Start the service. Then ask why nobody knew: count failed connects \
              (`evenkeel_backend_connections_failed_total`), not only the answers that clients get.",
    open,
    strike,
};

fn open<'a>(scenario: &Scenario, ground: Ground<'a>) -> Result<Stage<'a>> {
    site(scenario, ground, requests(scenario, &ground), 100)
}

fn strike(stage: &mut Stage<'_>) -> Result<Vec<usize>> {
    const DEAD: usize = 1;
    stage.farm.stop(DEAD)?;
    Ok(vec![DEAD])
}
