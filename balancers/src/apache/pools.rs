//! From httpd's own terms to pools.

use std::collections::HashMap;

use super::balancer::{Balancer, Method, Settings};
use super::config::Config;
use super::member::Member;
use super::pass::{Pass, Target};
use super::shares::{formula, shares};
use crate::finding::{Added, Report, Rule};
use crate::model::{Algorithm, Class, Comparability, Pool, Server, State, Traffic};
use crate::product::Product;
use crate::shares::apache_turns;
use crate::source::Place;
use crate::text::percent;

/// A balancer, with what rules need to judge it.
pub(super) struct View<'a> {
    pub(super) balancer: &'a Balancer,
    pub(super) pool: Pool,
    /// What holds where it is used: of several virtual hosts, what the first says.
    pub(super) settings: Settings,
    /// How members are chosen where it is used.
    pub(super) method: Method,
    /// Which members take new requests while all is well.
    pub(super) turns: Vec<bool>,
    /// Their shares, by load factor.
    pub(super) by_factor: Vec<f64>,
    /// What sends requests to it.
    pub(super) users: Vec<&'a Pass>,
}

impl View<'_> {
    /// The members that take new requests while all is well, with their numbers.
    pub(super) fn live(&self) -> impl Iterator<Item = (usize, &Member)> {
        let turns = self.turns.iter().copied();
        let members = self.balancer.members.iter().zip(turns).enumerate();
        members.filter_map(|(index, (member, turn))| turn.then_some((index, member)))
    }

    /// A member's share by load factor, as text.
    pub(super) fn share(&self, index: usize) -> String {
        percent(self.by_factor.get(index).copied().unwrap_or(0.0))
    }

    /// Adds a finding about this balancer.
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

    /// What is shared out.
    pub(super) fn units(&self) -> &'static str {
        self.pool.units()
    }
}

/// All balancers that members are in and that are not replaced by others.
pub(super) fn views(config: &Config) -> Vec<View<'_>> {
    let mut users: HashMap<usize, Vec<&Pass>> = HashMap::new();
    for pass in &config.passes {
        if let Target::Balancer(name) = &pass.target
            && let Some(index) = config.meant(pass.host, name)
        {
            users.entry(index).or_default().push(pass);
        }
    }
    let open = config
        .passes
        .iter()
        .any(|pass| matches!(pass.target, Target::Variable));
    let mut names = Names::new(config);
    let numbered = config.balancers.iter().enumerate();
    let real = numbered.filter(|(index, balancer)| {
        let meant = config.meant(balancer.host, &balancer.name);
        !balancer.members.is_empty() && meant == Some(*index)
    });
    real.map(|(index, balancer)| {
        let users = users.remove(&index).unwrap_or_default();
        let name = names.take(config, balancer);
        let mut view = view(config, balancer, users, name);
        view.pool.used = !view.users.is_empty() || open || !config.whole;
        view
    })
    .collect()
}

/// Names of pools, each once.
struct Names {
    /// How many balancers have each.
    many: HashMap<String, usize>,
    given: HashMap<String, usize>,
}

impl Names {
    fn new(config: &Config) -> Self {
        let mut many = HashMap::new();
        for balancer in config
            .balancers
            .iter()
            .filter(|balancer| !balancer.members.is_empty())
        {
            *many.entry(balancer.name.clone()).or_default() += 1;
        }
        Self {
            many,
            given: HashMap::new(),
        }
    }

    /// The balancer's name; with its virtual host's if others have the same, and a number if that is not enough.
    fn take(&mut self, config: &Config, balancer: &Balancer) -> String {
        let alone = self.many.get(&balancer.name).is_none_or(|many| *many < 2);
        let title = config
            .servers
            .get(balancer.host)
            .map(|server| &server.title);
        let name = match title.filter(|_| !alone && balancer.host > 0) {
            Some(title) => format!("{} ({title})", balancer.name),
            None => balancer.name.clone(),
        };
        let given = self.given.entry(name.clone()).or_default();
        *given += 1;
        match *given {
            1 => name,
            number => format!("{name} #{number}"),
        }
    }
}

/// How members are chosen in a server that uses a balancer: a virtual host that names one of the main server by `ProxyPass`
/// has a method of its own, which is `byrequests` unless that says otherwise.
pub(super) fn method_in(config: &Config, balancer: &Balancer, host: usize) -> Method {
    let own = config.own(host, &balancer.name);
    own.unwrap_or(balancer).settings.method()
}

/// How members are chosen, if it is the same wherever a balancer is used; else what its own server says.
fn method(
    config: &Config,
    balancer: &Balancer,
    users: &[&Pass],
    notes: &mut Vec<String>,
) -> Method {
    let own = || balancer.settings.method();
    let mut methods = users
        .iter()
        .map(|user| method_in(config, balancer, user.host));
    let Some(first) = methods.next() else {
        return own();
    };
    if methods.all(|method| method == first) {
        return first;
    }
    notes.push("virtual hosts use it with different methods".to_owned());
    own()
}

/// What a balancer of the main server and the virtual hosts that use it say of it.
fn settings(config: &Config, balancer: &Balancer, users: &[&Pass]) -> Settings {
    let mut settings = balancer.settings.clone();
    for user in users.iter().rev().filter(|user| user.host != balancer.host) {
        if let Some(own) = config.own(user.host, &balancer.name) {
            settings.merge(&own.settings);
        }
    }
    settings
}

fn view<'a>(
    config: &Config,
    balancer: &'a Balancer,
    users: Vec<&'a Pass>,
    name: String,
) -> View<'a> {
    let settings = settings(config, balancer, &users);
    let mut notes = Vec::new();
    let method = method(config, balancer, &users, &mut notes);
    let choices: Vec<_> = balancer.members.iter().map(Member::choice).collect();
    let turns = apache_turns(&choices);
    let (shares, by_factor) = shares(balancer, &method, &turns, &mut notes);
    let algorithm = algorithm(&settings, &method);
    let place = balancer.place;
    let pool = Pool {
        formula: formula(&method),
        comparability: comparability(balancer.members.iter()),
        servers: members(balancer, &turns),
        shares,
        notes,
        ..Pool::new(Product::Apache, name, Traffic::Requests, place, algorithm)
    };
    View {
        balancer,
        pool,
        settings,
        method,
        turns,
        by_factor,
        users,
    }
}

fn algorithm(settings: &Settings, method: &Method) -> Algorithm {
    let class = match method {
        Method::ByRequests => Class::Rotation,
        Method::ByTraffic | Method::ByBusyness | Method::Heartbeat => Class::LoadDependent,
        Method::Other(_) => Class::PolicyGated,
    };
    match &settings.sticky {
        Some((session, _)) => {
            let session: String = session.chars().take(80).collect();
            let name = format!("stickysession {session}, new sessions {}", method.name());
            Algorithm::new(name, Class::KeyDependent)
        }
        None => Algorithm::new(method.name(), class),
    }
}

fn members(balancer: &Balancer, turns: &[bool]) -> Vec<Server> {
    let pairs = balancer.members.iter().zip(turns);
    pairs.map(|(member, live)| server(member, *live)).collect()
}

pub(super) fn server(member: &Member, live: bool) -> Server {
    let state = match member.status.out() {
        _ if live => State::InRotation,
        Some(("+N", _)) => State::Drained,
        Some(_) => State::Down,
        None => State::Backup,
    };
    let route = member
        .route
        .iter()
        .map(|(route, _)| ("route", route.clone()));
    let set = member.set.iter().map(|(set, _)| ("lbset", set.to_string()));
    let address = member.url.address.clone();
    Server {
        weight: member.factor(),
        state,
        max_connections: member.max.map(|(most, _)| most).filter(|most| *most > 0),
        labels: route
            .chain(set)
            .map(|(key, value)| (key.to_owned(), value))
            .collect(),
        ..Server::new(address, member.word.place)
    }
}

/// Whether one connection is one choice: connections are kept, unless they are closed.
pub(super) fn comparability<'a>(
    mut members: impl Iterator<Item = &'a Member> + Clone,
) -> Comparability {
    let multiplexed = |member: &Member| matches!(member.url.scheme.as_str(), "h2" | "h2c");
    if members.clone().any(multiplexed) {
        Comparability::Unusable
    } else if members.all(Member::closes) {
        Comparability::Exact
    } else {
        Comparability::Approximate
    }
}
