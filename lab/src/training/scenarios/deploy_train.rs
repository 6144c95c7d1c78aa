//! Workers that each count for themselves, and begin anew with each reload.

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal, kill_process};

use crate::balancer::{Algorithm, Product};
use crate::training::ground::Ground;
use crate::training::kit::{requests, site};
use crate::training::repeated::Repeated;
use crate::training::scenario::{Level, Scenario, Side};
use crate::training::stage::Stage;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "deploy-train",
    title: "The deploy train",
    level: Level::Hard,
    pool: "reports",
    product: Product::Nginx,
    backends: 5,
    symptom: "Since the balancer has moved to the machine with sixteen cores, the first report server burns and the last one \
              idles, although nginx is told to take the server with the fewest connections. With the same file and one worker \
              it was fine. The deploy train runs as always: the balancer is reloaded whenever an address changes.",
    hints: [
        "Sort the backends as the file does, and look at the shares again: they fall from line to line.",
        "The balancer chooses the server with the fewest connections. Whose connections does it know of?",
        "Sixteen workers, three reloads and sixty requests a second: how far does each worker get in its list?",
    ],
    signal: "opened",
    cause: "first_in_list",
    side: Side::Hot,
    rule: Some("NGX-007"),
    page: "audit/NGX-007.md",
    story: "Without `zone` each worker process has an account of its own. After each reload, sixteen workers know of no \
              connection anywhere, find all servers equally idle, and begin at the head of the list; before they get far the \
              next reload comes.",
    seen: "Shares fall in the order of the list: the first server has more than half, the last next to nothing. Weights \
              would not care for the order, and a key would not either.",
    repair: "Give the upstream a `zone`, so that workers share what they know; reload less often (let nginx resolve names by \
              itself); or choose at random, which needs no memory: `random two least_conn`.",
    open,
    strike,
};

const WORKERS: usize = 16;

fn open<'a>(scenario: &Scenario, ground: Ground<'a>) -> Result<Stage<'a>> {
    let mut setup = requests(scenario, &ground);
    setup.algorithm = Algorithm::LeastConnections;
    // The kernel spreads connections over the workers.
    "reuseport".clone_into(&mut setup.listen_options);
    let mut stage = site(scenario, ground, setup, 60)?;
    let nginx = i32::try_from(stage.balancer.pid()).ok();
    let nginx = nginx.and_then(Pid::from_raw).context("nginx has no id")?;
    // It lives longer than this: what is kept ends first.
    let reload = move || Ok(kill_process(nginx, Signal::HUP)?);
    stage.keep(Repeated::start(3, reload)?);
    Ok(stage)
}

fn strike(stage: &mut Stage<'_>) -> Result<Vec<usize>> {
    stage.reload(|setup| setup.workers = WORKERS)?;
    Ok(vec![0])
}
