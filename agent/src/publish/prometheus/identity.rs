//! The labels that identify a backend's series, rendered once a scrape.
//!
//! A backend has a dozen series, all with the same two labels. Rendering them anew for each would be most of a scrape.

use std::fmt;

use prometheus_client::encoding::{EncodeLabel, LabelEncoder};

use crate::model::PoolState;

/// Labels as the exposition has them between the braces: names, values in quotes, escaped.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rendered<'a>(pub(super) &'a str);

impl EncodeLabel for Rendered<'_> {
    fn encode(&self, mut encoder: LabelEncoder<'_>) -> fmt::Result {
        // A name is written as it is, and so is what follows it here.
        fmt::Write::write_str(&mut encoder.encode_label_key()?, self.0)
    }
}

/// What stands around the two values.
const BRACKETS: usize = r#"pool="",backend="""#.len();

/// The labels `pool` and `backend` of every backend, in the order of the pools.
#[derive(Debug)]
pub(super) struct Identities {
    text: String,
    /// Where each backend's part of the text ends.
    ends: Vec<usize>,
}

impl Identities {
    /// Renders the labels of the pools' backends.
    pub(super) fn of(pools: &[PoolState]) -> Self {
        let names = |state: &PoolState| state.pool.names.iter().map(String::len).sum::<usize>();
        let length = |state: &PoolState| {
            names(state) + state.backends.len() * (state.pool.spec.name.len() + BRACKETS)
        };
        let mut text = String::with_capacity(pools.iter().map(length).sum());
        let mut ends = Vec::with_capacity(pools.iter().map(|state| state.backends.len()).sum());
        for pool in pools.iter().map(|state| &state.pool) {
            for name in &pool.names {
                text.push_str("pool=\"");
                escape(&pool.spec.name, &mut text);
                text.push_str("\",backend=\"");
                escape(name, &mut text);
                text.push('"');
                ends.push(text.len());
            }
        }
        Self { text, ends }
    }

    /// The labels of each backend.
    pub(super) fn iter(&self) -> impl Iterator<Item = Rendered<'_>> {
        let mut start = 0;
        self.ends.iter().map(move |&end| {
            let labels = &self.text[start..end];
            start = end;
            Rendered(labels)
        })
    }
}

/// Appends a label's value as it stands between quotes.
fn escape(value: &str, text: &mut String) {
    for c in value.chars() {
        match c {
            '\\' => text.push_str("\\\\"),
            '"' => text.push_str("\\\""),
            '\n' => text.push_str("\\n"),
            other => text.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_escaped_as_the_format_wants() {
        let mut text = String::new();
        escape("a\"b\\c\nd\té{}", &mut text);
        assert_eq!(text, r#"a\"b\\c\nd	é{}"#);
    }
}
