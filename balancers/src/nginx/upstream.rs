//! `upstream` blocks in nginx' own terms.

use super::server::{Server, seconds, server};
use super::token::Word;
use super::tree::Directive;
use crate::model::Traffic;
use crate::source::Place;

/// An `upstream` block.
#[derive(Clone, Debug)]
pub(super) struct Upstream {
    pub(super) traffic: Traffic,
    pub(super) name: Word,
    pub(super) servers: Vec<Server>,
    /// In the order in which they stand; the last one counts.
    pub(super) methods: Vec<Method>,
    pub(super) zone: Option<Place>,
    pub(super) keepalive: Option<Keepalive>,
    pub(super) sticky: Option<Sticky>,
    /// Requests wait when no server can take them (commercial).
    pub(super) queue: bool,
}

/// A line that says how servers are chosen.
#[derive(Clone, Debug)]
pub(super) struct Method {
    pub(super) choice: Choice,
    pub(super) place: Place,
}

/// How servers are chosen.
#[derive(Clone, Debug)]
pub(super) enum Choice {
    /// In turn, by weight; what holds where no method is written.
    Rotation,
    LeastConn,
    LeastTime,
    Random {
        /// The better of two.
        two: bool,
    },
    IpHash,
    Hash {
        key: Word,
        consistent: bool,
    },
    /// One of a module that is not known here (`fair`).
    Other(String),
}

impl Choice {
    /// Whether it is `hash ... consistent`.
    pub(super) fn is_ring(&self) -> bool {
        matches!(
            self,
            Self::Hash {
                consistent: true,
                ..
            }
        )
    }

    /// Whether it asks how busy servers are.
    pub(super) fn compares_load(&self) -> bool {
        matches!(
            self,
            Self::LeastConn | Self::LeastTime | Self::Random { two: true }
        )
    }

    /// As users know it.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Rotation => "round robin".to_owned(),
            Self::LeastConn => "least_conn".to_owned(),
            Self::LeastTime => "least_time".to_owned(),
            Self::Random { two: false } => "random".to_owned(),
            Self::Random { two: true } => "random two".to_owned(),
            Self::IpHash => "ip_hash".to_owned(),
            Self::Hash { key, consistent } => {
                format!(
                    "hash {}{}",
                    key.text,
                    if *consistent { " consistent" } else { "" }
                )
            }
            Self::Other(name) => name.clone(),
        }
    }
}

/// Connections to servers that are kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keepalive {
    pub(super) connections: u64,
    pub(super) place: Place,
    /// Whether it stands before a method.
    pub(super) before_method: bool,
}

/// `sticky`, by its kind.
#[derive(Clone, Debug)]
pub(super) struct Sticky {
    pub(super) kind: String,
    pub(super) place: Place,
    /// Whether the cookie outlives the browser's session.
    pub(super) expires: bool,
    /// How long a learned session is kept, in seconds.
    pub(super) timeout: Option<u64>,
}

/// Reads an `upstream` block; `None` if it has no name.
pub(super) fn upstream(directive: &Directive, traffic: Traffic) -> Option<Upstream> {
    let mut upstream = Upstream {
        traffic,
        name: directive.arg(0)?.clone(),
        servers: Vec::new(),
        methods: Vec::new(),
        zone: None,
        keepalive: None,
        sticky: None,
        queue: false,
    };
    for line in directive.children() {
        upstream.take(line);
    }
    Some(upstream)
}

impl Upstream {
    /// How its servers are chosen.
    pub(super) fn choice(&self) -> &Choice {
        self.methods
            .last()
            .map_or(&Choice::Rotation, |method| &method.choice)
    }

    /// The servers that are tried first.
    pub(super) fn primaries(&self) -> impl Iterator<Item = &Server> {
        self.servers.iter().filter(|server| server.backup.is_none())
    }

    /// The servers that are tried when no primary can be chosen.
    pub(super) fn backups(&self) -> impl Iterator<Item = &Server> {
        self.servers.iter().filter(|server| server.backup.is_some())
    }

    fn take(&mut self, line: &Directive) {
        let place = line.name.place;
        match line.name.text.as_str() {
            "server" => self.servers.extend(server(line, self.traffic)),
            "zone" => self.zone = Some(place),
            "keepalive" => {
                let number = line.arg(0).and_then(|word| word.text.parse().ok());
                self.keepalive = number.map(|connections| Keepalive {
                    connections,
                    place,
                    before_method: false,
                });
            }
            "sticky" => self.sticky = Some(sticky(line)),
            "queue" => self.queue = true,
            _ => {
                if let Some(choice) = choice(line) {
                    self.methods.push(Method { choice, place });
                    if let Some(keepalive) = &mut self.keepalive {
                        keepalive.before_method = true;
                    }
                }
            }
        }
    }
}

fn choice(line: &Directive) -> Option<Choice> {
    let arg = |index: usize| line.arg(index).map(|word| word.text.as_str());
    Some(match line.name.text.as_str() {
        "least_conn" => Choice::LeastConn,
        "least_time" => Choice::LeastTime,
        "ip_hash" => Choice::IpHash,
        "random" => Choice::Random {
            two: arg(0) == Some("two"),
        },
        "hash" => Choice::Hash {
            key: line.arg(0)?.clone(),
            consistent: arg(1) == Some("consistent"),
        },
        name @ ("fair"
        | "sticky_session"
        | "session_sticky"
        | "chash"
        | "balancer_by_lua_block"
        | "balancer_by_lua_file") => Choice::Other(name.to_owned()),
        _ => return None,
    })
}

fn sticky(line: &Directive) -> Sticky {
    let value = |name: &str| {
        line.args
            .iter()
            .find_map(|word| word.text.strip_prefix(name)?.strip_prefix('='))
    };
    Sticky {
        kind: line
            .arg(0)
            .map_or_else(String::new, |word| word.text.clone()),
        place: line.name.place,
        expires: value("expires").is_some(),
        timeout: value("timeout").and_then(seconds),
    }
}
