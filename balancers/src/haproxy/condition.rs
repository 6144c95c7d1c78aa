//! Conditions of `.if` and `.elif` (`src/cfgcond.c`), as far as they can be decided without the host.

use super::environment::Environment;
use crate::version::Version;

/// How deep parentheses and negations may be; what is deeper is not decided.
const DEPTH: usize = 64;

/// Whether a condition holds; `None` if that depends on what is not known, or is no condition.
///
/// Decided are numbers, `version_atleast` and `version_before` if the version is known, `streq`, `strneq` and `strstr`, and
/// `defined` of what the configuration itself sets. Features, libraries and the rest of the environment are not known.
pub(super) fn holds(
    text: &str,
    environment: &Environment,
    version: Option<Version>,
) -> Option<bool> {
    // The value of an unresolved variable may be anything.
    let mut parser = Parser {
        rest: text,
        environment,
        version,
    };
    let value = parser.any(0)?;
    parser.skip();
    value.filter(|_| parser.rest.is_empty())
}

struct Parser<'a> {
    rest: &'a str,
    environment: &'a Environment,
    version: Option<Version>,
}

/// `None` outside: no condition; `None` inside: not known.
type Value = Option<Option<bool>>;

impl<'a> Parser<'a> {
    fn any(&mut self, depth: usize) -> Value {
        let mut value = self.all(depth)?;
        while self.take("||") {
            value = match (value, self.all(depth)?) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            };
        }
        Some(value)
    }

    fn all(&mut self, depth: usize) -> Value {
        let mut value = self.term(depth)?;
        while self.take("&&") {
            value = match (value, self.term(depth)?) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            };
        }
        Some(value)
    }

    fn term(&mut self, depth: usize) -> Value {
        if depth > DEPTH {
            return None;
        }
        if self.take("!") {
            return Some(self.term(depth + 1)?.map(|value| !value));
        }
        if self.take("(") {
            let value = self.any(depth + 1)?;
            return self.take(")").then_some(value);
        }
        self.skip();
        let word = |char: char| !(char.is_ascii_alphanumeric() || matches!(char, '_' | '-' | '.'));
        let end = self.rest.find(word).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        let Some(inside) = rest.strip_prefix('(') else {
            return name.parse::<i64>().ok().map(|number| Some(number != 0));
        };
        let (args, rest) = inside.split_once(')')?;
        self.rest = rest;
        Some(self.predicate(name, args))
    }

    fn predicate(&self, name: &str, args: &'a str) -> Option<bool> {
        let (first, second) = args.split_once(',').unwrap_or((args, ""));
        let (first, second) = (first.trim(), second.trim());
        let known = !args.contains("${");
        let version = || Some((self.version?, Version::parse(first)?));
        match name {
            "defined" => self.environment.get(first).map(|_| true),
            "version_atleast" => version().map(|(own, least)| own >= least),
            "version_before" => version().map(|(own, most)| own < most),
            "streq" => known.then_some(first == second),
            "strneq" => known.then_some(first != second),
            "strstr" => known.then_some(first.contains(second)),
            _ => None,
        }
    }

    fn skip(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn take(&mut self, sign: &str) -> bool {
        self.skip();
        let rest = self.rest.strip_prefix(sign);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_decided() {
        let mut environment = Environment::new(100);
        environment.set("SET", "x");
        let version = Some(Version(3, 0, 5));
        for (text, expected) in [
            ("1", Some(true)),
            ("0", Some(false)),
            ("version_atleast(2.8)", Some(true)),
            ("version_before(3.0)", Some(false)),
            ("!version_atleast(3.3-dev8) && 1", Some(true)),
            ("defined(SET)", Some(true)),
            ("defined(OTHER)", None),
            ("feature(OPENSSL)", None),
            ("feature(OPENSSL) && 0", Some(false)),
            ("(feature(LUA) || 1) && streq(a,a)", Some(true)),
            ("strneq(a,\"b\")", Some(true)),
            ("streq(${A},a)", None),
            ("nonsense", None),
            ("1 2", None),
            ("(1", None),
            ("", None),
        ] {
            assert_eq!(holds(text, &environment, version), expected, "{text}");
        }
        assert_eq!(holds("version_atleast(2.8)", &environment, None), None);
        assert_eq!(holds(&"!".repeat(1000), &environment, None), None);
    }
}
