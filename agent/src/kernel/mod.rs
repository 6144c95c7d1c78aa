//! The kernel's side of the agent: loads and attaches the programs, and reads what they counted.
//!
//! The only place that knows aya, maps and file descriptors. Everything here blocks and belongs on one thread,
//! which walks enter other network namespaces on.

mod active;
mod canary;
mod capability;
mod clients;
mod host;
mod identity;
mod load;
mod mapped;
mod namespaces;
mod object;
mod offsets;
mod rivals;
mod seats;
mod sys;
mod walk;

use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

use evenkeel_abi::{Key, ROLE_LOCAL, ROLE_UPSTREAM, Seat, Settings, event, port_bit};

pub use self::capability::{Capabilities, Capability};
pub use self::host::{
    CgroupError, CgroupRoot, Extent, KernelVersion, OLDEST_KERNEL, in_initial_pid_namespace,
    netns_cookie,
};
pub use self::identity::Identity;
pub use self::load::LoadError;
pub use self::offsets::OffsetError;
pub use self::rivals::{Attached, attached_programs};
pub(crate) use self::sys::STEADY_COMMANDS;

use self::active::ActiveBook;
use self::canary::CanaryBird;
use self::clients::ClientBook;
use self::load::Loaded;
use self::walk::Walker;
use crate::model::{Canary, Counters, Endpoint, KernelState, Losses, NetnsCookie, Role, View};

/// Kernel memory of one endpoint, in bytes: its seat, its number on the stack of free ones, the hash table's element (header,
/// key, value, rounded to eight), and its part of the buckets, of which there are as many as endpoints, rounded up to a power
/// of two.
pub const BYTES_PER_ENDPOINT: u64 = 128 + 4 + (48 + 32 + 8) + 16;

/// Kernel memory of one connection that a walk met, in bytes: its mark, and the socket's table of marks. Measured: 316 to
/// 319 (docs/benchmarks.md).
pub const BYTES_PER_OPEN_CONNECTION: u64 = 320;

/// [`Settings::upstream_ports`] where endpoints are learned. It stays when learning ends, for what was learned stays.
const ANY_PORT: u64 = u64::MAX;

/// How the kernel side is to be set up.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whose connections are counted.
    pub extent: Extent,
    /// Endpoints that the map has room for; fixed while the agent runs.
    pub capacity: u32,
    /// Whether to count endpoints that are not watched yet, as they appear.
    pub learning: bool,
    /// How often connections that stay open are visited.
    pub live_interval: Duration,
}

/// What was counted of one endpoint, at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observed {
    /// Whose counts these are.
    pub endpoint: Endpoint,
    /// Since the endpoint began to be watched.
    pub counters: Counters,
    /// Connections open now, those older than the agent included.
    pub active: u64,
}

/// Whether open connections were just visited, so that what was met is all that is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Walked {
    /// In every network namespace of the host.
    Everywhere,
    /// Not in all, or not at all.
    NotEverywhere,
}

/// The loaded and attached programs. Dropping it detaches them and frees their maps.
#[derive(Debug)]
pub struct Kernel {
    loaded: Loaded,
    book: ActiveBook,
    canary: CanaryBird,
    clients: ClientBook,
    walker: Option<Walker>,
    settings: Settings,
    options: Options,
    netns: NetnsCookie,
    state: KernelState,
}

impl Kernel {
    /// Loads the programs, meets the connections that are open already, and attaches to the cgroup root.
    ///
    /// # Errors
    /// If the host lacks what counting itself needs, or another of the same identity counts there already; what only the live
    /// view needs is missing without an error and told by [`View::AtClose`].
    pub fn attach(
        identity: Identity,
        options: Options,
        watched: impl IntoIterator<Item = Endpoint>,
    ) -> Result<Self, LoadError> {
        let root = CgroupRoot::of(&options.extent)?;
        let netns = netns_cookie().map_err(LoadError::NetnsCookie)?;
        let (loaded, live) = Loaded::load(identity, options.capacity)?;
        let (walker, view) = match live {
            Ok(program) => (
                Some(Walker::new(program, options.live_interval)),
                View::Live {
                    every: options.live_interval,
                    took: Duration::ZERO,
                    namespaces: 0,
                    unreachable: 0,
                },
            ),
            Err(reason) => (None, View::AtClose { reason }),
        };
        let mut kernel = Self {
            state: KernelState {
                view,
                canary: Canary::Pending,
                learning: options.learning,
                map_entries: 0,
                map_capacity: options.capacity.into(),
                losses: Losses::default(),
                drift_corrected: 0,
                counter_resets: 0,
                clients: None,
                fleet: None,
            },
            settings: Settings {
                learning: options.learning.into(),
                upstream_ports: if options.learning { ANY_PORT } else { 0 },
                seed: clients::seed(),
                ..Settings::default()
            },
            loaded,
            book: ActiveBook::default(),
            canary: CanaryBird::new(netns),
            clients: ClientBook::new(Instant::now()),
            walker,
            options,
            netns,
        };
        kernel.start(&root, watched)?;
        Ok(kernel)
    }

    fn start(
        &mut self,
        root: &CgroupRoot,
        watched: impl IntoIterator<Item = Endpoint>,
    ) -> Result<(), LoadError> {
        let failed = LoadError::Map;
        for endpoint in watched.into_iter().chain(self.canary.endpoint()) {
            self.watch(&endpoint).map_err(failed)?;
        }
        // Whatever is open before the hook is attached is older than the agent, whoever asked for callbacks on it.
        self.settings.adopting = 1;
        self.walk_and_correct().map_err(failed)?;
        self.settings.adopting = 0;
        self.loaded.set_settings(self.settings).map_err(failed)?;
        self.loaded.attach(root)?;
        self.check_alone(root)?;
        // Connections that opened between that walk and the attachment.
        self.walk_and_correct().map_err(failed)
    }

    fn walk_and_correct(&mut self) -> io::Result<()> {
        let walked = self.walk()?;
        self.count(walked, drop)
    }

    /// Of those of one identity that attach at once each sees all that attached before it; the kernel lists them in that
    /// order. Every one but the first gives way.
    fn check_alone(&self, root: &CgroupRoot) -> Result<(), LoadError> {
        let (own, identity) = (self.loaded.hook_id()?, self.loaded.identity());
        let attached = attached_programs(root).map_err(LoadError::Map)?;
        let mut alike = attached
            .iter()
            .filter(|program| program.identity() == Some(identity));
        match alike.next() {
            Some(earlier) if earlier.id != own => Err(LoadError::Second {
                identity,
                program: earlier.id,
                process: earlier.holder.map_or(
                    "of a process that is not visible from here".to_owned(),
                    |pid| format!("of process {pid}"),
                ),
            }),
            _ => Ok(()),
        }
    }

    /// The cookie of the network namespace that the agent runs in.
    pub fn netns(&self) -> NetnsCookie {
        self.netns
    }

    /// What the kernel side can see, and what it could not.
    pub fn state(&self) -> &KernelState {
        &self.state
    }

    /// Counts an endpoint from now on; one that is watched already keeps its counts.
    pub fn watch(&mut self, endpoint: &Endpoint) -> io::Result<()> {
        let before = self.settings;
        match endpoint.role() {
            Role::Local => self.settings.accepting = 1,
            Role::Upstream => self.settings.upstream_ports |= port_bit(endpoint.address().port()),
        }
        if self.settings != before {
            self.loaded.set_settings(self.settings)?;
        }
        self.loaded.seats.give(&key_of(endpoint))
    }

    /// Counts an endpoint no longer, and forgets its counts.
    pub fn unwatch(&mut self, endpoint: &Endpoint) -> io::Result<()> {
        if let Some(seat) = self.loaded.seats.take_back(&key_of(endpoint))? {
            self.book.forget(seat);
        }
        Ok(())
    }

    /// Whether to count endpoints that are not watched yet, from now on.
    pub fn set_learning(&mut self, learning: bool) -> io::Result<()> {
        self.settings.learning = learning.into();
        if learning {
            self.settings.upstream_ports = ANY_PORT;
        }
        self.state.learning = learning;
        self.loaded.set_settings(self.settings)
    }

    /// How often connections that stay open are visited, from now on.
    pub fn set_live_interval(&mut self, interval: Duration) {
        self.options.live_interval = interval;
        if let Some(walker) = &mut self.walker {
            walker.set_interval(interval);
        }
    }

    /// Shows the counts of all watched endpoints to `each`, after a visit of open connections if it is time.
    pub fn read(&mut self, each: impl FnMut(Observed)) -> io::Result<()> {
        self.loaded.seats.settle()?;
        let walked = if self.walker.as_ref().is_some_and(Walker::is_due) {
            self.walk()?
        } else {
            Walked::NotEverywhere
        };
        self.canary.fly();
        self.count(walked, each)?;
        self.state.canary = self.canary.verdict();
        self.state.drift_corrected = self.book.corrected();
        self.state.losses = self.losses();
        self.state.clients = self.clients.read(&self.loaded.clients, Instant::now());
        Ok(())
    }

    /// Shows what was counted, the canary apart.
    fn count(&mut self, walked: Walked, mut each: impl FnMut(Observed)) -> io::Result<()> {
        let (book, canary) = (&mut self.book, &mut self.canary);
        let mut entries = 0;
        self.loaded.seats.read(|seat, Seat { key, counters, .. }| {
            entries += 1;
            let active = match walked {
                Walked::Everywhere => book.after_walk(seat, counters),
                Walked::NotEverywhere => book.active(seat, counters),
            };
            let endpoint = endpoint_of(key);
            if !canary.judge(&endpoint, counters) {
                each(Observed {
                    endpoint,
                    counters: model_of(counters),
                    active,
                });
            }
        })?;
        self.state.map_entries = entries;
        Ok(())
    }

    /// Visits every open connection of every network namespace. A reading of the counts must follow, which corrects them by
    /// what was met.
    fn walk(&mut self) -> io::Result<Walked> {
        let Some(walker) = &mut self.walker else {
            return Ok(Walked::NotEverywhere);
        };
        let (loaded, book) = (&mut self.loaded, &mut self.book);
        let began = Instant::now();
        loaded
            .seats
            .read(|number, seat| book.before_walk(number, &seat.counters))?;
        let visited = walker.walk(loaded, &mut self.settings)?;
        self.state.view = View::Live {
            every: walker.finished(began.elapsed()),
            took: began.elapsed(),
            namespaces: visited.done,
            unreachable: visited.failed,
        };
        // A namespace that was not visited hides connections that are open: no reason to count them as lost.
        if visited.failed == 0 && walker.sees_all_namespaces() {
            Ok(Walked::Everywhere)
        } else {
            Ok(Walked::NotEverywhere)
        }
    }

    fn losses(&self) -> Losses {
        let events = |kind| self.loaded.seats.events(kind);
        Losses {
            map_full: events(event::MAP_FULL),
            insert_refused: events(event::INSERT_REFUSED),
            mark_refused: events(event::MARK_REFUSED),
        }
    }
}

fn key_of(endpoint: &Endpoint) -> Key {
    let address = match endpoint.address().ip() {
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => ip,
    };
    Key {
        address: address.octets(),
        netns: endpoint.netns().map_or(0, |cookie| cookie.0),
        port: endpoint.address().port(),
        role: match endpoint.role() {
            Role::Upstream => ROLE_UPSTREAM,
            Role::Local => ROLE_LOCAL,
        },
        padding: 0,
    }
}

fn endpoint_of(key: &Key) -> Endpoint {
    let role = if key.role == ROLE_LOCAL {
        Role::Local
    } else {
        Role::Upstream
    };
    let address = SocketAddr::new(Ipv6Addr::from(key.address).into(), key.port);
    Endpoint::new(role, address, NetnsCookie(key.netns))
}

fn model_of(counters: &evenkeel_abi::Counters) -> Counters {
    Counters {
        opened: counters.opened,
        failed: counters.failed,
        closed: counters.closed,
        received: counters.received,
        sent: counters.sent,
        retransmits: counters.retransmits,
        handshakes: counters.handshakes,
        handshake_micros: counters.handshake_micros,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_survive_the_way_through_a_key() {
        let cookie = NetnsCookie(7);
        for address in [
            "192.0.2.1:80",
            "[2001:db8::1]:443",
            "127.0.0.1:1",
            "[::1]:65535",
        ] {
            for role in [Role::Upstream, Role::Local] {
                let endpoint = Endpoint::new(role, address.parse().unwrap(), cookie);
                assert_eq!(endpoint_of(&key_of(&endpoint)), endpoint);
            }
        }
    }
}
