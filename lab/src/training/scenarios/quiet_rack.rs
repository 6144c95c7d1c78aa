//! A server that was marked as down for maintenance, and forgotten.

use anyhow::Result;

use crate::balancer::Product;
use crate::training::ground::Ground;
use crate::training::kit::{requests, site};
use crate::training::scenario::{Level, Scenario, Side};
use crate::training::stage::Stage;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "quiet-rack",
    title: "The quiet rack",
    level: Level::Easy,
    pool: "cart",
    product: Product::Nginx,
    backends: 4,
    symptom: "CPU on the cart servers is up by a third at the same number of customers. All health checks are green, there are \
              no errors. Capacity planning has ordered two more machines.",
    hints: [
        "A third more on each could be a third more work, or one server less to share it. How many carry the load?",
        "One backend of the pool has had no new connection for a while. Is it refused, or not even tried?",
        "Failed attempts are zero, so the balancer leaves it out on purpose. Its configuration says why.",
    ],
    signal: "opened",
    cause: "not_in_rotation",
    side: Side::Cold,
    rule: Some("NGX-005"),
    page: "audit/NGX-005.md",
    story: "A server was marked `down` in the upstream for a maintenance of five minutes. The maintenance ended, the word \
              stayed. Health checks look at the server, which is fine.",
    seen: "One backend has 0 % of the new connections and no failed attempts; the other three share evenly, a third more \
              than expected each. Of a server that is dead there would be failed connects.",
    repair: "Take the word `down` out and reload. Before you buy machines, look whether those that you have are used.",
    open,
    strike,
};

fn open<'a>(scenario: &Scenario, ground: Ground<'a>) -> Result<Stage<'a>> {
    site(scenario, ground, requests(scenario, &ground), 100)
}

fn strike(stage: &mut Stage<'_>) -> Result<Vec<usize>> {
    const FORGOTTEN: usize = 2;
    stage.reload(|setup| "down".clone_into(&mut setup.servers[FORGOTTEN].options))?;
    Ok(vec![FORGOTTEN])
}
