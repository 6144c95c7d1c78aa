//! Collects what is wrong while the rest is still being looked at.

use evenkeel_balancers::source::Excerpt;

use super::error::{ConfigError, Position, Problem};
use super::excerpt::excerpt;
use super::place::Place;

/// Proof that a problem was noted, so that what follows from it need not be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Noted;

/// The problems found so far in one text.
#[derive(Debug)]
pub(super) struct Problems<'a> {
    source: &'a str,
    found: Vec<Problem>,
    omitted: usize,
}

impl<'a> Problems<'a> {
    /// How many problems are kept; a file with more of them is no configuration.
    const KEPT: usize = 1000;

    /// None yet.
    pub(super) fn new(source: &'a str) -> Self {
        Self {
            source,
            found: Vec::new(),
            omitted: 0,
        }
    }

    /// The text that is looked at.
    pub(super) fn source(&self) -> &'a str {
        self.source
    }

    /// Adds one.
    pub(super) fn note(
        &mut self,
        place: Place,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Noted {
        self.keep(place, |excerpt| excerpt, message, help)
    }

    /// Adds one about a key whose value is a secret: what follows the key on its line is not shown.
    pub(super) fn note_secret(
        &mut self,
        key: Place,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Noted {
        self.keep(key, Excerpt::without_rest, message, help)
    }

    /// Adds one, with the part of its line's excerpt that may be shown.
    fn keep(
        &mut self,
        place: Place,
        shown: fn(Excerpt) -> Excerpt,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Noted {
        if self.found.len() == Self::KEPT {
            self.omitted += 1;
            return Noted;
        }
        let excerpt = shown(excerpt(self.source, place));
        let help = if excerpt.line.contains("{{") {
            "`{{` looks like a template: render it before evenkeel reads it".to_owned()
        } else {
            help.into()
        };
        self.found.push(Problem {
            position: Some(Position {
                line: place.line as usize,
                column: place.column as usize,
                length: excerpt.carets,
                excerpt,
            }),
            message: message.into(),
            help: Some(help),
        });
        Noted
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// The error that they make together.
    pub(super) fn into_error(self, name: &str) -> ConfigError {
        ConfigError::new(name, self.found, self.omitted)
    }
}

/// What a user wrote, in backquotes, without control characters and cut if it is long.
pub(super) fn quote(text: &str) -> String {
    const LONGEST: usize = 60;
    let mut shown: String = text
        .chars()
        .take(LONGEST)
        .map(|char| if char.is_control() { ' ' } else { char })
        .collect();
    if text.chars().nth(LONGEST).is_some() {
        shown.push('…');
    }
    format!("`{shown}`")
}
