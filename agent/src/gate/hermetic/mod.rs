//! The gate without privileges: a real balancer with a copy of its configuration, backends and traffic of the gate's own.

mod backends;
mod balancer;
mod copy;
mod traffic;

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use evenkeel_balancers::model::{Comparability, Pool, Traffic as Balanced};
use evenkeel_balancers::source::{Files, HostFiles, Limits as Sizes, MemoryFiles};
use evenkeel_balancers::{Options, Product, ReadError, nginx_text, read};

use self::backends::Seen;
use self::balancer::Balancer;
use self::copy::{CopiedPool, Copy, Places};
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

/// Headers whose values mean something to nginx, or to HTTP.
const MEANINGFUL: [&str; 5] = [
    "host",
    "connection",
    "upgrade",
    "content_length",
    "transfer_encoding",
];

/// What is wanted.
#[derive(Clone, Debug)]
pub struct Setup {
    /// nginx' configuration.
    pub configuration: PathBuf,
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

/// Why there is no judgement.
#[derive(Debug, thiserror::Error)]
pub enum HermeticError {
    /// The configuration cannot be read.
    #[error("{0}")]
    Read(#[source] Box<ReadError>),
    /// A part of the configuration is not there.
    #[error("the configuration is not complete: {0}")]
    Missing(String),
    /// It has nothing to be judged.
    #[error("{0} has no upstream to be judged{1}")]
    NoPool(String, String),
    /// No such upstream.
    #[error("there is no upstream `{0}` to be judged{1}")]
    Unknown(String, String),
    /// nginx does not take the copy.
    #[error("nginx refuses the copy of the configuration (docs/gate.md says what is copied): {0}")]
    Refused(String),
    /// There is no nginx.
    #[error("cannot start {program}: {error} (install nginx, or name it by --program)")]
    Program {
        /// Where it was looked for.
        program: String,
        /// What the system says.
        error: io::Error,
    },
    /// It does not run.
    #[error("nginx does not listen; it says: {0}")]
    NotListening(String),
    /// No files can be written.
    #[error("cannot write the copy of the configuration")]
    Folder(#[source] io::Error),
    /// No listeners.
    #[error("cannot listen on 127.0.0.1")]
    Listen(#[source] io::Error),
    /// Nothing is answered.
    #[error("{0}: no request was answered: {1}")]
    NoAnswer(String, String),
}

impl From<ReadError> for HermeticError {
    fn from(error: ReadError) -> Self {
        Self::Read(Box::new(error))
    }
}

impl HermeticError {
    fn program(program: &Path, error: io::Error) -> Self {
        Self::Program {
            program: program.display().to_string(),
            error,
        }
    }

    /// Whether another command line or another configuration is the way out.
    pub const fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::Read(_)
                | Self::Missing(_)
                | Self::NoPool(..)
                | Self::Unknown(..)
                | Self::Refused(_)
        )
    }
}

/// Copies the configuration, starts the balancer, sends traffic through it and judges what arrives. Runs inside of a runtime;
/// all that it starts ends with it. `tell` says how far it is.
pub async fn run(setup: &Setup, mut tell: impl FnMut(&str)) -> Result<Report, HermeticError> {
    let (started, began) = (SystemTime::now(), Instant::now());
    let text = nginx_text(&HostFiles, &setup.configuration, Sizes::default())?;
    if let Some(missing) = text.missing.first() {
        return Err(HermeticError::Missing(missing.clone()));
    }
    let mut places = Loopback::default();
    let wants = |name: &str| setup.pools.is_empty() || setup.pools.iter().any(|pool| pool == name);
    let copy = copy::copy(&text.statements, wants, &mut places).map_err(HermeticError::Listen)?;
    let pools = planned(setup, &copy)?;
    let seen = places.serve().map_err(HermeticError::Listen)?;
    let balancer = Balancer::start(&copy, setup.program.as_deref())?;
    let keys = Arc::new(keys(&copy));
    let mut reports = Vec::new();
    for (copied, plan) in &pools {
        reports.push(judged(setup, copied, plan, &seen, &keys, &balancer, &mut tell).await?);
    }
    Ok(Report {
        started,
        took: began.elapsed(),
        traffic: Traffic::Hermetic {
            configuration: setup.configuration.display().to_string(),
        },
        limits: setup.limits,
        pools: reports,
        notes: copy.notes,
    })
}

/// The pools of the copy, with the shares that follow from it.
fn planned<'a>(
    setup: &Setup,
    copy: &'a Copy,
) -> Result<Vec<(&'a CopiedPool, Plan)>, HermeticError> {
    let path = Path::new("nginx.conf");
    let text = copy::text(copy, "", Path::new("/"), None);
    let files = MemoryFiles::new().with(path, text);
    let files: &dyn Files = &files;
    let configuration = read(Product::Nginx, files, path, &Options::default())?;
    let mut planned = Vec::new();
    for copied in &copy.pools {
        let same = configuration
            .pools
            .iter()
            .find(|pool| pool.name == copied.name && pool.traffic == copied.traffic);
        // Requests are counted where they arrive, however few connections carry them.
        let exact = same.cloned().map(|pool| Pool {
            comparability: Comparability::Exact,
            ..pool
        });
        if let Some(Ok(mut plan)) = exact.map(|pool| Plan::of_balancer(&pool, setup.expect)) {
            for member in &mut plan.members {
                if let Some(written) = copied.servers.get(&member.address) {
                    member.title.clone_from(written);
                }
            }
            name_back(&mut plan.notes, copied);
            planned.push((copied, plan));
        }
    }
    let why = |of: &str| {
        let notes: Vec<&str> = copy
            .notes
            .iter()
            .map(String::as_str)
            .filter(|note| note.starts_with(of))
            .collect();
        let notes = notes.join("; ");
        if notes.is_empty() {
            notes
        } else {
            format!(": {notes}")
        }
    };
    let is_there = |name: &String| planned.iter().any(|(pool, _)| pool.name == *name);
    if let Some(name) = setup.pools.iter().find(|name| !is_there(name)) {
        return Err(HermeticError::Unknown(name.clone(), why(name)));
    }
    if planned.is_empty() {
        return Err(HermeticError::NoPool(
            setup.configuration.display().to_string(),
            why(""),
        ));
    }
    Ok(planned)
}

/// Notes speak of the servers as they are written, not of what stands for them.
fn name_back(notes: &mut [String], copied: &CopiedPool) {
    for note in notes {
        for (address, written) in &copied.servers {
            *note = note.replace(&address.to_string(), written);
        }
    }
}

/// What requests have to differ in.
fn keys(copy: &Copy) -> Keys {
    let named = |prefix| copy::variables(&copy.blocks, prefix);
    let mut headers = named("$http_");
    headers.retain(|name| !MEANINGFUL.contains(&name.as_str()) && name != "cookie");
    Keys {
        arguments: named("$arg_"),
        cookies: named("$cookie_"),
        headers,
    }
}

async fn judged(
    setup: &Setup,
    copied: &CopiedPool,
    plan: &Plan,
    seen: &HashMap<SocketAddr, Arc<Seen>>,
    keys: &Arc<Keys>,
    balancer: &Balancer,
    tell: &mut impl FnMut(&str),
) -> Result<PoolReport, HermeticError> {
    let requests = setup
        .requests
        .map_or_else(|| enough(plan, &setup.limits), u64::from);
    tell(&format!("{}: {requests} requests", copied.name));
    let signal = match copied.traffic {
        Balanced::Requests => Signal::Requests,
        Balanced::Connections => Signal::Opened,
    };
    let look = || -> Vec<f64> {
        let count = |seen: &Arc<Seen>| match signal {
            Signal::Requests => seen.requests(),
            _ => seen.accepted(),
        };
        plan.members
            .iter()
            .map(|member| {
                seen.get(&member.address)
                    .map_or(0.0, |seen| count(seen) as f64)
            })
            .collect()
    };
    let (mut sent, mut ticks, mut before) = (Sent::default(), Vec::new(), look());
    let first = before.clone();
    for round in 0..ROUNDS {
        let numbers = requests * round / ROUNDS..requests * (round + 1) / ROUNDS;
        sent.add(traffic::send(copied.entry, numbers, keys).await);
        let now = look();
        ticks.push(less(&now, &before));
        before = now;
    }
    if sent.answered == 0 {
        let example = sent.example.unwrap_or_default();
        let said = balancer.said();
        return Err(HermeticError::NoAnswer(
            copied.name.clone(),
            format!("{example}\n{said}"),
        ));
    }
    let loads = less(&before, &first);
    let judgement = judge(
        &Observation {
            expected: &plan.expected,
            algorithm: plan.algorithm,
            schedulers: plan.schedulers,
            countable: true,
            loads: &loads,
            ticks: &ticks,
            failed: 0,
        },
        &setup.limits,
    );
    let rows = loads.iter().enumerate().map(|(index, load)| Row {
        name: plan.members[index].title.clone(),
        expected: plan.expected.shares()[index],
        load: *load,
        bounds: judgement.bounds[index],
        counted: None,
    });
    let mut notes = plan.notes.clone();
    if let (1.., Some(example)) = (sent.failed, &sent.example) {
        notes.push(format!(
            "{} of {requests} requests were not answered with 200: {example}",
            sent.failed
        ));
    }
    Ok(PoolReport {
        name: plan.name.clone(),
        algorithm: plan.algorithm_name.clone(),
        signal,
        rows: rows.collect(),
        judgement,
        notes,
    })
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

    /// A port that is free now. nginx says so if somebody takes it before it does.
    fn entry(&mut self) -> io::Result<SocketAddr> {
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
    }
}
