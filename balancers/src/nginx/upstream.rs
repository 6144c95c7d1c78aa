//! `upstream` blocks in nginx' own terms.

use super::token::Word;
use super::tree::Directive;
use crate::model::{Address, Target, Traffic};
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

/// A `server` line.
#[derive(Clone, Debug)]
pub(super) struct Server {
    pub(super) address: Address,
    pub(super) place: Place,
    /// 1 where none, or none that nginx takes, is written.
    pub(super) weight: u64,
    /// `weight=...`, if it is written.
    pub(super) weight_place: Option<Place>,
    pub(super) max_conns: Option<(u64, Place)>,
    pub(super) max_fails: Option<(u64, Place)>,
    /// In seconds.
    pub(super) fail_timeout: Option<(u64, Place)>,
    pub(super) backup: Option<Place>,
    pub(super) down: Option<Place>,
    pub(super) drain: Option<Place>,
    pub(super) resolve: bool,
    pub(super) route: Option<String>,
}

impl Server {
    /// nginx' defaults: one failed attempt, ten seconds.
    pub(super) const MAX_FAILS: u64 = 1;
    pub(super) const FAIL_TIMEOUT: u64 = 10;

    /// Whether it gets new traffic while all is well.
    pub(super) fn is_live(&self) -> bool {
        self.backup.is_none() && self.down.is_none() && self.drain.is_none()
    }
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

fn server(line: &Directive, traffic: Traffic) -> Option<Server> {
    let word = line.arg(0)?;
    let mut server = Server {
        address: address(&word.text, (traffic == Traffic::Requests).then_some(80)),
        place: word.place,
        weight: 1,
        weight_place: None,
        max_conns: None,
        max_fails: None,
        fail_timeout: None,
        backup: None,
        down: None,
        drain: None,
        resolve: false,
        route: None,
    };
    for parameter in &line.args[1..] {
        server.take(parameter);
    }
    Some(server)
}

impl Server {
    fn take(&mut self, word: &Word) {
        let place = word.place;
        let (name, value) = word.text.split_once('=').unwrap_or((&word.text, ""));
        let number = || value.parse::<u64>().ok();
        match name {
            "weight" => {
                self.weight = number().filter(|weight| *weight > 0).unwrap_or(1);
                self.weight_place = Some(place);
            }
            // 0 means no limit.
            "max_conns" => {
                self.max_conns = number().filter(|most| *most > 0).map(|most| (most, place));
            }
            "max_fails" => self.max_fails = number().map(|most| (most, place)),
            "fail_timeout" => {
                self.fail_timeout = seconds(value).map(|seconds| (seconds, place));
            }
            "backup" => self.backup = Some(place),
            "down" => self.down = Some(place),
            "drain" => self.drain = Some(place),
            "resolve" => self.resolve = true,
            "route" => self.route = Some(value.to_owned()),
            _ => {}
        }
    }
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

/// An address: a socket, or host and port.
pub(super) fn address(written: &str, default_port: Option<u16>) -> Address {
    let unix = written
        .get(..5)
        .is_some_and(|start| start.eq_ignore_ascii_case("unix:"));
    if unix && !written.contains('$') {
        return Address {
            written: written.to_owned(),
            target: Target::Unix(written[5..].to_owned()),
        };
    }
    Address::parse(written, default_port)
}

/// A time as nginx writes it, in seconds: `30`, `30s`, `1h30m` (`ngx_parse_time` in `src/core/ngx_parse.c`).
pub(super) fn seconds(text: &str) -> Option<u64> {
    let mut total = 0_u64;
    let mut number: Option<u64> = None;
    for char in text.chars() {
        if let Some(digit) = char.to_digit(10) {
            let value = number.unwrap_or(0).checked_mul(10)?;
            number = Some(value.checked_add(u64::from(digit))?);
            continue;
        }
        let unit = match char {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            'w' => 7 * 86_400,
            'M' => 30 * 86_400,
            'y' => 365 * 86_400,
            _ => return None,
        };
        total = total.checked_add(number.take()?.checked_mul(unit)?)?;
    }
    match number {
        Some(rest) => total.checked_add(rest),
        None => (!text.is_empty()).then_some(total),
    }
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn times() {
        assert_eq!(seconds("30"), Some(30));
        assert_eq!(seconds("1h30m"), Some(5400));
        assert_eq!(seconds("10000s"), Some(10_000));
        assert_eq!(seconds("1M"), Some(2_592_000));
        for odd in ["", "s", "5x", "99999999999999999999"] {
            assert_eq!(seconds(odd), None, "{odd}");
        }
    }
}
