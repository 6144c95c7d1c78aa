//! A backend in the copy: how it chooses, and its servers, each a listener of the gate's own.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;

use evenkeel_balancers::model::Traffic;
use evenkeel_balancers::{HaproxyLine, HaproxyProxy};

use super::key;
use crate::gate::hermetic::copy::{CopiedPool, Places};
use crate::gate::hermetic::traffic::Keys;

/// Lines that decide who gets a request.
const LINES: [&str; 9] = [
    "mode",
    "balance",
    "hash-type",
    "hash-balance-factor",
    "hash-preserve-affinity",
    "fullconn",
    "http-reuse",
    "retries",
    "no",
];
/// The options that do.
const OPTIONS: [&str; 5] = [
    "allbackups",
    "redispatch",
    "prefer-last-server",
    "http-server-close",
    "httpclose",
];
/// What of a server decides. Checks, agents and what follows another server are left out: all listeners are up.
const PARAMETERS: [&str; 10] = [
    "weight",
    "backup",
    "no-backup",
    "disabled",
    "enabled",
    "id",
    "hash-key",
    "maxconn",
    "minconn",
    "maxqueue",
];
/// More servers than this of one template are not made.
const MOST_OF_TEMPLATE: u32 = 500;
/// How long anything may take; nothing does.
const TIMEOUTS: &str = "    timeout connect 5s\n    timeout client 30s\n    timeout server 30s\n    timeout queue 30s\n";

/// What is written of a backend.
pub(super) struct Copied {
    pub(super) text: String,
    pub(super) keys: Keys,
    pub(super) pool: CopiedPool,
}

struct Writer<'p> {
    places: &'p mut dyn Places,
    text: String,
    servers: BTreeMap<SocketAddr, String>,
    /// Each writing is one backend, so that an address that stands there twice stays one.
    known: BTreeMap<String, SocketAddr>,
}

/// Copies a backend; the inner error says why it cannot be.
pub(super) fn copied(
    proxy: &HaproxyProxy,
    places: &mut dyn Places,
) -> io::Result<Result<Copied, String>> {
    if let Some(reason) = uncopyable(proxy) {
        return Ok(Err(reason));
    }
    let mode = mode(proxy);
    let balance = proxy.lines.iter().rfind(|line| line.name() == "balance");
    let keys = match key::of(balance, mode == "http") {
        Ok(keys) => keys,
        Err(reason) => return Ok(Err(reason)),
    };
    let entry = places.entry()?;
    let mut writer = Writer {
        places,
        // No defaults but those that the lines below are of.
        text: format!(
            "defaults\n{TIMEOUTS}frontend to-{name}\n    mode {mode}\n    bind {entry}\n    default_backend {name}\nbackend {name}\n",
            name = proxy.name
        ),
        servers: BTreeMap::new(),
        known: BTreeMap::new(),
    };
    for line in &proxy.lines {
        if let Err(reason) = writer.line(line)? {
            return Ok(Err(reason));
        }
    }
    Ok(Ok(Copied {
        text: writer.text,
        keys,
        pool: CopiedPool {
            name: proxy.name.clone(),
            traffic: if mode == "http" {
                Traffic::Requests
            } else {
                Traffic::Connections
            },
            entry,
            servers: writer.servers,
            notes: notes(proxy),
        },
    }))
}

/// Why a backend has no place in the copy.
fn uncopyable(proxy: &HaproxyProxy) -> Option<String> {
    if proxy.undecided
        || proxy
            .lines
            .iter()
            .any(|line| line.undecided && decides(line))
    {
        return Some(
            "it depends on a condition (`.if`) that only the host that runs it can decide"
                .to_owned(),
        );
    }
    let mode = mode(proxy);
    (!matches!(mode, "tcp" | "http"))
        .then(|| format!("`mode {mode}` balances neither connections nor requests"))
}

/// Whether the copy has anything of a line.
fn decides(line: &HaproxyLine) -> bool {
    LINES.contains(&line.name())
        || matches!(
            line.name(),
            "option" | "server" | "server-template" | "default-server"
        )
}

fn mode(proxy: &HaproxyProxy) -> &str {
    let line = proxy.lines.iter().rfind(|line| line.name() == "mode");
    line.and_then(|line| line.arg(0)).unwrap_or("tcp")
}

/// What decides in production as well, and is not in the copy.
fn notes(proxy: &HaproxyProxy) -> Vec<String> {
    let has = |name: &str| proxy.lines.iter().any(|line| line.name() == name);
    let mut notes = Vec::new();
    if has("stick") || has("cookie") {
        notes.push(
            "sessions that stick to a server are left out: it is judged where new ones go"
                .to_owned(),
        );
    }
    if has("use-server") {
        notes.push("`use-server` rules are left out".to_owned());
    }
    let template = |line: &&HaproxyLine| line.name() == "server-template";
    if proxy.lines.iter().any(|line| template(&line)) {
        notes.push(
            "each slot of a `server-template` has an address here; in production as many have as its name".to_owned(),
        );
    }
    notes
}

impl Writer<'_> {
    /// Takes in a line, if it decides something; the inner error says why it cannot be copied.
    fn line(&mut self, line: &HaproxyLine) -> io::Result<Result<(), String>> {
        match line.name() {
            "server" => {
                let (Some(name), Some(written)) = (line.arg(0), line.arg(1)) else {
                    return Ok(Ok(()));
                };
                let address = match self.known.get(written) {
                    Some(address) => *address,
                    None => self.places.backend()?,
                };
                self.known.insert(written.to_owned(), address);
                self.server(name, address, written, &parameters(line, |_| true));
            }
            "server-template" => return self.template(line),
            "default-server" => match parameters(line, |_| true) {
                none if none.is_empty() => {}
                parameters => self.put(format_args!("default-server{parameters}")),
            },
            "option" if line.arg(0).is_some_and(|option| OPTIONS.contains(&option)) => {
                self.put(format_args!("{line}"));
            }
            "no" if line.arg(1).is_none_or(|option| !OPTIONS.contains(&option)) => {}
            name if LINES.contains(&name) => self.put(format_args!("{line}")),
            _ => {}
        }
        Ok(Ok(()))
    }

    /// One server for each slot.
    fn template(&mut self, line: &HaproxyLine) -> io::Result<Result<(), String>> {
        let (Some(prefix), Some(count), Some(written)) = (line.arg(0), line.arg(1), line.arg(2))
        else {
            return Ok(Ok(()));
        };
        let (from, to) = count.split_once('-').unwrap_or(("1", count));
        let (Ok(from), Ok(to)) = (from.parse::<u32>(), to.parse::<u32>()) else {
            return Ok(Err(format!(
                "how many servers `{line}` makes is not known here"
            )));
        };
        if to.saturating_sub(from) >= MOST_OF_TEMPLATE {
            return Ok(Err(format!(
                "`{line}` makes more than {MOST_OF_TEMPLATE} servers"
            )));
        }
        for number in from..=to {
            let address = self.places.backend()?;
            // Only the first has the number that is written; the others count on.
            let parameters = parameters(line, |name| number == from || name != "id");
            self.server(&format!("{prefix}{number}"), address, written, &parameters);
        }
        Ok(Ok(()))
    }

    fn server(&mut self, name: &str, address: SocketAddr, written: &str, parameters: &str) {
        self.put(format_args!("server {name} {address}{parameters}"));
        let title = || format!("{name} ({written})");
        self.servers.entry(address).or_insert_with(title);
    }

    fn put(&mut self, line: std::fmt::Arguments<'_>) {
        let written = writeln!(self.text, "    {line}");
        debug_assert!(written.is_ok(), "a String takes anything");
    }
}

/// What of a server's parameters decides and is wanted, each with a space before it.
fn parameters(line: &HaproxyLine, wanted: impl Fn(&str) -> bool) -> String {
    let mut text = String::new();
    for (name, value) in line.parameters() {
        if !PARAMETERS.contains(&name) || !wanted(name) {
            continue;
        }
        let words = std::iter::once(name).chain(value);
        let one = HaproxyLine {
            words: words.map(str::to_owned).collect(),
            ..line.clone()
        };
        text.push(' ');
        text.push_str(&one.to_string());
    }
    text
}
