//! Connections per second with and without the agent's program, in short runs in turn.
//!
//! The machine's own speed drifts by more than what is to be measured, within seconds. So the program of an agent that
//! has ended, with its map of watched endpoints, is attached for a moment and detached for the next.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use evenkeel_lab::backend::{Backend, Protocol};
use evenkeel_lab::http::HttpLoad;

use super::agents;
use super::bpf::Program;
use super::held::hook;
use super::report::{self, Aim, Scale};
use super::site::{Site, pools};
use super::stats::Sample;

const ENDPOINTS: usize = 100;

/// Long enough for a thousand connections, short enough that the machine stays as it is.
const SLICE: Duration = Duration::from_millis(50);

/// An HTTP server at the site, beside its listeners.
const SERVER: ([u8; 4], u16) = ([198, 51, 100, 1], 7000);
const REQUESTS: u64 = 1000;

/// Connections per second of runs that followed each other.
#[derive(Clone, Copy, Debug)]
struct Round {
    /// No program on the hook.
    without: f64,
    /// A program that does nothing.
    empty: f64,
    /// The agent's program.
    counting: f64,
}

/// What is on the hook in turn, beside nothing.
struct Programs {
    empty: Program,
    counting: Program,
}

/// Measures two kinds of connections; gives the table and the aims.
pub(super) fn measure(binary: &Path, scale: Scale) -> Result<String> {
    let rounds = match scale {
        Scale::Full => 300,
        Scale::Quick => 10,
    };
    let site = Site::create(ENDPOINTS)?;
    // Connections that ended would keep their ports for a minute, and there are not enough ports for that.
    site.namespace().set("net/ipv4/tcp_max_tw_buckets", "0")?;
    let server = Backend::single(site.namespace(), SERVER.into(), Protocol::Http)?;
    let programs = Programs {
        empty: Program::empty()?,
        counting: counting(binary, &site)?,
    };
    let mut text = format!(
        "{rounds} rounds, each with nothing on the hook, with an empty program and with the agent's, which watched all {} \
         endpoints. Medians of the ratios of one round; in brackets where the median lies with a certainty of 95 %.\n\n\
         | connections | a second without | with an empty program | with the agent's |\n|---|--:|--:|--:|\n",
        ENDPOINTS + 1
    );
    let mut aims = Vec::new();
    let bare = || site.pairs_a_second(ENDPOINTS, SLICE);
    let with_request = || requests_a_second(&site, SERVER.into());
    let kinds: [(&str, &dyn Fn() -> Result<f64>); 2] = [
        ("bare: opened and reset", &bare),
        ("with one HTTP request", &with_request),
    ];
    for (kind, run) in kinds {
        let (row, aim) = compare(kind, rounds, &programs, run)?;
        text.push_str(&row);
        aims.push(aim);
    }
    server.stop()?;
    text.push_str(&report::aims(&aims));
    Ok(text)
}

/// A line of the table, and the aim.
fn compare(
    kind: &str,
    rounds: usize,
    programs: &Programs,
    run: &dyn Fn() -> Result<f64>,
) -> Result<(String, Aim)> {
    // Caches, and the clock of a processor that was idle.
    (0..10).try_for_each(|_| run().map(drop))?;
    let rounds = (0..rounds)
        .map(|number| round(number, programs, run))
        .collect::<Result<Vec<_>>>()?;
    let sample = |figure: fn(&Round) -> f64| {
        Sample::new(rounds.iter().map(figure)).context("nothing was measured")
    };
    let without = sample(|round| round.without)?.median();
    let empty = certain(&sample(|round| round.empty / round.without)?);
    let ratio = sample(|round| round.counting / round.without)?;
    let counting = certain(&ratio);
    println!(
        "  {kind}: {without:.0}/s; of that {empty} with an empty program, {counting} with the agent's"
    );
    let aim = Aim {
        what: format!(
            "connections per second, {kind}: with the agent's program at least 0.98 of without"
        ),
        measured: counting.clone(),
        met: ratio.median() >= 0.98,
    };
    Ok((
        format!("| {kind} | {without:.0} | {empty} | {counting} |\n"),
        aim,
    ))
}

/// Every second round runs backwards, so that a drift favours none.
fn round(number: usize, programs: &Programs, run: &dyn Fn() -> Result<f64>) -> Result<Round> {
    let rate = |program: Option<&Program>| {
        let _attached = program.map(Program::attach).transpose()?;
        run()
    };
    if number.is_multiple_of(2) {
        Ok(Round {
            without: rate(None)?,
            empty: rate(Some(&programs.empty))?,
            counting: rate(Some(&programs.counting))?,
        })
    } else {
        // Fields are evaluated in the order in which they stand here.
        Ok(Round {
            counting: rate(Some(&programs.counting))?,
            empty: rate(Some(&programs.empty))?,
            without: rate(None)?,
        })
    }
}

/// Requests to a server, each on a connection of its own, which ends in order.
fn requests_a_second(site: &Site, server: SocketAddr) -> Result<f64> {
    let load = HttpLoad::new(server, REQUESTS);
    let began = Instant::now();
    let counts = load.run(&[site.namespace()])?;
    let took = began.elapsed().as_secs_f64();
    ensure!(
        counts.broken == 0,
        "{} of {REQUESTS} requests broke",
        counts.broken
    );
    Ok(REQUESTS as f64 / took)
}

fn certain(ratios: &Sample) -> String {
    let (low, high) = ratios.median_interval();
    format!("{:.3} ({low:.3}–{high:.3})", ratios.median())
}

/// The program of an agent that watched all endpoints of the site.
fn counting(binary: &Path, site: &Site) -> Result<Program> {
    let endpoints = site.endpoints(ENDPOINTS).chain([SERVER.into()]);
    let config = format!("pools:\n{}", pools("upstream", endpoints));
    let mut agent = agents::start(binary, &config)?;
    Program::loaded(hook(agent.process().pid())?)
}
