//! Clients that are told apart by their address, and come out of one NAT.

use anyhow::Result;

use crate::balancer::{Algorithm, Product};
use crate::training::ground::Ground;
use crate::training::kit::{requests, site, visitors};
use crate::training::scenario::{Level, Scenario, Side};
use crate::training::stage::Stage;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "monday-morning",
    title: "Monday morning",
    level: Level::Medium,
    pool: "intranet",
    product: Product::Nginx,
    backends: 4,
    symptom: "Since nine o'clock the intranet is slow, but not for everybody: people at home say it is fine. The network team \
              has opened the new head office over the weekend and says that the lines are half empty.",
    hints: [
        "One backend carries most of the load. Nothing was changed in the balancer, so why that one?",
        "How does the balancer choose? Its configuration says it in one word.",
        "Ask the access log, or think: what do all people in one office have in common, seen from outside?",
    ],
    signal: "opened",
    cause: "affinity",
    side: Side::Hot,
    rule: Some("NGX-009"),
    page: "audit/NGX-009.md",
    story: "nginx chooses by `ip_hash`: the same client always gets the same server. The new head office reaches the \
              intranet through one NAT address: some thousand people are one client now.",
    seen: "One backend jumped from a quarter to about 70 % of the new connections, and no small weights explain the shares. \
              The pool chooses by a key, and the key hardly varies any more.",
    repair: "Choose by something that tells people apart: a cookie, or the address that the proxy passes on (`hash` over it, \
              `consistent`). If sessions are not kept on the servers, do without affinity.",
    open,
    strike,
};

fn open<'a>(scenario: &Scenario, ground: Ground<'a>) -> Result<Stage<'a>> {
    let mut setup = requests(scenario, &ground);
    setup.algorithm = Algorithm::SourceHash;
    let mut stage = site(scenario, ground, setup, 150)?;
    stage.algorithm = Some("ip_hash");
    Ok(stage)
}

fn strike(stage: &mut Stage<'_>) -> Result<Vec<usize>> {
    let ground = stage.ground;
    let mut office = visitors(&ground, 100);
    office.from = vec![ground.client(250)];
    let hot = stage.backend_of(office.clone())?;
    // Most of those who came from everywhere now come from there.
    stage.traffic.clear();
    stage.send(&visitors(&ground, 50))?;
    stage.send(&office)?;
    Ok(vec![hot])
}
