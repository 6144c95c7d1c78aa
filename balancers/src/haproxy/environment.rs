//! Variables, as far as the configuration itself sets them.

use std::collections::HashMap;
use std::rc::Rc;

/// The environment that a configuration is read in. What it takes from outside is not known.
#[derive(Debug)]
pub(super) struct Environment {
    values: HashMap<String, Rc<str>>,
    /// How many bytes may still be put in for variables: values can be made of values.
    left: usize,
}

impl Environment {
    /// Nothing set; `most` bytes may be put in.
    pub(super) fn new(most: usize) -> Self {
        Self {
            values: HashMap::new(),
            left: most,
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<Rc<str>> {
        self.values.get(name).map(Rc::clone)
    }

    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.values.insert(name.to_owned(), value.into());
    }

    pub(super) fn unset(&mut self, name: &str) {
        self.values.remove(name);
    }

    /// Whether so many bytes more may be put in.
    pub(super) fn spend(&mut self, bytes: usize) -> bool {
        let left = self.left.checked_sub(bytes);
        self.left = left.unwrap_or(0);
        left.is_some()
    }
}
