//! `BalancerMember`: where a member is, and its parameters.

use super::line::Word;
use super::url::Url;
use crate::shares::{ApacheMember, ApacheRole};
use crate::source::Place;

/// How long a member that failed is not tried, in seconds, if nothing else is written.
const RETRY: u64 = 60;

/// A parameter's value, and where it is written.
pub(super) type Written<T> = Option<(T, Place)>;

/// A member of a balancer.
#[derive(Clone, Debug)]
pub(super) struct Member {
    /// Its URL.
    pub(super) word: Word,
    pub(super) url: Url,
    /// 1 to 100, in hundredths.
    pub(super) factor: Written<f64>,
    pub(super) set: Written<u8>,
    pub(super) status: Status,
    pub(super) route: Written<String>,
    /// In seconds.
    pub(super) retry: Written<u64>,
    /// Connections per process.
    pub(super) max: Written<u64>,
    /// How long to wait for one of them, as it is written.
    pub(super) acquire: Written<String>,
    pub(super) disable_reuse: Option<bool>,
    /// Whether addresses of its name are asked for again after a time.
    pub(super) address_ttl: bool,
    pub(super) upgrade: Option<Place>,
}

/// The letters of `status`, with the place of the parameter that set each last.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Status {
    pub(super) disabled: Option<Place>,
    pub(super) stopped: Option<Place>,
    pub(super) draining: Option<Place>,
    pub(super) unhealthy: Option<Place>,
    pub(super) ignores_errors: Option<Place>,
    pub(super) spare: Option<Place>,
    pub(super) standby: Option<Place>,
}

impl Status {
    /// Reads letters, as `set_worker_param` in `modules/proxy/mod_proxy.c` does: `DS`, `+D-E`. `E` is left out: an error
    /// that is configured is over when the first request comes.
    fn set(&mut self, letters: &str, place: Place) {
        let mut on = true;
        for letter in letters.chars() {
            let flag = match letter.to_ascii_uppercase() {
                '+' | '-' => {
                    on = letter == '+';
                    continue;
                }
                'D' => &mut self.disabled,
                'S' => &mut self.stopped,
                'N' => &mut self.draining,
                'C' => &mut self.unhealthy,
                'I' => &mut self.ignores_errors,
                'R' => &mut self.spare,
                'H' => &mut self.standby,
                _ => continue,
            };
            *flag = on.then_some(place);
        }
    }

    /// What keeps all new requests away, as it is written, with its place.
    pub(super) fn out(&self) -> Option<(&'static str, Place)> {
        let flags = [
            ("+D", self.disabled),
            ("+S", self.stopped),
            ("+N", self.draining),
            ("+C", self.unhealthy),
        ];
        flags
            .into_iter()
            .find_map(|(flag, place)| Some((flag, place?)))
    }

    /// What makes it a reserve, as it is written, with its place.
    pub(super) fn reserve(&self) -> Option<(&'static str, Place)> {
        let spare = self.spare.map(|place| ("+R", place));
        spare.or(self.standby.map(|place| ("+H", place)))
    }
}

impl Member {
    /// Reads a member; `params` are all words after its URL.
    pub(super) fn new(word: &Word, url: Url, params: &[Word]) -> Self {
        let mut member = Self {
            word: word.clone(),
            url,
            factor: None,
            set: None,
            status: Status::default(),
            route: None,
            retry: None,
            max: None,
            acquire: None,
            disable_reuse: None,
            address_ttl: false,
            upgrade: None,
        };
        for param in params {
            if let Some((key, value)) = param.pair() {
                member.param(&key.to_ascii_lowercase(), value, param.place);
            }
        }
        member
    }

    fn param(&mut self, key: &str, value: &str, place: Place) {
        let number = || Some((integer(value)?, place));
        match key {
            "loadfactor" => self.factor = factor(value).map(|factor| (factor, place)),
            "lbset" => {
                let set = integer(value).and_then(|set| u8::try_from(set).ok());
                self.set = set.map(|set| (set, place));
            }
            "status" => self.status.set(value, place),
            "route" => self.route = (!value.is_empty()).then(|| (value.to_owned(), place)),
            "retry" => self.retry = number(),
            "max" => self.max = number(),
            "acquire" => self.acquire = Some((value.to_owned(), place)),
            "disablereuse" => self.disable_reuse = Some(value.eq_ignore_ascii_case("on")),
            "enablereuse" => self.disable_reuse = Some(value.eq_ignore_ascii_case("off")),
            "addressttl" => self.address_ttl = value != "-1",
            "upgrade" => self.upgrade = Some(place),
            _ => {}
        }
    }

    /// What messages call it.
    pub(super) fn title(&self) -> String {
        self.word.short()
    }

    /// `loadfactor`, 1 if it is not written.
    pub(super) fn factor(&self) -> f64 {
        self.factor.map_or(1.0, |(factor, _)| factor)
    }

    /// `lbset`, 0 if it is not written.
    pub(super) fn set(&self) -> u8 {
        self.set.map_or(0, |(set, _)| set)
    }

    /// How long it is not tried after it failed, in seconds.
    pub(super) fn retry(&self) -> u64 {
        self.retry.map_or(RETRY, |(seconds, _)| seconds)
    }

    /// As the choice sees it.
    pub(super) fn choice(&self) -> ApacheMember {
        let role = match (self.status.spare, self.status.standby) {
            (Some(_), _) => ApacheRole::Spare,
            (None, Some(_)) => ApacheRole::Standby,
            (None, None) => ApacheRole::Regular,
        };
        ApacheMember {
            set: self.set(),
            role,
            usable: self.status.out().is_none(),
        }
    }

    /// Whether its connections are closed after each request.
    pub(super) fn closes(&self) -> bool {
        match self.url.scheme.as_str() {
            "scgi" | "uwsgi" => true,
            "fcgi" => self.disable_reuse != Some(false),
            _ => self.disable_reuse == Some(true),
        }
    }
}

/// The digits that a text begins with, as `atoi` reads them.
fn integer(text: &str) -> Option<u64> {
    let digits = text.find(|char: char| !char.is_ascii_digit());
    text[..digits.unwrap_or(text.len())].parse().ok()
}

/// A load factor in whole hundredths, as httpd keeps it; `None` if it is not between 1 and 100, which httpd refuses.
fn factor(text: &str) -> Option<f64> {
    let end = text.find(|char: char| !char.is_ascii_digit() && char != '.');
    let factor: f64 = text[..end.unwrap_or(text.len())].parse().ok()?;
    let factor = (factor * 100.0).trunc() / 100.0;
    (1.0..=100.0).contains(&factor).then_some(factor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Sources;

    #[test]
    fn letters_are_set_and_cleared() {
        let place = Place::top(Sources::default().add("", ""));
        let flags = |letters: &[&str]| {
            let mut status = Status::default();
            for text in letters {
                status.set(text, place);
            }
            (
                status.out().map(|(flag, _)| flag),
                status.reserve().map(|(flag, _)| flag),
            )
        };
        assert_eq!(flags(&["DS"]), (Some("+D"), None));
        assert_eq!(flags(&["+h-d"]), (None, Some("+H")));
        assert_eq!(flags(&["+H-H"]), (None, None));
        assert_eq!(flags(&["+D", "-D"]), (None, None));
        assert_eq!(flags(&["+E"]), (None, None));
    }

    #[test]
    fn load_factors_have_two_decimals() {
        assert_eq!(factor("1.559"), Some(1.55));
        assert_eq!(factor("100"), Some(100.0));
        assert_eq!(factor("3x"), Some(3.0));
        for refused in ["0.9", "101", "", "-3", "nan", "1.2.3"] {
            assert_eq!(factor(refused), None, "{refused}");
        }
    }
}
