//! What the view of open connections takes: the walk of the socket table, beside a dump of it from user space, and the
//! memory of the marks that walks leave.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use evenkeel_lab::agent::Agent;
use evenkeel_lab::netns::Namespace;
use evenkeel_lab::process::{Process, raise_file_limit};
use evenkeel_lab::wait::wait_for;
use rustix::io::{FdFlags, fcntl_setfd};
use rustix::process::{Resource, getrlimit};

use super::report::{Scale, thousands};
use super::site::{Site, pools};
use super::stats::Sample;
use super::{agents, diag};

const ENDPOINTS: usize = 100;

/// Namespaces without sockets that are added, to see what each takes.
const NAMESPACES: usize = 20;

/// A pool that gets no connections.
const OTHER: &str = "  - {name: other, backends: [{address: '192.0.2.1:80'}]}\n";

/// How often the agent walks by itself.
const INTERVAL: Duration = Duration::from_secs(5);

/// What was measured with so many open sockets; times in seconds.
struct Measured {
    sockets: usize,
    dump: f64,
    unwatched: f64,
    watched: f64,
    mark_bytes: f64,
}

/// Measures for several numbers of sockets, and of namespaces; gives the table.
pub(super) fn measure(binary: &Path, scale: Scale) -> Result<String> {
    let (sizes, samples): (&[usize], _) = match scale {
        Scale::Full => (&[10_000, 50_000, 95_000], 9),
        Scale::Quick => (&[4_000], 2),
    };
    let mut text = format!(
        "Medians of {samples} walks or dumps, all sockets in one network namespace.\n\n\
         | open sockets | walk, unwatched | walk, all watched | part of a core, every {INTERVAL:?} | dump by sock_diag | \
         kernel memory a watched connection |\n|--:|--:|--:|--:|--:|--:|\n"
    );
    for sockets in sizes {
        let measured = at(binary, *sockets, samples)?;
        writeln!(
            text,
            "| {} | {:.1} ms | {:.1} ms | {:.2} % | {:.1} ms | {:.0} bytes |",
            thousands(measured.sockets),
            measured.unwatched * 1e3,
            measured.watched * 1e3,
            measured.watched / INTERVAL.as_secs_f64() * 100.0,
            measured.dump * 1e3,
            measured.mark_bytes,
        )?;
    }
    let (few, many) = namespaces(binary, samples)?;
    writeln!(
        text,
        "\nWithout open sockets a walk took {:.1} ms, and {:.1} ms with {NAMESPACES} more network namespaces: {:.2} ms for each, \
         because the kernel's socket table is one for all namespaces and is looked through for each.",
        few * 1e3,
        many * 1e3,
        (many - few) / NAMESPACES as f64 * 1e3
    )?;
    Ok(text)
}

/// The median time of walks of a machine without the bench's sockets: as it is, and with more namespaces.
fn namespaces(binary: &Path, samples: usize) -> Result<(f64, f64)> {
    let (few, _) = walks(binary, OTHER, samples)?;
    let more = (0..NAMESPACES)
        .map(|_| Namespace::create("empty"))
        .collect::<Result<Vec<_>>>()?;
    let (many, _) = walks(binary, OTHER, samples)?;
    println!(
        "    walk without sockets: {:.1} ms; with {} more namespaces: {:.1} ms",
        few * 1e3,
        more.len(),
        many * 1e3
    );
    Ok((few, many))
}

fn at(binary: &Path, sockets: usize, samples: usize) -> Result<Measured> {
    println!("  {sockets} open sockets");
    let site = Site::create(ENDPOINTS)?;
    let open = open(&site, sockets)?;
    let dump = site.enter(|| dumps(sockets, samples))?;
    println!("    dump by sock_diag: {:.1} ms", dump * 1e3);
    let (unwatched, before) = walks(binary, OTHER, samples)?;
    println!("    walk, unwatched: {:.1} ms", unwatched * 1e3);
    let both = ["upstream", "local"].map(|role| pools(role, site.endpoints(ENDPOINTS)));
    let (watched, after) = walks(binary, &both.concat(), samples)?;
    let mark_bytes = grown(&before, &after, sockets);
    println!(
        "    walk, watched: {:.1} ms; {mark_bytes:.0} bytes a connection",
        watched * 1e3
    );
    drop(open);
    Ok(Measured {
        sockets,
        dump,
        unwatched,
        watched,
        mark_bytes,
    })
}

/// The median time of a dump, which must find all sockets.
fn dumps(sockets: usize, samples: usize) -> Result<f64> {
    let once = || {
        let began = Instant::now();
        let found = diag::dump()?;
        let took = began.elapsed().as_secs_f64();
        ensure!(
            found.sockets == sockets,
            "of {sockets} sockets the dump has {}",
            found.sockets
        );
        ensure!(found.bytes > 0, "the dump has no bytes");
        Ok(took)
    };
    let times = (0..samples).map(|_| once()).collect::<Result<Vec<f64>>>()?;
    Ok(Sample::new(times).context("no dumps")?.median())
}

/// The median time of the walks of an agent with these pools, and the kernel's small memory while it ran.
fn walks(binary: &Path, pools: &str, samples: usize) -> Result<(f64, Slabs)> {
    let agent = agents::start(binary, &format!("live_interval: 1s\npools:\n{pools}"))?;
    // The first walk makes the marks.
    let mut seen = BTreeSet::from([walk_seconds(&agent)?.to_bits()]);
    let mut times = Vec::new();
    wait_for(Duration::from_secs(60), "walks of the socket table", || {
        let seconds = walk_seconds(&agent)?;
        // No two walks take the same time to the nanosecond.
        if seen.insert(seconds.to_bits()) {
            times.push(seconds);
        }
        Ok((times.len() == samples).then_some(()))
    })?;
    let slabs = slabs()?;
    Ok((Sample::new(times).context("no walks")?.median(), slabs))
}

fn walk_seconds(agent: &Agent) -> Result<f64> {
    agents::status_seconds(agent, "/kernel/view/walk_seconds")
}

/// Objects in use and their size in bytes, of the kernel's caches for small memory.
type Slabs = BTreeMap<String, (f64, f64)>;

fn slabs() -> Result<Slabs> {
    let text = fs::read_to_string("/proc/slabinfo").context("no /proc/slabinfo")?;
    let lines = text.lines().filter(|line| line.starts_with("kmalloc-"));
    let caches = lines.filter_map(|line| {
        let mut words = line.split_whitespace();
        let name = words.next()?.to_owned();
        let mut numbers = words.filter_map(|word| word.parse().ok());
        let (active, _all, size) = (numbers.next()?, numbers.next()?, numbers.next()?);
        Some((name, (active, size)))
    });
    Ok(caches.collect())
}

/// The bytes by which caches grew for each socket: of those caches that grew by an object for most sockets.
fn grown(before: &Slabs, after: &Slabs, sockets: usize) -> f64 {
    let growth = after.iter().map(|(name, (active, size))| {
        let old = before.get(name).map_or(0.0, |(active, _)| *active);
        let objects = (active - old) / sockets as f64;
        if objects > 0.5 { objects * size } else { 0.0 }
    });
    growth.sum()
}

/// Opens so many sockets, both ends of connections at the site, and hands them to processes that do nothing but hold them:
/// a single process may not have so many.
fn open(site: &Site, sockets: usize) -> Result<Vec<Process>> {
    raise_file_limit()?;
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    // Some descriptors are in use already.
    let most = usize::try_from(limit)?.saturating_sub(1000).min(sockets) / 2;
    ensure!(most > 0, "the limit of open files is too low: {limit}");
    let numbers: Vec<usize> = (0..sockets / 2).collect();
    let mut holders = Vec::new();
    for part in numbers.chunks(most) {
        let connections = site.enter(|| {
            let open = |number: &usize| site.open(*number, ENDPOINTS);
            part.iter().map(open).collect::<Result<Vec<_>>>()
        })?;
        for (client, server) in &connections {
            fcntl_setfd(client, FdFlags::empty())?;
            fcntl_setfd(server, FdFlags::empty())?;
        }
        let mut holder = Command::new("sleep");
        holder.arg("infinity");
        holders.push(Process::spawn(
            &Namespace::current(),
            "a holder of connections",
            &mut holder,
        )?);
    }
    Ok(holders)
}
