//! Variables: what `Define` sets. What comes from outside (`envvars`, `-D`) is not known, and stays in words as `${NAME}`.

use std::collections::HashMap;

/// More was put in for variables than a configuration may be long.
#[derive(Clone, Copy, Debug)]
pub(super) struct TooMany;

/// The names that are defined, with their values.
#[derive(Debug)]
pub(super) struct Environment {
    values: HashMap<String, String>,
    /// How many bytes may still be put in: values can be made of values.
    left: usize,
}

/// A word with variables put in.
pub(super) struct Expanded {
    pub(super) text: String,
    pub(super) unresolved: bool,
    pub(super) changed: bool,
}

impl Environment {
    /// Nothing defined; `most` bytes may be put in.
    pub(super) fn new(most: usize) -> Self {
        Self {
            values: HashMap::new(),
            left: most,
        }
    }

    /// `Define`.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.values.insert(name.to_owned(), value.to_owned());
    }

    /// `UnDefine`.
    pub(super) fn unset(&mut self, name: &str) {
        self.values.remove(name);
    }

    /// Whether a name is defined.
    pub(super) fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// Puts in values, as `ap_resolve_env` in `server/core.c` does.
    pub(super) fn expand(&mut self, word: &str) -> Result<Expanded, TooMany> {
        let mut expanded = Expanded {
            text: String::with_capacity(word.len()),
            unresolved: false,
            changed: false,
        };
        let mut rest = word;
        while let Some((before, name, after)) = variable(rest) {
            expanded.text.push_str(before);
            if let Some(value) = self.values.get(name) {
                self.left = self.left.checked_sub(value.len()).ok_or(TooMany)?;
                expanded.text.push_str(value);
                expanded.changed = true;
            } else {
                expanded
                    .text
                    .push_str(&rest[before.len()..rest.len() - after.len()]);
                expanded.unresolved = true;
            }
            rest = after;
        }
        expanded.text.push_str(rest);
        Ok(expanded)
    }
}

/// The first `${NAME}`: what is before it, the name, and what is after it.
fn variable(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once("${")?;
    let (name, after) = rest.split_once('}')?;
    Some((before, name, after))
}
