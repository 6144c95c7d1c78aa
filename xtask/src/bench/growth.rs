//! What the agent takes in user space, and how that grows with the number of backends.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use evenkeel_lab::agent::Agent;

use super::agents;
use super::held::{cpu_time, forget_peak, map_memory, memory, thread_time};
use super::report::{self, Aim, Scale, thousands};
use super::site::{Site, pools};
use super::stats::Sample;

/// The size that the aims are about.
const REFERENCE: usize = 10_000;
const SCRAPES: u32 = 10;

/// How often Prometheus is usually told to scrape.
const SCRAPE_INTERVAL: f64 = 15.0;

const MIB: f64 = 1024.0 * 1024.0;

/// What an agent with so many backends took. Times in seconds, memory in bytes, CPU in parts of a core.
struct Measured {
    backends: usize,
    cpu: f64,
    cpu_of_ticks: f64,
    cpu_of_a_scrape: f64,
    start_peak: u64,
    peak: u64,
    resident: u64,
    kernel: u64,
    tick: Sample,
    scrape: Sample,
    scrape_bytes: usize,
}

impl Measured {
    fn cpu_with_scrapes(&self) -> f64 {
        self.cpu + self.cpu_of_a_scrape / SCRAPE_INTERVAL
    }

    fn whole_peak(&self) -> u64 {
        self.start_peak.max(self.peak)
    }
}

/// Measures agents of several sizes; gives the table and the aims.
pub(super) fn measure(binary: &Path, scale: Scale) -> Result<String> {
    let (sizes, time): (&[usize], _) = match scale {
        Scale::Full => (
            &[1_000, 5_000, REFERENCE, 20_000, 50_000],
            Duration::from_secs(20),
        ),
        Scale::Quick => (&[1_000, 5_000], Duration::from_secs(3)),
    };
    let site = Site::create(*sizes.iter().max().context("no sizes")?)?;
    let mut all = Vec::new();
    for backends in sizes {
        let measured = at(binary, &site, *backends, time)?;
        println!(
            "  {:>6} backends: {:.2} % of a core, peak {:.1} MiB, tick {:.1} ms, scrape {:.1} ms",
            thousands(*backends),
            measured.cpu_with_scrapes() * 100.0,
            measured.whole_peak() as f64 / MIB,
            measured.tick.median() * 1e3,
            measured.scrape.median() * 1e3
        );
        all.push(measured);
    }
    Ok(format!("{}{}", table(&all, time)?, aims(&all)))
}

fn at(binary: &Path, site: &Site, backends: usize, time: Duration) -> Result<Measured> {
    let config = format!("pools:\n{}", pools("upstream", site.endpoints(backends)));
    let mut agent = agents::start(binary, &config)?;
    let pid = agent.process().pid();
    let start_peak = memory(pid)?.peak;
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let traffic = scope.spawn(|| traffic(site, backends, &stop));
        let measured = watch(&agent, pid, time);
        stop.store(true, Ordering::Relaxed);
        let made = traffic
            .join()
            .ok()
            .context("the traffic's thread panicked")??;
        ensure!(made > 0, "no traffic was made");
        let measured = measured?;
        Ok(Measured {
            backends,
            start_peak,
            ..measured
        })
    })
}

/// A connection a second for every pool of ten backends, so that no pool is idle. Gives how many were made.
fn traffic(site: &Site, backends: usize, stop: &AtomicBool) -> Result<usize> {
    let per_second = backends / 10;
    site.enter(|| {
        let began = Instant::now();
        let mut made = 0;
        while !stop.load(Ordering::Relaxed) {
            let due = usize::try_from(began.elapsed().as_millis())? * per_second / 1000;
            while made < due {
                site.pair(made, backends)?;
                made += 1;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(made)
    })
}

/// Lets the agent tick for some time, and scrapes it afterwards.
fn watch(agent: &Agent, pid: u32, time: Duration) -> Result<Measured> {
    // Buffers grow in the first ticks.
    std::thread::sleep(Duration::from_secs(2));
    forget_peak(pid)?;
    let (began, cpu, ticking) = (
        Instant::now(),
        cpu_time(pid)?,
        thread_time(pid, "evenkeel-tick")?,
    );
    let mut ticks = Vec::new();
    while began.elapsed() < time {
        std::thread::sleep(Duration::from_secs(1));
        ticks.push(agents::status_seconds(agent, "/tick_duration_seconds")?);
    }
    let passed = began.elapsed().as_secs_f64();
    let cpu_of_ticks = (thread_time(pid, "evenkeel-tick")? - ticking) / passed;
    let cpu = (cpu_time(pid)? - cpu) / passed;

    let before = cpu_time(pid)?;
    let began = Instant::now();
    let scrapes = (0..SCRAPES)
        .map(|_| scrape(agent.address()))
        .collect::<Result<Vec<_>>>()?;
    // Ticks went on meanwhile, and are no part of a scrape.
    let own = cpu_time(pid)? - before - cpu * began.elapsed().as_secs_f64();
    let memory = memory(pid)?;
    Ok(Measured {
        backends: 0,
        cpu,
        cpu_of_ticks,
        cpu_of_a_scrape: own.max(0.0) / f64::from(SCRAPES),
        start_peak: 0,
        peak: memory.peak,
        resident: memory.now,
        kernel: map_memory(pid)?,
        tick: Sample::new(ticks).context("no ticks")?,
        scrape: Sample::new(scrapes.iter().map(|(seconds, _)| *seconds)).context("no scrapes")?,
        scrape_bytes: scrapes.first().map_or(0, |(_, bytes)| *bytes),
    })
}

/// One scrape as a client sees it, from the connect to the last byte: seconds and bytes.
fn scrape(agent: SocketAddr) -> Result<(f64, usize)> {
    let began = Instant::now();
    let mut stream = TcpStream::connect(agent)?;
    let accept = "application/openmetrics-text; version=1.0.0";
    write!(
        stream,
        "GET /metrics HTTP/1.1\r\nHost: {agent}\r\nAccept: {accept}\r\nConnection: close\r\n\r\n"
    )?;
    let mut buffer = vec![0; 1 << 18];
    let mut total = stream.read(&mut buffer)?;
    ensure!(
        buffer.starts_with(b"HTTP/1.1 200 "),
        "the agent does not answer a scrape"
    );
    loop {
        match stream.read(&mut buffer)? {
            0 => return Ok((began.elapsed().as_secs_f64(), total)),
            more => total += more,
        }
    }
}

fn table(all: &[Measured], time: Duration) -> Result<String> {
    let mut text = format!(
        "{time:?} of ticks for each size, then {SCRAPES} scrapes. Pools of ten, one connection a second for each pool. CPU in \
         parts of one core; memory in MiB.\n\n\
         | backends | CPU | of it ticks | CPU of a scrape | CPU, scraped every 15 s | resident | peak at start | peak \
         afterwards | kernel's maps | tick (longest) | scrape (longest) | exposition |\n\
         |--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n"
    );
    for measured in all {
        let percent = |part: f64| format!("{:.2} %", part * 100.0);
        let mib = |bytes: u64| format!("{:.1}", bytes as f64 / MIB);
        let times = |sample: &Sample| {
            format!(
                "{:.1} ms ({:.1})",
                sample.median() * 1e3,
                sample.max() * 1e3
            )
        };
        let cells = [
            thousands(measured.backends),
            percent(measured.cpu),
            percent(measured.cpu_of_ticks),
            format!("{:.1} ms", measured.cpu_of_a_scrape * 1e3),
            percent(measured.cpu_with_scrapes()),
            mib(measured.resident),
            mib(measured.start_peak),
            mib(measured.peak),
            mib(measured.kernel),
            times(&measured.tick),
            times(&measured.scrape),
            format!("{:.1} MB", measured.scrape_bytes as f64 / 1e6),
        ];
        writeln!(text, "| {} |", cells.join(" | "))?;
    }
    Ok(text)
}

/// One of the figures of an agent.
type Figure = fn(&Measured) -> f64;

/// Nothing if the run has no agent of the size that the aims are about.
fn aims(all: &[Measured]) -> String {
    let reference = all.iter().find(|measured| measured.backends == REFERENCE);
    let (Some(reference), Some(largest)) = (reference, all.last()) else {
        return String::new();
    };
    let aim = |what: &str, measured: String, met| Aim {
        what: what.to_owned(),
        measured,
        met,
    };
    let cpu = reference.cpu_with_scrapes();
    let peak = reference.whole_peak() as f64 / MIB;
    let scrape = reference.scrape.median();
    let mut aims = vec![
        aim(
            "10,000 backends: under 1 % of a core, scrapes included",
            format!("{:.2} %", cpu * 100.0),
            cpu < 0.01,
        ),
        aim(
            "10,000 backends: under 40 MiB at most",
            format!("{peak:.1} MiB"),
            peak < 40.0,
        ),
        aim(
            "10,000 backends: a scrape under 50 ms",
            format!("{:.1} ms", scrape * 1e3),
            scrape < 0.05,
        ),
    ];
    let times = largest.backends as f64 / REFERENCE as f64;
    let growths: [(&str, Figure); 5] = [
        ("CPU of ticks", |measured| measured.cpu_of_ticks),
        ("peak memory", |measured| measured.whole_peak() as f64),
        ("kernel memory", |measured| measured.kernel as f64),
        ("time of a tick", |measured| measured.tick.median()),
        ("time of a scrape", |measured| measured.scrape.median()),
    ];
    for (what, of) in growths {
        let grown = of(largest) / of(reference);
        // A fifth is what measuring adds or takes.
        let met = grown <= times * 1.2;
        aims.push(aim(
            &format!(
                "{what}: grows at most linearly to {} backends",
                thousands(largest.backends)
            ),
            format!("{grown:.1} times for {times:.0} times the backends"),
            met,
        ));
    }
    report::aims(&aims)
}
