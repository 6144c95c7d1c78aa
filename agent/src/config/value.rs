//! Reads single values: the shape of a section, a duration, a number, true or false.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use super::place::{At, Place};
use super::problems::{Noted, Problems, quote};
use super::raw::{Section, Stray};
use super::shape::{Field, Kind, Scalar, Value};
use super::suggest::closest;

/// What a key is called and what could be written for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key<'n> {
    /// As it is written; in words if it is the item of a list ("a pool").
    pub(super) name: &'n str,
    /// A valid line or two with it.
    pub(super) example: &'static str,
    /// What its value must be: "a duration".
    pub(super) expects: &'static str,
}

impl Key<'_> {
    /// The name within a sentence.
    fn title(self) -> String {
        if self.name.contains(' ') {
            self.name.to_owned()
        } else {
            quote(self.name)
        }
    }
}

/// The least and the most that a duration may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) least: Duration,
    pub(super) most: Duration,
    /// The key that sets `least`, if one does.
    pub(super) least_from: Option<&'static str>,
}

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "from {}", shown(self.least))?;
        if let Some(key) = self.least_from {
            write!(f, " (`{key}`)")?;
        }
        write!(f, " to {}", shown(self.most))
    }
}

/// A duration as it could be written.
pub(crate) fn shown(duration: Duration) -> String {
    const HOUR: u64 = 60 * 60;
    const DAY: u64 = 24 * HOUR;
    let seconds = duration.as_secs();
    let whole = |unit: u64| duration == Duration::from_secs(seconds / unit * unit);
    if seconds > DAY && whole(DAY) {
        format!("{}d", seconds / DAY)
    } else if seconds >= HOUR && whole(HOUR) {
        format!("{}h", seconds / HOUR)
    } else {
        humantime::format_duration(duration).to_string()
    }
}

/// The key that names a file with what `key` would hold.
fn file_for<T: Section>(key: &str) -> Option<&'static str> {
    let (_, file) = T::INLINE.iter().find(|(inline, _)| *inline == key)?;
    Some(*file)
}

impl<'a> Problems<'a> {
    /// The value of a key if it has the expected shape. A single value is shown itself; of a list or mapping that
    /// should not be one, its key is.
    pub(super) fn fit<T>(&mut self, key: Key<'_>, field: Field<T>) -> Result<At<T>, Noted> {
        let Field { key: place, value } = field;
        match value.value {
            Value::Fits(fit) => Ok(At {
                value: fit,
                place: value.place,
            }),
            Value::Misfit(Kind::Empty) => Err(self.note(
                place,
                format!("{} has no value", key.title()),
                format!(
                    "write {}, such as `{}`, or remove the key",
                    key.expects, key.example
                ),
            )),
            Value::Misfit(found @ (Kind::List | Kind::Mapping)) => {
                Err(self.misfit(key, place, found))
            }
            Value::Misfit(found) => Err(self.misfit(key, value.place, found)),
        }
    }

    /// The item of a list if it has the expected shape.
    pub(super) fn item<T>(&mut self, item: Key<'_>, value: At<Value<T>>) -> Result<At<T>, Noted> {
        let key = value.place;
        self.fit(item, Field { key, value })
    }

    /// Notes a value that would fit without its quotes.
    fn quoted(&mut self, key: Key<'_>, place: Place, text: &str) -> Noted {
        self.note(
            place,
            format!("`{}` must be {}, not text", key.name, key.expects),
            format!("leave out the quotes: `{}: {text}`", key.name),
        )
    }

    /// Notes that a key is missing in the item at `place`, unless a slip in it was noted: it is in `slips`.
    pub(super) fn missing(
        &mut self,
        key: Key<'_>,
        item: Key<'_>,
        place: Place,
        slips: &[&str],
    ) -> Noted {
        if slips.contains(&key.name) {
            return Noted;
        }
        self.note(
            place,
            format!("{} needs the key `{}`", item.title(), key.name),
            format!("add it, like `{}`", key.example),
        )
    }

    /// Notes a value of the wrong type.
    fn misfit(&mut self, key: Key<'_>, place: Place, found: Kind) -> Noted {
        self.note(
            place,
            format!("{} must be {}, not {found}", key.title(), key.expects),
            format!("write it like `{}`", key.example),
        )
    }

    /// Notes every key of a section that should not be there; returns the section, and which keys were most
    /// likely meant by those.
    pub(super) fn admit<T: Section>(&mut self, section: T) -> (T, Vec<&'static str>) {
        let slips = section
            .strays()
            .iter()
            .filter_map(|stray| self.stray::<T>(stray))
            .collect();
        (section, slips)
    }

    /// Notes one such key; returns the key that was most likely meant.
    fn stray<T: Section>(&mut self, stray: &Stray) -> Option<&'static str> {
        match stray {
            Stray::Repeated { key, first } => {
                let message = format!("`{}` is given twice", key.value);
                let help = format!(
                    "it was on line {} before: remove one of the two",
                    first.line
                );
                self.note(key.place, message, help);
                None
            }
            Stray::Unknown(key) if T::LATER.contains(&key.value.as_str()) => {
                let message = format!(
                    "`{}` is not supported by this version of evenkeel",
                    key.value
                );
                self.note(key.place, message, "remove it, with all that belongs to it");
                None
            }
            Stray::Unknown(key) if let Some(file) = file_for::<T>(&key.value) => {
                let message = format!("`{}` may not stand in this file", key.value);
                let help = format!("put it in a file of its own, and name that with `{file}`");
                self.note_secret(key.place, message, help);
                Some(file)
            }
            Stray::Unknown(key) => {
                let meant = closest(&key.value, T::KEYS);
                let question =
                    meant.map_or(String::new(), |meant| format!("did you mean `{meant}`? "));
                let message = format!("unknown key {}", quote(&key.value));
                let help = format!("{question}known keys here: {}", T::KEYS.join(", "));
                self.note(key.place, message, help);
                meant
            }
        }
    }

    /// The text of a value, as it was written.
    pub(super) fn text(
        &mut self,
        key: Key<'_>,
        field: Field<Scalar>,
    ) -> Result<At<Cow<'a, str>>, Noted> {
        let At { value, place } = self.fit(key, field)?;
        let value = match value {
            Scalar::Text(text) => Cow::Owned(text),
            Scalar::Number(_) | Scalar::Bool(_) => Cow::Borrowed(place.text(self.source())),
        };
        Ok(At { value, place })
    }

    /// Text of one line that is not empty.
    pub(super) fn line(&mut self, key: Key<'_>, field: Field<Scalar>) -> Result<At<String>, Noted> {
        let At { value, place } = self.text(key, field)?;
        let fault = if value.trim().is_empty() {
            "is empty"
        } else if value.chars().any(char::is_control) {
            "holds a control character, such as a line break"
        } else {
            let value = value.into_owned();
            return Ok(At { value, place });
        };
        let message = format!("{} {fault}", key.title());
        Err(self.note(place, message, format!("write it like `{}`", key.example)))
    }

    /// A number.
    pub(super) fn number(&mut self, key: Key<'_>, field: Field<Scalar>) -> Result<At<f64>, Noted> {
        let At { value, place } = self.fit(key, field)?;
        match value {
            Scalar::Number(value) => Ok(At { value, place }),
            Scalar::Bool(_) => Err(self.misfit(key, place, Kind::Bool)),
            Scalar::Text(text) => {
                if text.parse::<f64>().is_ok() {
                    return Err(self.quoted(key, place, &text));
                }
                let message = format!("{} is not a number", quote(&text));
                let help = format!("write it like `{}`", key.example);
                Err(self.note(place, message, help))
            }
        }
    }

    /// True or false.
    pub(super) fn truth(&mut self, key: Key<'_>, field: Field<Scalar>) -> Result<bool, Noted> {
        let At { value, place } = self.fit(key, field)?;
        match value {
            Scalar::Bool(value) => Ok(value),
            Scalar::Text(text) if matches!(&*text, "true" | "false") => {
                Err(self.quoted(key, place, &text))
            }
            Scalar::Text(text) => Err(self.note(
                place,
                format!("{} is neither `true` nor `false`", quote(&text)),
                format!(
                    "write `{0}: true` or `{0}: false`, without quotes",
                    key.name
                ),
            )),
            Scalar::Number(_) => Err(self.misfit(key, place, Kind::Number)),
        }
    }

    /// A duration within bounds.
    pub(super) fn duration(
        &mut self,
        key: Key<'_>,
        field: Field<Scalar>,
        bounds: Bounds,
    ) -> Result<Duration, Noted> {
        let At { value, place } = self.text(key, field)?;
        let duration = humantime::parse_duration(&value).map_err(|_unparsed| {
            let written = quote(&value);
            let (message, like) = match value.trim().parse::<u32>() {
                Ok(seconds) => (
                    format!("{written} has no unit"),
                    format!("{}: {seconds}s", key.name),
                ),
                Err(_) => (
                    format!("{written} is not a duration"),
                    key.example.to_owned(),
                ),
            };
            let help = format!("write it like `{like}`; the units are ms, s, m, h and d");
            self.note(place, message, help)
        })?;
        let side = match duration {
            short if short < bounds.least => "short",
            long if long > bounds.most => "long",
            fits => return Ok(fits),
        };
        Err(self.note(
            place,
            format!("`{}` is too {side}", key.name),
            format!("write a duration {bounds}"),
        ))
    }
}
