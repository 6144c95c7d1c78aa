//! The gate without privileges: a real balancer with a copy of its configuration, backends and traffic of the gate's own.

mod backends;
mod balancer;
mod copy;
mod envoy;
mod error;
mod haproxy;
mod nginx;
#[cfg(test)]
mod numbered;
mod pools;
mod traffic;

pub use self::error::HermeticError;

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use evenkeel_balancers::Product;
use evenkeel_balancers::model::Traffic as Balanced;

use self::backends::Seen;
use self::balancer::Balancer;
use self::copy::{CopiedPool, Places};
use self::traffic::{Keys, Sent};
use super::judge::{Observation, judge};
use super::limits::Limits;
use super::needed::for_all;
use super::plan::{Expect, Plan};
use super::report::{PoolReport, Report, Row, Signal, Traffic};

/// Times that the counts are looked at.
const ROUNDS: u64 = 64;
/// How many requests a pool gets, whatever its limits need.
const REQUESTS: std::ops::RangeInclusive<f64> = 640.0..=200_000.0;
/// More than the limits need if each request is placed by lot: the noise is measured, which costs some of them.
const MARGIN: f64 = 1.6;

/// What is wanted.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The balancer's configuration.
    pub configuration: PathBuf,
    /// Whose it is, if it is not to be told by its content.
    pub product: Option<Product>,
    /// The pools that are judged; all if there is none.
    pub pools: Vec<String>,
    /// How many requests each of them gets; as many as the limits need if it is not said.
    pub requests: Option<u32>,
    /// The program, if it is not to be found by itself.
    pub program: Option<PathBuf>,
    /// What shares are compared with.
    pub expect: Expect,
    /// What the pools are held to.
    pub limits: Limits,
}

/// Copies the configuration, starts the balancer, sends traffic through it and judges what arrives. Runs inside of a runtime;
/// all that it starts ends with it. `tell` says how far it is.
pub async fn run(setup: &Setup, mut tell: impl FnMut(&str)) -> Result<Report, HermeticError> {
    let (started, began) = (SystemTime::now(), Instant::now());
    let mut places = Loopback::default();
    let wants = |name: &str| setup.pools.is_empty() || setup.pools.iter().any(|pool| pool == name);
    let copy = copy::copy(setup.product, &setup.configuration, &wants, &mut places)?;
    let planned = pools::planned(setup, &copy)?;
    let seen = places.serve().map_err(HermeticError::Listen)?;
    let balancer = Balancer::start(&copy, setup.program.as_deref())?;
    let keys = Arc::new(copy.keys.clone());
    let mut reports = Vec::new();
    for (copied, plan) in &planned.pools {
        let wanted = setup.requests.map(u64::from);
        let requests = wanted.unwrap_or_else(|| enough(plan, &setup.limits));
        tell(&format!("{}: {requests} requests", copied.name));
        let signal = match copied.traffic {
            Balanced::Requests => Signal::Requests,
            Balanced::Connections => Signal::Opened,
        };
        let look = || counts(plan, &seen, signal);
        let arrived = measured(requests, copied, &keys, look).await;
        if arrived.sent.answered == 0 {
            let example = arrived.sent.example.unwrap_or_default();
            let why = format!("{example}\n{}", balancer.said());
            return Err(HermeticError::NoAnswer(copied.name.clone(), why));
        }
        reports.push(judged(setup, plan, signal, &arrived, requests));
    }
    Ok(Report {
        started,
        took: began.elapsed(),
        traffic: Traffic::Hermetic {
            configuration: setup.configuration.display().to_string(),
        },
        limits: setup.limits,
        pools: reports,
        notes: planned.notes,
    })
}

/// What arrived at the backends of a pool.
struct Arrived {
    ticks: Vec<Vec<f64>>,
    loads: Vec<f64>,
    sent: Sent,
}

/// Sends requests in rounds, and counts after each.
async fn measured(
    requests: u64,
    copied: &CopiedPool,
    keys: &Arc<Keys>,
    look: impl Fn() -> Vec<f64>,
) -> Arrived {
    let first = look();
    let (mut sent, mut ticks, mut before) = (Sent::default(), Vec::new(), first.clone());
    for round in 0..ROUNDS {
        let numbers = requests * round / ROUNDS..requests * (round + 1) / ROUNDS;
        sent.add(traffic::send(copied.entry, numbers, keys).await);
        let now = look();
        ticks.push(less(&now, &before));
        before = now;
    }
    Arrived {
        ticks,
        loads: less(&before, &first),
        sent,
    }
}

/// The counts of a pool's listeners, in the order of its members.
fn counts(plan: &Plan, seen: &HashMap<SocketAddr, Arc<Seen>>, signal: Signal) -> Vec<f64> {
    let count = |seen: &Arc<Seen>| match signal {
        Signal::Requests => seen.requests(),
        _ => seen.accepted(),
    };
    let members = plan.members.iter();
    members
        .map(|member| seen.get(&member.address).map_or(0, count) as f64)
        .collect()
}

/// Judges what arrived.
fn judged(
    setup: &Setup,
    plan: &Plan,
    signal: Signal,
    arrived: &Arrived,
    requests: u64,
) -> PoolReport {
    let judgement = judge(
        &Observation {
            expected: &plan.expected,
            algorithm: plan.algorithm,
            schedulers: plan.schedulers,
            countable: true,
            loads: &arrived.loads,
            ticks: &arrived.ticks,
            failed: 0,
        },
        &setup.limits,
    );
    let rows = arrived.loads.iter().enumerate().map(|(index, load)| Row {
        name: plan.members[index].title.clone(),
        expected: plan.expected.shares()[index],
        load: *load,
        bounds: judgement.bounds[index],
        counted: None,
    });
    let mut notes = plan.notes.clone();
    if let (failed @ 1.., Some(example)) = (arrived.sent.failed, &arrived.sent.example) {
        notes.push(format!(
            "{failed} of {requests} requests were not answered with 200: {example}"
        ));
    }
    PoolReport {
        name: plan.name.clone(),
        algorithm: plan.algorithm_name.clone(),
        signal,
        rows: rows.collect(),
        judgement,
        notes,
    }
}

fn less(now: &[f64], before: &[f64]) -> Vec<f64> {
    now.iter()
        .zip(before)
        .map(|(now, before)| now - before)
        .collect()
}

/// As many requests as the limits need.
fn enough(plan: &Plan, limits: &Limits) -> u64 {
    let needed = for_all(&plan.expected, limits, plan.schedulers) * MARGIN;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "within the bounds of a pool's requests"
    )]
    let requests = needed.clamp(*REQUESTS.start(), *REQUESTS.end()).ceil() as u64;
    requests
}

/// Addresses on the loopback interface.
#[derive(Default)]
struct Loopback(Vec<TcpListener>);

impl Loopback {
    /// Serves all listeners, each counted by its address.
    fn serve(self) -> io::Result<HashMap<SocketAddr, Arc<Seen>>> {
        self.0.into_iter().map(backends::serve).collect()
    }
}

impl Places for Loopback {
    fn backend(&mut self) -> io::Result<SocketAddr> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        self.0.push(listener);
        Ok(address)
    }

    /// A port that is free now. The balancer says so if somebody takes it before it does.
    fn entry(&mut self) -> io::Result<SocketAddr> {
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
    }
}
