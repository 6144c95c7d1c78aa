//! `--diff OLD NEW`: what changes in expected shares, as a table, for a pull request, or for programs.

use std::io::{self, Write};
use std::path::Path;

use evenkeel_balancers::model::{Pool, Share};
use evenkeel_balancers::{PoolChange, Presence, ServerChange, diff};
use serde::Serialize;

use super::args::{AuditArgs, Format};
use super::json::{Failure, print};
use super::table::{Align, share, table, word};
use super::text::{counted, printable};
use crate::audit::Inputs;
use crate::commands::exit;
use crate::commands::terminal::Terminal;

/// Reads both, and tells what changes; that something does is no finding.
pub(super) fn run(
    paths: [&Path; 2],
    args: &AuditArgs,
    terminal: Terminal,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> anyhow::Result<u8> {
    let read = |path: &Path| {
        let paths = [path.to_owned()];
        Inputs::read(&paths, args.product, &mut io::stdin().lock())
    };
    let [old, new] = paths.map(read);
    let failed: Vec<_> = old.failed.iter().chain(&new.failed).collect();
    if !failed.is_empty() {
        if args.output == Format::Json {
            let errors = failed.into_iter().map(Failure::from).collect();
            print(&Document { pools: &[], errors }, out)?;
        } else {
            super::tell(failed, terminal, err)?;
        }
        return Ok(exit::USAGE);
    }
    let changes = diff(&pools(&old), &pools(&new));
    match args.output {
        Format::Json => {
            let document = Document {
                pools: &changes,
                errors: Vec::new(),
            };
            print(&document, out)?;
        }
        Format::Markdown => markdown(&changes, out)?,
        _ => text(&changes, out)?,
    }
    Ok(exit::FINE)
}

#[derive(Serialize)]
struct Document<'a> {
    pools: &'a [PoolChange],
    errors: Vec<Failure<'a>>,
}

fn pools(inputs: &Inputs) -> Vec<Pool> {
    let read = inputs.read.iter();
    read.flat_map(|read| read.pools.iter().cloned()).collect()
}

const NOTHING: &str = "No expected share changes.";

fn text(changes: &[PoolChange], out: &mut dyn Write) -> io::Result<()> {
    if changes.is_empty() {
        return writeln!(out, "{NOTHING}");
    }
    for change in changes {
        writeln!(
            out,
            "{} {}",
            printable(&change.name),
            happens(change, printable)
        )?;
        let columns = [
            ("server", Align::Left),
            ("before", Align::Right),
            ("after", Align::Right),
            ("change", Align::Right),
        ];
        let rows: Vec<_> = change.servers.iter().map(row).collect();
        if !rows.is_empty() {
            write!(out, "{}", table(columns, &rows))?;
        }
        writeln!(out)?;
    }
    writeln!(out, "{}", sum(changes))
}

fn markdown(changes: &[PoolChange], out: &mut dyn Write) -> io::Result<()> {
    if changes.is_empty() {
        return writeln!(out, "{NOTHING}");
    }
    writeln!(out, "**Expected shares: {}**", sum(changes))?;
    for change in changes {
        writeln!(out, "\n{} {}", code(&change.name), happens(change, code))?;
        if change.servers.is_empty() {
            continue;
        }
        writeln!(
            out,
            "\n| server | before | after | change |\n|---|---:|---:|---:|"
        )?;
        for server in &change.servers {
            let [_, before, after, difference] = row(server);
            let name = code(&server.address);
            writeln!(out, "| {name} | {before} | {after} | {difference} |")?;
        }
    }
    Ok(())
}

/// What happens to the pool as a whole.
fn happens(change: &PoolChange, shown: impl Fn(&str) -> String) -> String {
    let presence = match change.presence {
        Presence::Added => "is new",
        Presence::Removed => "is removed",
        Presence::Kept => "changes",
    };
    let traffic = word(change.traffic);
    match &change.algorithm {
        Some((old, new)) => {
            let (old, new) = (shown(old), shown(new));
            format!("({traffic}) {presence}, and is by {new} instead of {old}")
        }
        None => format!("({traffic}) {presence}"),
    }
}

fn row(change: &ServerChange) -> [String; 4] {
    let shown = |part: Option<Share>| part.map_or_else(|| "-".to_owned(), share);
    [
        change.address.clone(),
        shown(change.before),
        shown(change.after),
        difference(change),
    ]
}

/// In points of a percent; a server that is not there gets nothing. Empty if a share is not known exactly.
fn difference(change: &ServerChange) -> String {
    let exact = |part: Option<Share>| part.map_or(Some(0.0), Share::exact);
    match (exact(change.before), exact(change.after)) {
        (Some(before), Some(after)) => format!("{:+.1}", (after - before) * 100.0),
        _ => String::new(),
    }
}

fn sum(changes: &[PoolChange]) -> String {
    let servers = changes.iter().map(|change| change.servers.len()).sum();
    let (pools, servers) = (counted(changes.len(), "pool"), counted(servers, "server"));
    format!("{pools} and {servers} change")
}

/// Text as code in a cell of a table: what would end either is taken out.
fn code(text: &str) -> String {
    let text = printable(text).replace('`', "'").replace('|', "\\|");
    format!("`{text}`")
}
