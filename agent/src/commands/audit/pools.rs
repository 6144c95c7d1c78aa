//! `--pools`: what the configuration means, with the share that each server is expected to get.

use std::collections::BTreeMap;
use std::io::{self, Write};

use evenkeel_balancers::Product;
use evenkeel_balancers::model::{
    Algorithm, Basis, Comparability, Origin, Pool, Scheduling, Server, Share, State, Target,
    Traffic,
};
use evenkeel_balancers::source::Sources;
use serde::Serialize;

use super::json::{At, Failure, print};
use super::report::{Item, Report};
use super::table::{Align, share, table, word};
use super::text::{counted, printable};
use crate::commands::terminal::Terminal;

#[derive(Serialize)]
struct Document<'a> {
    configurations: Vec<Configuration<'a>>,
    errors: Vec<Failure<'a>>,
}

#[derive(Serialize)]
struct Configuration<'a> {
    file: &'a str,
    product: Product,
    pools: Vec<PoolJson<'a>>,
}

#[derive(Serialize)]
struct PoolJson<'a> {
    name: &'a str,
    origin: Origin,
    traffic: Traffic,
    declared: At<'a>,
    algorithm: &'a Algorithm,
    scheduling: Scheduling,
    comparability: Comparability,
    used: bool,
    /// Of what the expected shares are parts.
    shares_of: Basis,
    servers: Vec<ServerJson<'a>>,
    notes: &'a [String],
}

#[derive(Serialize)]
struct ServerJson<'a> {
    name: Option<&'a str>,
    address: &'a str,
    target: &'a Target,
    weight: f64,
    state: State,
    expected_share: Share,
    max_connections: Option<u64>,
    labels: &'a BTreeMap<String, String>,
    declared: At<'a>,
}

pub(super) fn json<'a>(report: &'a Report, out: &mut dyn Write) -> io::Result<()> {
    let configuration = |item: &'a Item| {
        let sources = &item.configuration.sources;
        let pools = item.configuration.pools.iter();
        Configuration {
            file: item.name(),
            product: item.configuration.product,
            pools: pools.map(|pool| pool_json(pool, sources)).collect(),
        }
    };
    let document = Document {
        configurations: report.items.iter().map(configuration).collect(),
        errors: report.failed.iter().map(Failure::from).collect(),
    };
    print(&document, out)
}

fn pool_json<'a>(pool: &'a Pool, sources: &'a Sources) -> PoolJson<'a> {
    let server = |(server, share): (&'a Server, Share)| ServerJson {
        name: server.name.as_deref(),
        address: &server.address.written,
        target: &server.address.target,
        weight: server.weight,
        state: server.state,
        expected_share: share,
        max_connections: server.max_connections,
        labels: &server.labels,
        declared: At::of(server.place, sources),
    };
    PoolJson {
        name: &pool.name,
        origin: pool.origin,
        traffic: pool.traffic,
        declared: At::of(pool.place, sources),
        algorithm: &pool.algorithm,
        scheduling: pool.scheduling,
        comparability: pool.comparability,
        used: pool.used,
        shares_of: pool.shares.of,
        servers: pool.members().map(server).collect(),
        notes: &pool.notes,
    }
}

pub(super) fn text(report: &Report, terminal: Terminal, out: &mut dyn Write) -> io::Result<()> {
    for item in &report.items {
        for pool in &item.configuration.pools {
            describe(pool, &item.configuration.sources, terminal, out)?;
        }
    }
    let pools = report
        .items
        .iter()
        .map(|item| item.configuration.pools.len());
    let found = counted(pools.sum(), "pool");
    writeln!(
        out,
        "{found} in {}",
        counted(report.items.len(), "configuration")
    )
}

fn describe(
    pool: &Pool,
    sources: &Sources,
    terminal: Terminal,
    out: &mut dyn Write,
) -> io::Result<()> {
    let name = printable(&pool.name);
    let name = if terminal.colour {
        format!("\x1b[1m{name}\x1b[0m")
    } else {
        name
    };
    let unused = if pool.used {
        ""
    } else {
        "; nothing sends traffic to it"
    };
    writeln!(out, "{name}  {}", printable(&sources.locate(pool.place)))?;
    writeln!(
        out,
        "  {} {}, by {}{unused}",
        pool.product.title(),
        word(pool.traffic),
        printable(&pool.algorithm.name)
    )?;
    let row = |(server, part): (&Server, Share)| {
        [
            server.title().to_owned(),
            server.weight.to_string(),
            word(server.state),
            share(part),
        ]
    };
    let rows: Vec<_> = pool.members().map(row).collect();
    let of = match pool.shares.of {
        Basis::Arrivals => "expected share",
        Basis::InProgress => "expected share of open ones",
        Basis::Keys => "expected share of keys",
        Basis::Bytes => "expected share of bytes",
    };
    let columns = [
        ("server", Align::Left),
        ("weight", Align::Right),
        ("state", Align::Left),
        (of, Align::Right),
    ];
    write!(out, "{}", table(columns, &rows))?;
    for note in &pool.notes {
        writeln!(out, "  note: {}", printable(note))?;
    }
    writeln!(out)
}
