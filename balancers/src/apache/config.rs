//! What decides who gets requests, out of all directives.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

use super::balancer::Balancer;
use super::document::{Context, Directive, Document};
use super::line::Word;
use super::member::Member;
use super::pass::{Pass, Target, pass};
use super::url::{Url, balancer};
use crate::source::Place;

/// The main server, or a virtual host.
#[derive(Clone, Debug, Default)]
pub(super) struct Server {
    /// `ServerName`, else what its section is for; empty for the main server.
    pub(super) title: String,
    /// `BalancerInherit` and `ProxyPassInherit`.
    inherit: [Option<bool>; 2],
}

/// What was configured.
#[derive(Debug, Default)]
pub(super) struct Config {
    /// The main server, then all virtual hosts.
    pub(super) servers: Vec<Server>,
    pub(super) balancers: Vec<Balancer>,
    by_name: HashMap<(usize, String), usize>,
    pub(super) passes: Vec<Pass>,
    /// Where `BalancerPersist On` is.
    pub(super) persist: Option<Place>,
    /// Whether this is all that a server reads, and not a part that others include.
    pub(super) whole: bool,
}

/// Finds members that httpd takes for one that is there already.
#[derive(Default)]
struct Known {
    /// By the names of their workers, for each balancer.
    workers: HashMap<usize, BTreeMap<String, Place>>,
}

/// Reads all directives.
pub(super) fn config(document: &Document) -> Config {
    let servers = std::iter::once(Server::default());
    let mut config = Config {
        servers: servers
            .chain(document.hosts.iter().map(|title| server(title)))
            .collect(),
        whole: document.modules.any(),
        ..Config::default()
    };
    let mut known = Known::default();
    for directive in &document.directives {
        config.directive(directive, &mut known);
    }
    config
}

fn server(title: &str) -> Server {
    Server {
        title: title.to_owned(),
        inherit: [None; 2],
    }
}

impl Config {
    fn directive(&mut self, directive: &Directive, known: &mut Known) {
        let args = directive.args();
        let host = directive.context.host;
        let on = args.first().map(|word| word.is("on"));
        match directive.name().text.to_ascii_lowercase().as_str() {
            // Without parameters the section makes no balancer.
            "<proxy" if args.len() > 1 => self.settings(host, args),
            "proxyset" => match &directive.context.proxy {
                Some(name) => {
                    let words: Vec<Word> = std::iter::once(name).chain(args).cloned().collect();
                    self.settings(host, &words);
                }
                None => self.settings(host, args),
            },
            "balancermember" => self.member(&directive.context, args, known),
            "servername" => {
                if let (Some(server), Some(name)) = (self.servers.get_mut(host), args.first())
                    && host > 0
                {
                    server.title = name.short();
                }
            }
            "balancerinherit" => self.servers[host].inherit[0] = on,
            "proxypassinherit" => self.servers[host].inherit[1] = on,
            "balancerpersist" => {
                self.persist = args
                    .first()
                    .filter(|_| on == Some(true))
                    .map(|word| word.place);
            }
            _ => self.passes(directive),
        }
    }

    fn passes(&mut self, directive: &Directive) {
        let Some(pass) = pass(directive) else { return };
        if let Target::Balancer(name) = &pass.target
            && pass.defines
        {
            let index = self.balancer(pass.host, name.clone(), pass.url.place);
            let balancer = &mut self.balancers[index];
            balancer.settings.take(&pass.params);
            balancer.passed = balancer.passed.or(Some(pass.word.place));
        }
        self.passes.push(pass);
    }

    /// The number of a balancer of a server's own, which is new if there is none of this name.
    fn balancer(&mut self, host: usize, name: String, place: Place) -> usize {
        let next = self.balancers.len();
        let index = *self.by_name.entry((host, name.clone())).or_insert(next);
        if index == next {
            self.balancers.push(Balancer::new(name, host, place));
        }
        index
    }

    /// A balancer's name and parameters.
    fn settings(&mut self, host: usize, words: &[Word]) {
        let Some((first, params)) = words.split_first() else {
            return;
        };
        let Some(name) = balancer(&first.text) else {
            return;
        };
        let index = self.balancer(host, name, first.place);
        self.balancers[index].settings.take(params);
    }

    /// `BalancerMember [balancer] url [key=value ...]`.
    fn member(&mut self, context: &Context, args: &[Word], known: &mut Known) {
        let mut words: Vec<&Word> = args.iter().filter(|word| word.pair().is_none()).collect();
        words.splice(0..0, context.proxy.iter());
        let [name, url, ..] = words[..] else { return };
        let (Some(name_of), Some(parsed)) = (balancer(&name.text), Url::parse(&url.text)) else {
            return;
        };
        let member = Member::new(url, parsed, args);
        let index = self.balancer(context.host, name_of, name.place);
        let balancer = &mut self.balancers[index];
        match known.find_or_add(index, &member) {
            Some(place) => balancer.repeated.push((member, place)),
            None => balancer.members.push(member),
        }
    }

    /// Whether the balancers of the main server hold in a virtual host.
    fn inherits(&self, host: usize) -> bool {
        let set = |which: usize| {
            let of = |host: usize| {
                self.servers
                    .get(host)
                    .and_then(|server| server.inherit[which])
            };
            of(host).or(of(0)).unwrap_or(true)
        };
        set(0) || set(1)
    }

    /// The balancer that a name means in a server. One of the main server takes the place of the virtual host's own:
    /// `merge_balancers` in httpd's `modules/proxy/mod_proxy.c`.
    pub(super) fn meant(&self, host: usize, name: &str) -> Option<usize> {
        let of = |host: usize| self.by_name.get(&(host, name.to_owned())).copied();
        let inherited = of(0).filter(|_| self.inherits(host));
        inherited.or_else(|| of(host))
    }

    /// A server's own balancer of this name.
    pub(super) fn own(&self, host: usize, name: &str) -> Option<&Balancer> {
        let index = self.by_name.get(&(host, name.to_owned()))?;
        self.balancers.get(*index)
    }
}

/// All up to a bound, with it.
fn upto(bound: &str) -> (Bound<&str>, Bound<&str>) {
    (Bound::Unbounded, Bound::Included(bound))
}

impl Known {
    /// The place of the member whose worker this one would share; it is remembered if there is none.
    fn find_or_add(&mut self, balancer: usize, member: &Member) -> Option<Place> {
        let workers = self.workers.entry(balancer).or_default();
        let url = &member.url;
        let mut bound = url.lower.as_str();
        // The greatest name that is not above the bound either is its beginning, or shows how much of one there can be.
        while let Some((worker, place)) = workers.range::<str, _>(upto(bound)).next_back() {
            if url.lower.starts_with(worker) {
                return (worker.len() >= url.authority)
                    .then_some(*place)
                    .or_else(|| Self::add(workers, member));
            }
            let pairs = worker.chars().zip(bound.chars());
            let common = pairs.take_while(|(a, b)| a == b);
            bound = &url.lower[..common.map(|(char, _)| char.len_utf8()).sum()];
        }
        Self::add(workers, member)
    }

    fn add(workers: &mut BTreeMap<String, Place>, member: &Member) -> Option<Place> {
        workers.insert(member.url.worker.clone(), member.word.place);
        None
    }
}
