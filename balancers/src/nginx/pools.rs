//! From nginx' own terms to pools.

use std::collections::BTreeSet;

use super::config::Config;
use super::pass::{Destination, Pass};
use super::server::Server;
use super::shares::{basis, bounds, formula};
use super::upstream::{Choice, Upstream};
use super::uses::Uses;
use crate::configuration::Options;
use crate::finding::{Added, Report, Rule};
use crate::model::{
    Address, Algorithm, Basis, Class, Comparability, Origin, Pool, Scheduling, Share, Shares,
    State, Traffic, Workers,
};
use crate::product::Product;
use crate::shares::{Budget, Formula};
use crate::source::Place;
use crate::text::percent;
use crate::version::Version;

/// Since when connections to servers are kept unless the configuration says otherwise.
pub(super) const KEPT_BY_DEFAULT: Version = Version(1, 29, 7);

/// An upstream, with what rules need to judge it.
pub(super) struct View<'a> {
    pub(super) upstream: &'a Upstream,
    pub(super) pool: Pool,
    /// The shares if each name has one address; `None` if they are too many to compute.
    pub(super) nominal: Option<Vec<f64>>,
    /// What sends traffic to it by name.
    pub(super) users: Vec<&'a Pass>,
    /// How many workers choose.
    pub(super) workers: Workers,
    /// Where their number is set.
    pub(super) workers_place: Option<Place>,
}

impl View<'_> {
    /// The servers that get new traffic while all is well, with their numbers.
    pub(super) fn live(&self) -> impl Iterator<Item = (usize, &Server)> {
        let servers = self.upstream.servers.iter().enumerate();
        servers.filter(|(_, server)| server.is_live())
    }

    /// Adds a finding about this upstream.
    pub(super) fn add<'r>(
        &self,
        report: &'r mut Report,
        rule: &'static Rule,
        place: Place,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Added<'r> {
        report.add(rule, place, message, help).pool(&self.pool.name)
    }

    /// The share of a server if each name has one address, as text.
    pub(super) fn share(&self, index: usize) -> String {
        let share = self.nominal.as_ref().and_then(|shares| shares.get(index));
        share.map_or_else(|| "an unknown part".to_owned(), |share| percent(*share))
    }

    /// What shares in messages rest on, if it has to be said.
    pub(super) fn proviso(&self) -> &'static str {
        if self.live().any(|(_, server)| server.address.is_name()) {
            ", if each name has one address"
        } else {
            ""
        }
    }

    /// What is shared out.
    pub(super) fn units(&self) -> &'static str {
        match self.upstream.choice() {
            Choice::IpHash => "the client networks",
            _ => self.pool.units(),
        }
    }
}

/// All upstreams.
pub(super) fn views<'a>(config: &'a Config, options: &Options) -> Vec<View<'a>> {
    let mut sent = Uses::new(config);
    let workers = workers(config, options);
    let mut budget = Budget::default();
    let numbered = config.upstreams.iter().enumerate();
    let view = |(index, upstream): (usize, &'a Upstream)| {
        let users = sent.take(index);
        let mut pool = declared(upstream, workers);
        let nominal = pool.nominal_shares(&mut budget);
        (pool.shares.servers, pool.notes) = bounds(upstream, nominal.as_deref());
        pool.used = !users.is_empty() || sent.may_be(upstream) || !config.whole;
        pool.comparability = comparability(upstream, &users, options);
        View {
            upstream,
            pool,
            nominal,
            users,
            workers,
            workers_place: config.workers_place,
        }
    };
    numbered.map(view).collect()
}

/// How many workers there are, as far as the configuration and the host tell.
fn workers(config: &Config, options: &Options) -> Workers {
    match (config.workers, options.cpus) {
        (Workers::PerCpu, Some(cpus)) => Workers::Number(cpus),
        (workers, _) => workers,
    }
}

/// What an upstream says of itself.
fn declared(upstream: &Upstream, workers: Workers) -> Pool {
    Pool {
        formula: formula(upstream.choice()),
        scheduling: match upstream.zone {
            Some(_) => Scheduling::Shared,
            None => Scheduling::PerWorker(workers),
        },
        servers: upstream.servers.iter().map(server).collect(),
        shares: Shares {
            of: basis(upstream.choice()),
            servers: Vec::new(),
        },
        ..Pool::new(
            Product::Nginx,
            upstream.name.text.as_str(),
            upstream.traffic,
            upstream.name.place,
            algorithm(upstream),
        )
    }
}

fn algorithm(upstream: &Upstream) -> Algorithm {
    let choice = upstream.choice();
    let class = match choice {
        Choice::Rotation => Class::Rotation,
        Choice::Random { two: false } => Class::Random,
        Choice::Random { two: true } | Choice::LeastConn | Choice::LeastTime => {
            Class::LoadDependent
        }
        Choice::IpHash | Choice::Hash { .. } => Class::KeyDependent,
        Choice::Other(_) => Class::PolicyGated,
    };
    match &upstream.sticky {
        Some(sticky) => Algorithm::new(
            format!("sticky {}, new sessions by {}", sticky.kind, choice.name()),
            Class::KeyDependent,
        ),
        None => Algorithm::new(choice.name(), class),
    }
}

fn server(server: &Server) -> crate::model::Server {
    let state = if server.down.is_some() {
        State::Down
    } else if server.drain.is_some() {
        State::Drained
    } else if server.backup.is_some() {
        State::Backup
    } else {
        State::InRotation
    };
    let route = server.route.iter().cloned();
    crate::model::Server {
        weight: server.weight as f64,
        state,
        max_connections: server.max_conns.map(|(most, _)| most),
        labels: route.map(|route| ("route".to_owned(), route)).collect(),
        ..crate::model::Server::new(server.address.clone(), server.place)
    }
}

/// Whether one connection is one choice.
fn comparability(upstream: &Upstream, users: &[&Pass], options: &Options) -> Comparability {
    if upstream.traffic == Traffic::Connections {
        return Comparability::Exact;
    }
    let new = options.version.map(|version| version >= KEPT_BY_DEFAULT);
    let kept = match (upstream.keepalive, new) {
        (Some(keepalive), _) => keepalive.connections > 0,
        // Without a version either may be.
        (None, new) => new != Some(false),
    };
    let speaks = |pass: &&Pass| match pass.directive.as_str() {
        "proxy_pass" if new != Some(true) && upstream.keepalive.is_some() => {
            let version = pass.scope.http_version.as_deref();
            pass.scope.connection_cleared && version.is_some_and(|version| version != "1.0")
        }
        "scgi_pass" | "uwsgi_pass" => false,
        _ => true,
    };
    if kept && (users.is_empty() || users.iter().any(speaks)) {
        Comparability::Approximate
    } else {
        Comparability::Exact
    }
}

/// The addresses that stand where the name of an upstream could, once each.
pub(super) fn implicit(config: &Config, options: &Options) -> Vec<Pool> {
    let by_name = config.by_name();
    let mut seen = BTreeSet::new();
    let mut pools = Vec::new();
    for pass in &config.passes {
        let Destination::Host { name, address } = &pass.target else {
            continue;
        };
        let declared = by_name.contains_key(&(pass.traffic, name.clone()));
        if !declared && seen.insert((pass.traffic, address.key())) {
            pools.push(implicit_pool(pass, address, workers(config, options)));
        }
    }
    pools
}

fn implicit_pool(pass: &Pass, address: &Address, workers: Workers) -> Pool {
    let place = pass.word.place;
    let algorithm = Algorithm::new(Choice::Rotation.name(), Class::Rotation);
    let note = "a name stands for all its addresses, which take turns";
    Pool {
        origin: Origin::Implicit,
        formula: Some(Formula::Weight),
        scheduling: Scheduling::PerWorker(workers),
        notes: address
            .is_name()
            .then(|| note.to_owned())
            .into_iter()
            .collect(),
        servers: vec![crate::model::Server::new(address.clone(), place)],
        shares: Shares {
            of: Basis::Arrivals,
            servers: vec![Share::exactly(1.0)],
        },
        ..Pool::new(
            Product::Nginx,
            address.key(),
            pass.traffic,
            place,
            algorithm,
        )
    }
}
