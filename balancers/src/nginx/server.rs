//! `server` lines of an `upstream`.

use super::token::Word;
use super::tree::Directive;
use crate::model::{Address, Target, Traffic};
use crate::source::Place;

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
    /// After how many failed attempts it is left alone; 0: never.
    pub(super) fn fails(&self) -> u64 {
        self.max_fails.map_or(1, |(fails, _)| fails)
    }

    /// For how long, in seconds.
    pub(super) fn ejection(&self) -> u64 {
        self.fail_timeout.map_or(10, |(seconds, _)| seconds)
    }

    /// Whether it gets new traffic while all is well.
    pub(super) fn is_live(&self) -> bool {
        self.backup.is_none() && self.down.is_none() && self.drain.is_none()
    }
}

/// Reads such a line; `None` if it has no address.
pub(super) fn server(line: &Directive, traffic: Traffic) -> Option<Server> {
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
