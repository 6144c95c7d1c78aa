//! Addresses of host names: asked of the system at first and every half minute, the last good answer kept.
//!
//! One thread asks, so that a name server that does not answer holds up nobody: whoever looks up a name that is new waits
//! a moment, and otherwise gets what is known.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use tracing::warn;

/// How often a name is resolved again.
const REFRESH: Duration = Duration::from_secs(30);
/// How long a look-up waits for a name that is new.
const PATIENCE: Duration = Duration::from_secs(2);
/// A name that nobody has looked up for so long is forgotten.
const FORGET: Duration = Duration::from_secs(600);
/// How long the thread sleeps if there is nothing to do.
const NAP: Duration = Duration::from_secs(1);

/// Host names with their addresses.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    table: Mutex<Table>,
    /// Told when a name was asked for, and when one was resolved.
    news: Condvar,
}

#[derive(Debug, Default)]
struct Table {
    names: HashMap<String, Name>,
    /// How often an answer was another than the one before.
    changes: u64,
    running: bool,
}

#[derive(Debug)]
struct Name {
    /// Sorted; empty until the first good answer.
    addresses: Vec<IpAddr>,
    wanted: Instant,
    /// When it was last tried; `None` before the first time.
    tried: Option<Instant>,
    failing: bool,
}

impl Names {
    /// The addresses of `host` with `port`, as far as they are known; none for a name that does not resolve.
    pub(super) fn lookup(&self, host: &str, port: u16) -> Vec<SocketAddr> {
        let now = Instant::now();
        let mut table = self.0.table();
        table.want(host, now);
        self.start(&mut table);
        while table
            .names
            .get(host)
            .is_some_and(|name| name.tried.is_none())
        {
            let left = PATIENCE.saturating_sub(now.elapsed());
            if left.is_zero() {
                break;
            }
            self.0.news.notify_all();
            let waited = self.0.news.wait_timeout(table, left);
            table = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        let addresses = table.names.get(host).map(|name| name.addresses.as_slice());
        let with_port = |ip: &IpAddr| SocketAddr::new(*ip, port);
        addresses
            .unwrap_or_default()
            .iter()
            .map(with_port)
            .collect()
    }

    /// Grows whenever a name has other addresses than before.
    pub(super) fn changes(&self) -> u64 {
        self.0.table().changes
    }

    /// Starts the thread with the first name. It ends with the last handle.
    fn start(&self, table: &mut Table) {
        if table.running {
            return;
        }
        let shared = Arc::downgrade(&self.0);
        let thread = thread::Builder::new().name("evenkeel-names".to_owned());
        match thread.spawn(move || resolve(&shared)) {
            Ok(_) => table.running = true,
            Err(error) => warn!(%error, "cannot start the thread that resolves names"),
        }
    }
}

impl Shared {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn want(&mut self, host: &str, now: Instant) {
        if let Some(name) = self.names.get_mut(host) {
            name.wanted = now;
            return;
        }
        let name = Name {
            addresses: Vec::new(),
            wanted: now,
            tried: None,
            failing: false,
        };
        self.names.insert(host.to_owned(), name);
    }

    /// A name whose turn it is, if there is one: new ones first.
    fn due(&mut self, now: Instant) -> Option<String> {
        self.names
            .retain(|_, name| now.duration_since(name.wanted) < FORGET);
        let due = |name: &&Name| {
            name.tried
                .is_none_or(|tried| now.duration_since(tried) >= REFRESH)
        };
        let due = self.names.iter().filter(|(_, name)| due(name));
        due.min_by_key(|(_, name)| name.tried)
            .map(|(host, _)| host.clone())
    }

    fn answer(&mut self, host: &str, answer: std::io::Result<Vec<IpAddr>>) {
        let Some(name) = self.names.get_mut(host) else {
            return;
        };
        name.tried = Some(Instant::now());
        match answer {
            Ok(addresses) => {
                name.failing = false;
                if name.addresses != addresses {
                    name.addresses = addresses;
                    self.changes += 1;
                }
            }
            Err(error) => {
                if !std::mem::replace(&mut name.failing, true) {
                    warn!(%error, "the name {host} does not resolve; what was known of it is kept");
                }
            }
        }
    }
}

/// Asks for names until nobody wants any.
fn resolve(shared: &Weak<Shared>) {
    while let Some(shared) = shared.upgrade() {
        let mut table = shared.table();
        let Some(host) = table.due(Instant::now()) else {
            // Whoever waits holds a handle of its own; an error is a poisoned lock, which is used all the same.
            drop(shared.news.wait_timeout(table, NAP));
            continue;
        };
        drop(table);
        let answer = addresses(&host);
        table = shared.table();
        table.answer(&host, answer);
        shared.news.notify_all();
    }
}

/// What the system says, in an order that does not depend on the name server's mood.
fn addresses(host: &str) -> std::io::Result<Vec<IpAddr>> {
    let found = (host, 0).to_socket_addrs()?;
    let mut found: Vec<IpAddr> = found
        .map(|address| crate::model::canonical(address).ip())
        .collect();
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_known_at_once_and_a_wrong_one_is_nothing() {
        let names = Names::default();
        let found = names.lookup("localhost", 80);
        assert!(
            found.contains(&SocketAddr::from(([127, 0, 0, 1], 80))),
            "{found:?}"
        );
        assert_eq!(names.changes(), 1);
        // Longer than a label can be: no server is asked.
        assert!(names.lookup(&"a".repeat(64), 80).is_empty());
        assert_eq!(names.lookup("localhost", 81).len(), found.len());
        assert_eq!(names.changes(), 1);
    }
}
