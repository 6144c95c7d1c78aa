//! How a backend chooses: `balance` and `hash-type`.

use super::line::Word;
use crate::source::Place;
use crate::version::Version;

/// Since when `random` is what a backend without `balance` uses.
pub(super) const RANDOM_BY_DEFAULT: Version = Version(3, 3, 0);

/// An algorithm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    RoundRobin,
    StaticRr,
    LeastConn,
    First,
    /// By the client's address.
    Source,
    /// By something in the request: `uri`, `url_param id`, `hdr(host)`, `hash EXPRESSION`, `rdp-cookie`.
    Key(Word, Vec<Word>),
    /// The least loaded of so many draws.
    Random(u64),
    /// Another, of which nothing is known.
    Other(Word),
}

impl Choice {
    /// What a `balance` line says; an error says what is missing.
    pub(super) fn parse(args: &[Word]) -> Result<Self, String> {
        let Some(word) = args.first() else {
            return Err("the name of an algorithm is expected after `balance`".to_owned());
        };
        let (name, inside) = match word.text.split_once('(') {
            Some((name, inside)) => (name, inside.trim_end_matches(')')),
            None => (&*word.text, ""),
        };
        Ok(match name {
            "roundrobin" => Self::RoundRobin,
            "static-rr" => Self::StaticRr,
            "leastconn" => Self::LeastConn,
            "first" => Self::First,
            "source" => Self::Source,
            "uri" | "url_param" | "hdr" | "hash" | "rdp-cookie" => {
                let needed = matches!(name, "url_param" | "hash");
                if needed && args.len() < 2 {
                    return Err(format!("`balance {name}` needs a parameter"));
                }
                Self::Key(word.clone(), args[1..].to_vec())
            }
            "random" if inside.is_empty() => Self::Random(2),
            "random" => match inside.parse() {
                Ok(draws @ 1..) => Self::Random(draws),
                _ if word.unresolved => Self::Random(2),
                _ => return Err("the number of draws is 1 or more".to_owned()),
            },
            _ => Self::Other(word.clone()),
        })
    }

    /// What is used without a `balance` line.
    pub(super) fn default(version: Option<Version>) -> Self {
        if version.is_some_and(|version| version >= RANDOM_BY_DEFAULT) {
            Self::Random(2)
        } else {
            Self::RoundRobin
        }
    }

    /// As `HAProxy` calls it.
    pub(super) fn name(&self) -> String {
        match self {
            Self::RoundRobin => "roundrobin".to_owned(),
            Self::StaticRr => "static-rr".to_owned(),
            Self::LeastConn => "leastconn".to_owned(),
            Self::First => "first".to_owned(),
            Self::Source => "source".to_owned(),
            Self::Random(2) => "random".to_owned(),
            Self::Random(draws) => format!("random({draws})"),
            Self::Key(word, args) => {
                let first = args.first().map(|arg| format!(" {}", arg.short()));
                word.short() + &first.unwrap_or_default()
            }
            Self::Other(word) => word.short(),
        }
    }

    /// Whether it looks at a key.
    pub(super) const fn is_hash(&self) -> bool {
        matches!(self, Self::Source | Self::Key(..))
    }

    /// Whether it needs `mode http`, and is replaced by rotation without it.
    pub(super) fn needs_http(&self) -> bool {
        let text = match self {
            Self::Key(word, _) => &*word.text,
            _ => return false,
        };
        text == "uri" || text == "url_param" || text.starts_with("hdr")
    }

    /// Whether weights that change while it runs have an effect.
    pub(super) fn is_dynamic(&self, hash: &HashType) -> bool {
        match self {
            Self::StaticRr => false,
            Self::Source | Self::Key(..) => hash.consistent,
            _ => true,
        }
    }
}

/// `hash-type`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HashType {
    pub(super) consistent: bool,
    /// `sdbm` unless written.
    pub(super) function: Option<Word>,
    pub(super) avalanche: bool,
    pub(super) place: Option<Place>,
}

impl HashType {
    /// What holds without such a line.
    pub(super) const DEFAULT: Self = Self {
        consistent: false,
        function: None,
        avalanche: false,
        place: None,
    };

    /// What a line says; an error says what is wrong.
    pub(super) fn parse(line: &Word, args: &[Word]) -> Result<Self, String> {
        let kind = args.first().map(|word| &*word.text);
        let consistent = match kind {
            Some("consistent") => true,
            Some("map-based") => false,
            // From long ago: `avalanche` alone.
            Some("avalanche") => {
                return Ok(Self {
                    avalanche: true,
                    place: Some(line.place),
                    ..Self::DEFAULT
                });
            }
            _ => return Err("`consistent` or `map-based` is expected after `hash-type`".to_owned()),
        };
        Ok(Self {
            consistent,
            function: args.get(1).cloned(),
            avalanche: match args.get(2) {
                Some(word) => word.is("avalanche"),
                None => consistent && args.len() == 1,
            },
            place: Some(line.place),
        })
    }

    /// The name of the hash function.
    pub(super) fn function(&self) -> &str {
        self.function.as_ref().map_or("sdbm", |word| &word.text)
    }
}
