//! `server`, `default-server` and `server-template` lines.

use std::net::SocketAddr;
use std::ops::RangeInclusive;

use super::line::Word;
use crate::model::{Address, Target};
use crate::source::Place;

/// Keywords with a value (their tables in `src/*.c`, of all versions); `source` has more.
const WITH_VALUE: [&str; 72] = [
    "addr",
    "agent-addr",
    "agent-inter",
    "agent-port",
    "agent-send",
    "alpn",
    "ca-file",
    "cc",
    "check-alpn",
    "check-pool-conn-name",
    "check-proto",
    "check-sni",
    "ciphers",
    "ciphersuites",
    "client-sigalgs",
    "cookie",
    "crl-file",
    "crt",
    "curves",
    "downinter",
    "error-limit",
    "fall",
    "fastinter",
    "guid",
    "hash-key",
    "healthcheck",
    "id",
    "idle-ping",
    "init-addr",
    "init-state",
    "inter",
    "interface",
    "ktls",
    "log-bufsize",
    "log-proto",
    "max-reuse",
    "maxconn",
    "maxqueue",
    "minconn",
    "namespace",
    "npn",
    "observe",
    "on-error",
    "on-marked-down",
    "on-marked-up",
    "pool-conn-name",
    "pool-low-conn",
    "pool-max-conn",
    "pool-purge-delay",
    "port",
    "proto",
    "proxy-v2-options",
    "quic-cc-algo",
    "redir",
    "resolve-net",
    "resolve-opts",
    "resolve-prefer",
    "resolvers",
    "rise",
    "shard",
    "sigalgs",
    "slowstart",
    "sni",
    "socks4",
    "source",
    "ssl-max-ver",
    "ssl-min-ver",
    "tcp-md5sig",
    "tcp-ut",
    "track",
    "usesrc",
    "weight",
];
const MORE_WITH_VALUE: [&str; 3] = ["verify", "verifyhost", "ws"];

/// A value, and the words that give it.
pub(super) type Given<T> = Option<(T, Place)>;

/// What parameters say, first those of `default-server`, then a server's own.
#[derive(Clone, Debug, Default)]
pub(super) struct Params {
    /// 0 to 256, 1 unless given; `None` inside: not known.
    pub(super) weight: Given<Option<u64>>,
    pub(super) backup: Option<Place>,
    pub(super) disabled: Option<Place>,
    pub(super) check: Option<Place>,
    pub(super) agent: Option<Place>,
    pub(super) track: Option<Place>,
    pub(super) observe: Option<Place>,
    pub(super) maxconn: Given<Option<u64>>,
    pub(super) minconn: Option<Place>,
    pub(super) maxqueue: Given<Option<u64>>,
    /// Milliseconds.
    pub(super) slowstart: Given<Option<u64>>,
    /// Milliseconds.
    pub(super) inter: Given<Option<u64>>,
    pub(super) id: Given<Option<u64>>,
    pub(super) cookie: Option<Word>,
    pub(super) hash_key: Option<Word>,
    pub(super) resolvers: Option<Word>,
    /// Whether requests share connections (HTTP/2).
    pub(super) multiplexed: bool,
}

/// A server, or as many as a template has.
#[derive(Clone, Debug)]
pub(super) struct Server {
    pub(super) name: Word,
    pub(super) address: Address,
    pub(super) place: Place,
    pub(super) params: Params,
    /// How many servers the line makes; `None` for `server`.
    pub(super) template: Option<u64>,
    /// Its number, by which the ring is made and `first` goes.
    pub(super) id: u32,
}

impl Server {
    /// Its weight; 1 if it is not known.
    pub(super) fn weight(&self) -> u64 {
        self.params
            .weight
            .and_then(|(weight, _)| weight)
            .unwrap_or(1)
    }

    pub(super) fn is_backup(&self) -> bool {
        self.params.backup.is_some()
    }

    /// Whether it takes new clients.
    pub(super) fn is_usable(&self) -> bool {
        self.params.disabled.is_none() && self.weight() > 0
    }

    /// Whether it takes new clients while all is well.
    pub(super) fn is_live(&self) -> bool {
        self.is_usable() && !self.is_backup()
    }

    /// Where its weight is written, else its name.
    pub(super) fn weight_place(&self) -> Place {
        self.params
            .weight
            .map_or(self.name.place, |(_, place)| place)
    }
}

/// A word that is wrong, and what is wrong with it.
pub(super) type Wrong = (Place, String);

/// A `server` or `server-template` line; `defaults` are the parameters of `default-server` so far.
pub(super) fn server(words: &[Word], defaults: &Params) -> Result<Server, Wrong> {
    let template = words[0].is("server-template");
    let needed = if template { 4 } else { 3 };
    if words.len() < needed {
        let what = if template {
            "`server-template` needs a prefix, a number and a name: `server-template app 4 app.example:80`"
        } else {
            "`server` needs a name and an address: `server app1 192.0.2.1:80`"
        };
        return Err((words[0].place, what.to_owned()));
    }
    let address = &words[needed - 1];
    let count = template.then(|| count(&words[2])).transpose()?;
    let mut params = defaults.clone();
    params.read(&words[needed..])?;
    Ok(Server {
        name: words[1].clone(),
        address: self::address(&address.text),
        place: words[1].place,
        params,
        template: count,
        id: 0,
    })
}

/// `5` or `3-7`: how many servers.
fn count(word: &Word) -> Result<u64, Wrong> {
    let (from, to) = word.text.split_once('-').unwrap_or(("1", &word.text));
    match (from.parse::<u64>(), to.parse::<u64>()) {
        _ if word.unresolved => Ok(1),
        (Ok(from @ 1..), Ok(to)) if to >= from => Ok(to - from + 1),
        _ => Err((
            word.place,
            "a number or a range is expected: `4`, `1-4`".to_owned(),
        )),
    }
}

impl Params {
    /// Takes in parameters; what is not known is passed over.
    pub(super) fn read(&mut self, words: &[Word]) -> Result<(), Wrong> {
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            let name = &*word.text;
            if !(WITH_VALUE.contains(&name) || MORE_WITH_VALUE.contains(&name)) {
                self.flag(word);
                continue;
            }
            let Some(value) = rest.next() else {
                return Err((word.place, format!("`{name}` needs a value")));
            };
            self.value(word, value)?;
        }
        Ok(())
    }

    fn flag(&mut self, word: &Word) {
        let here = Some(word.place);
        match &*word.text {
            "backup" => self.backup = here,
            "no-backup" => self.backup = None,
            "disabled" => self.disabled = here,
            "enabled" => self.disabled = None,
            "check" => self.check = here,
            "no-check" => self.check = None,
            "agent-check" => self.agent = here,
            "no-agent-check" => self.agent = None,
            _ => {}
        }
    }

    fn value(&mut self, word: &Word, value: &Word) -> Result<(), Wrong> {
        let place = joined(word.place, value.place);
        let number = |range| number(value, range);
        match &*word.text {
            "weight" => self.weight = Some((number(0..=256)?, place)),
            "maxconn" => self.maxconn = Some((number(0..=u64::MAX)?, place)),
            "minconn" => self.minconn = Some(place),
            "maxqueue" => self.maxqueue = Some((number(0..=u64::MAX)?, place)),
            "id" => self.id = Some((number(1..=u64::from(u32::MAX >> 1))?, place)),
            "slowstart" => self.slowstart = Some((time(value)?, place)),
            "inter" => self.inter = Some((time(value)?, place)),
            "cookie" => self.cookie = Some(value.clone()),
            "hash-key" => self.hash_key = Some(value.clone()),
            "resolvers" => self.resolvers = Some(value.clone()),
            "track" => self.track = Some(place),
            "observe" => self.observe = Some(place),
            "proto" | "alpn" if value.text.contains("h2") => self.multiplexed = true,
            _ => {}
        }
        Ok(())
    }
}

/// From one word to another on the same line.
pub(super) fn joined(first: Place, last: Place) -> Place {
    Place {
        length: last.column.saturating_sub(first.column) + last.length,
        ..first
    }
}

/// A number; `None` if it has a variable whose value is not known.
fn number(word: &Word, range: RangeInclusive<u64>) -> Result<Option<u64>, Wrong> {
    if word.unresolved {
        return Ok(None);
    }
    match word.text.parse::<u64>() {
        Ok(number) if range.contains(&number) => Ok(Some(number)),
        _ if *range.end() == u64::MAX => Err((word.place, "a number is expected".to_owned())),
        _ => {
            let (low, high) = (range.start(), range.end());
            let what = format!("a number from {low} to {high} is expected");
            Err((word.place, what))
        }
    }
}

/// A time in milliseconds, which are the unit where none is written; `None` if it is not known.
pub(super) fn time(word: &Word) -> Result<Option<u64>, Wrong> {
    if word.unresolved {
        return Ok(None);
    }
    let digits = word.text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, suffix) = word.text.split_at(digits);
    let factor = match suffix {
        "us" => Some(0),
        "" | "ms" => Some(1),
        "s" => Some(1000),
        "m" => Some(60_000),
        "h" => Some(3_600_000),
        "d" => Some(86_400_000),
        _ => None,
    };
    let time = number.parse::<u64>().ok().zip(factor);
    match time {
        Some((number, factor)) => Ok(Some(number.saturating_mul(factor))),
        None => Err((word.place, "a time is expected: `30s`, `500ms`".to_owned())),
    }
}

/// `[PROTOCOL@]HOST[:PORT]`, `/path`, or IPv6 without brackets, whose last colon is the port's (`str2sa_range` in
/// `src/tools.c`).
fn address(written: &str) -> Address {
    let (kind, bare) = match written.split_once('@') {
        Some((kind, bare)) => (kind, bare),
        None => ("", written),
    };
    let path = bare.starts_with('/') || matches!(kind, "unix" | "abns" | "abnsz");
    if path && !written.contains('$') {
        return Address {
            written: written.to_owned(),
            target: Target::Unix(bare.to_owned()),
        };
    }
    let unbracketed = bare.matches(':').count() > 1 && !bare.starts_with('[');
    let v6 = bare.rsplit_once(':').filter(|_| unbracketed);
    let socket = v6.and_then(|(host, port)| Some((host.parse().ok()?, port.parse().ok()?)));
    let target = match socket {
        Some((ip, port)) => Target::Ip(SocketAddr::new(ip, port)),
        None if matches!(kind, "fd" | "sockpair" | "rhttp") => Target::Unknown,
        None => Address::parse(bare, None).target,
    };
    Address {
        written: written.to_owned(),
        target,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_as_haproxy_reads_them() {
        let ip = |text: &str| Target::Ip(text.parse().unwrap());
        assert_eq!(address("192.0.2.1:80").target, ip("192.0.2.1:80"));
        assert_eq!(address("ipv4@192.0.2.1:80").target, ip("192.0.2.1:80"));
        assert_eq!(address("2001:db8::1:80").target, ip("[2001:db8::1]:80"));
        assert_eq!(address("[2001:db8::1]:80").target, ip("[2001:db8::1]:80"));
        assert_eq!(
            address("/run/a.sock").target,
            Target::Unix("/run/a.sock".to_owned())
        );
        assert!(address("app.example:80").is_name());
        assert_eq!(address("${HOST}:80").target, Target::Unknown);
        assert_eq!(address("192.0.2.1").target, Target::Unknown);
    }
}
