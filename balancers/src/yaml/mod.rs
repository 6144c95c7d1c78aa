//! YAML, and JSON as a part of it, as trees whose values know where they were written.
//!
//! Products that are configured in YAML look up the few fields that they need; all else is passed over.

mod build;
mod comments;
mod parse;

use crate::source::Place;

pub(crate) use parse::parse;

/// The documents of one text.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    nodes: Vec<Node>,
    roots: Vec<usize>,
}

/// A value with its place. Aliases are the value that they stand for.
#[derive(Debug)]
struct Node {
    place: Place,
    /// The line that it ends on.
    last_line: u32,
    /// How many values it holds, itself included, with aliases written out.
    size: usize,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Scalar { text: String, plain: bool },
    List(Vec<usize>),
    Map(Vec<(usize, usize)>),
}

impl Tree {
    /// The documents, one value each.
    pub(crate) fn documents(&self) -> impl Iterator<Item = Value<'_>> {
        self.roots.iter().map(|node| Value {
            tree: self,
            node: *node,
        })
    }
}

/// A value of a tree.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Value<'a> {
    tree: &'a Tree,
    node: usize,
}

/// A key of a mapping, and what it is given.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<'a> {
    /// The key.
    pub(crate) key: Value<'a>,
    /// Its value.
    pub(crate) value: Value<'a>,
}

impl<'a> Value<'a> {
    fn node(self) -> &'a Node {
        &self.tree.nodes[self.node]
    }

    /// Where it was written; of mappings and lists the first character.
    pub(crate) fn place(self) -> Place {
        self.node().place
    }

    /// The value of a key, in snake case as given or in camel case; none if it is null.
    pub(crate) fn get(self, key: &str) -> Option<Value<'a>> {
        self.entry(key).map(|entry| entry.value)
    }

    /// A key with its value, found as by [`get`](Self::get).
    pub(crate) fn entry(self, key: &str) -> Option<Entry<'a>> {
        let named = |entry: &Entry<'a>| {
            let text = entry.key.text();
            text.is_some_and(|text| text == key || is_camel(text, key))
        };
        let mut entries = self.entries().filter(|entry| !entry.value.is_null());
        entries.find(named)
    }

    /// The value at the end of several keys.
    pub(crate) fn at(self, keys: &[&str]) -> Option<Value<'a>> {
        keys.iter().try_fold(self, |value, key| value.get(key))
    }

    /// The keys of a mapping with their values; none of anything else.
    pub(crate) fn entries(self) -> impl Iterator<Item = Entry<'a>> {
        let entries: &'a [(usize, usize)] = match &self.node().kind {
            Kind::Map(entries) => entries,
            _ => &[],
        };
        entries.iter().map(move |(key, value)| Entry {
            key: self.other(*key),
            value: self.other(*value),
        })
    }

    /// The items of a list; none of anything else.
    pub(crate) fn items(self) -> impl Iterator<Item = Value<'a>> {
        let items: &'a [usize] = match &self.node().kind {
            Kind::List(items) => items,
            _ => &[],
        };
        items.iter().map(move |item| self.other(*item))
    }

    /// The items of the list that a key is given.
    pub(crate) fn list(self, key: &str) -> impl Iterator<Item = Value<'a>> {
        self.get(key).into_iter().flat_map(Value::items)
    }

    /// The text of a scalar.
    pub(crate) fn text(self) -> Option<&'a str> {
        match &self.node().kind {
            Kind::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// A finite number, quoted or not.
    pub(crate) fn number(self) -> Option<f64> {
        let number: f64 = self.text()?.parse().ok()?;
        number.is_finite().then_some(number)
    }

    /// A number that is whole and not negative.
    pub(crate) fn whole(self) -> Option<u64> {
        let text = self.text()?;
        let float = || {
            self.number()
                .filter(|number| number.fract() == 0.0 && (0.0..1e15).contains(number))
        };
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "within 0 to 1e15"
        )]
        text.parse()
            .ok()
            .or_else(|| float().map(|number| number as u64))
    }

    /// Whether it is a scalar without quotes: a number, `true` or `false` if it reads like one.
    pub(crate) fn is_plain(self) -> bool {
        matches!(&self.node().kind, Kind::Scalar { plain: true, .. })
    }

    /// Whether it is a list.
    pub(crate) fn is_list(self) -> bool {
        matches!(&self.node().kind, Kind::List(_))
    }

    /// Whether it is the word `true`.
    pub(crate) fn is_true(self) -> bool {
        self.text() == Some("true")
    }

    /// Whether it is nothing, written as such.
    pub(crate) fn is_null(self) -> bool {
        match &self.node().kind {
            Kind::Scalar { text, plain: true } => matches!(text.as_str(), "" | "~" | "null"),
            _ => false,
        }
    }

    fn other(self, node: usize) -> Value<'a> {
        Value {
            tree: self.tree,
            node,
        }
    }
}

/// Whether `text` is the camel case of `snake`.
fn is_camel(text: &str, snake: &str) -> bool {
    let mut rest = text.chars();
    let mut upper = false;
    for char in snake.chars() {
        if char == '_' {
            upper = true;
            continue;
        }
        let expected = if upper {
            char.to_ascii_uppercase()
        } else {
            char
        };
        upper = false;
        if rest.next() != Some(expected) {
            return false;
        }
    }
    rest.next().is_none()
}
