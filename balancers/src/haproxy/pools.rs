//! From `HAProxy`'s own terms to pools.

use std::rc::Rc;

use super::balance::Choice;
use super::line::Word;
use super::proxy::{Config, Proxy};
use super::server::Server;
use super::settings::Mode;
use super::shares::{Budget, shares};
use crate::configuration::{Options, Unresolved};
use crate::model::{Algorithm, Class, Comparability, Pool, Scheduling, State, Traffic, Workers};
use crate::product::Product;
use crate::shares::Formula;
use crate::text::percent;
use crate::version::Version;

/// Since when each group of threads has a rotation of its own.
const ROTATION_PER_GROUP: Version = Version(3, 2, 0);

/// A backend, with what rules need to judge it.
pub(super) struct View<'a> {
    pub(super) proxy: &'a Proxy,
    pub(super) choice: Rc<Choice>,
    pub(super) pool: Pool,
    /// By weight, if each template made one server.
    pub(super) weights: Vec<f64>,
    /// The part of the ring of each server, where there is one.
    pub(super) arcs: Option<Vec<f64>>,
    pub(super) version: Option<Version>,
    /// Whether a proxy before this one tells clients' addresses.
    pub(super) told_source: bool,
}

impl View<'_> {
    /// The servers that take new clients while all is well, with their positions.
    pub(super) fn live(&self) -> impl Iterator<Item = (usize, &Server)> {
        let servers = self.proxy.servers.iter().enumerate();
        servers.filter(|(_, server)| server.is_live())
    }

    /// How many servers these are, with as many for a template as it has slots.
    pub(super) fn size(&self) -> usize {
        let slots = |(_, server): (usize, &Server)| server.template.unwrap_or(1);
        let sum = self.live().map(slots).fold(0, u64::saturating_add);
        usize::try_from(sum).unwrap_or(usize::MAX)
    }

    /// A server's share by weight, or on the ring if there is one.
    pub(super) fn nominal(&self, index: usize) -> f64 {
        let ring = self.arcs.as_ref().unwrap_or(&self.weights);
        ring.get(index).copied().unwrap_or(0.0)
    }

    /// The same, as text.
    pub(super) fn share(&self, index: usize) -> String {
        percent(self.nominal(index))
    }
}

/// All backends that have servers.
pub(super) fn views<'a>(config: &'a Config, options: &Options) -> Vec<View<'a>> {
    let mut budget = Budget::default();
    let balances = |proxy: &&Proxy| !proxy.servers.is_empty() && proxy.settings.mode != Mode::Other;
    let view = |proxy| view(config, proxy, options, &mut budget);
    config.proxies.iter().filter(balances).map(view).collect()
}

fn view<'a>(config: &Config, proxy: &'a Proxy, options: &Options, budget: &mut Budget) -> View<'a> {
    let choice = proxy.choice(options.version);
    let expected = shares(proxy, &choice, options.version, budget);
    let named = !config.dynamic.is_empty() || config.used.contains(&proxy.name.text);
    let used = proxy.kind.is("listen") || named || !config.whole;
    View {
        pool: Pool {
            scheduling: scheduling(config, &choice, options),
            comparability: comparability(proxy),
            servers: proxy.servers.iter().map(server).collect(),
            formula: formula(proxy, &choice),
            shares: expected.bounds,
            used: used && !proxy.settings.disabled,
            notes: expected.notes,
            ..Pool::new(
                Product::Haproxy,
                proxy.name.text.to_string(),
                traffic(proxy.settings.mode),
                proxy.name.place,
                algorithm(proxy, &choice),
            )
        },
        proxy,
        choice,
        weights: expected.weights,
        arcs: expected.arcs,
        version: options.version,
        told_source: config.told_source,
    }
}

/// The formula of the shares, where it needs no more than weights; rings are made of ids.
fn formula(proxy: &Proxy, choice: &Choice) -> Option<Formula> {
    match choice {
        Choice::RoundRobin | Choice::StaticRr | Choice::LeastConn => Some(Formula::Weight),
        Choice::Source | Choice::Key(..) if !proxy.settings.hash.consistent => {
            Some(Formula::Weight)
        }
        _ => None,
    }
}

/// What sends traffic where only a request knows.
pub(super) fn unresolved(config: &Config) -> Vec<Unresolved> {
    let word = |(word, mode): &(Word, Mode)| Unresolved {
        written: word.text.to_string(),
        traffic: traffic(*mode),
        place: word.place,
    };
    config.dynamic.iter().map(word).collect()
}

fn traffic(mode: Mode) -> Traffic {
    match mode {
        Mode::Http => Traffic::Requests,
        Mode::Tcp | Mode::Other => Traffic::Connections,
    }
}

fn algorithm(proxy: &Proxy, choice: &Choice) -> Algorithm {
    let class = match choice {
        Choice::RoundRobin | Choice::StaticRr => Class::Rotation,
        Choice::LeastConn => Class::LoadDependent,
        Choice::Random(_) => Class::Random,
        Choice::Source | Choice::Key(..) => Class::KeyDependent,
        Choice::First | Choice::Other(_) => Class::PolicyGated,
    };
    let consistent = choice.is_hash() && proxy.settings.hash.consistent;
    let name = choice.name()
        + if consistent {
            ", hash-type consistent"
        } else {
            ""
        };
    let Some(word) = proxy.sticky() else {
        return Algorithm::new(name, class);
    };
    let kind = if word.is("stick") {
        "stick".to_owned()
    } else {
        format!("cookie {}", word.short())
    };
    let name = format!("{kind}, new sessions by {name}");
    Algorithm::new(name, Class::KeyDependent)
}

/// All threads of a process share one account, or since 3.2 those of a group.
fn scheduling(config: &Config, choice: &Choice, options: &Options) -> Scheduling {
    let new = options
        .version
        .is_some_and(|version| version >= ROTATION_PER_GROUP);
    let groups = config
        .groups
        .filter(|_| new && *choice == Choice::RoundRobin);
    match config.processes.or(groups) {
        Some(number @ 2..) => Scheduling::PerWorker(Workers::Number(number)),
        _ => Scheduling::Shared,
    }
}

/// Whether one connection is one choice. In `mode http` connections are kept and, since 2.0, shared, unless they are closed.
fn comparability(proxy: &Proxy) -> Comparability {
    let settings = &proxy.settings;
    let closed = ["httpclose", "http-server-close", "forceclose"];
    if !settings.is_http()
        || closed
            .iter()
            .any(|option| settings.option(option).is_some())
    {
        return Comparability::Exact;
    }
    if proxy.servers.iter().any(|server| server.params.multiplexed) {
        return Comparability::Unusable;
    }
    Comparability::Approximate
}

fn server(server: &Server) -> crate::model::Server {
    let state = if server.params.disabled.is_some() {
        State::Down
    } else if server.weight() == 0 {
        State::Drained
    } else if server.is_backup() {
        State::Backup
    } else {
        State::InRotation
    };
    let cookie = server
        .params
        .cookie
        .iter()
        .map(|word| ("cookie", word.short()));
    let slots = server
        .template
        .iter()
        .map(|count| ("slots", count.to_string()));
    let labels = cookie
        .chain(slots)
        .map(|(name, value)| (name.to_owned(), value));
    crate::model::Server {
        name: Some(server.name.text.to_string()),
        weight: server.weight() as f64,
        state,
        max_connections: server
            .params
            .maxconn
            .and_then(|(most, _)| most)
            .filter(|most| *most > 0),
        labels: labels.collect(),
        ..crate::model::Server::new(server.address.clone(), server.place)
    }
}
