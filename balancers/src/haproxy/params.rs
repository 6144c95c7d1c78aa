//! Parameters of servers, in `server`, `server-template` and `default-server` lines.

use std::ops::RangeInclusive;

use super::line::Word;
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
    pub(super) maxconn: Given<Option<u64>>,
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

/// Whether a value follows this keyword.
pub(super) fn takes_value(keyword: &str) -> bool {
    WITH_VALUE.contains(&keyword)
        || MORE_WITH_VALUE.contains(&keyword)
        || keyword.starts_with("set-proxy-v2-tlv-fmt")
}

/// A word that is wrong, and what is wrong with it.
pub(super) type Wrong = (Place, String);

impl Params {
    /// Takes in parameters; what is not known is passed over.
    pub(super) fn read(&mut self, words: &[Word]) -> Result<(), Wrong> {
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            let name = &*word.text;
            if !takes_value(name) {
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
            "maxqueue" => self.maxqueue = Some((number(0..=u64::MAX)?, place)),
            "id" => self.id = Some((number(1..=u64::from(u32::MAX >> 1))?, place)),
            "slowstart" => self.slowstart = Some((time(value)?, place)),
            "inter" => self.inter = Some((time(value)?, place)),
            "cookie" => self.cookie = Some(value.clone()),
            "hash-key" => self.hash_key = Some(value.clone()),
            "resolvers" => self.resolvers = Some(value.clone()),
            "track" => self.track = Some(place),
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
