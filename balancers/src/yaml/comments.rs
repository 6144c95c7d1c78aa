//! Comments for the audit, and what each of them covers.

use std::cmp::Reverse;

use granit_parser::Span;

use super::{Kind, Tree};
use crate::finding::{Comment, Suppression};
use crate::source::Place;

/// A comment.
pub(super) struct Remark<'a> {
    text: &'a str,
    place: Place,
    /// Whether nothing stands before it on its line.
    alone: bool,
}

impl<'a> Remark<'a> {
    /// A comment at a place of a text.
    pub(super) fn new(text: &'a str, place: Place, span: &Span) -> Self {
        let before = text.get(..place.start as usize).unwrap_or_default();
        let line = before.rfind('\n').map_or(before, |end| &before[end + 1..]);
        let written = span.slice(text).unwrap_or_default();
        Self {
            text: written.trim_start_matches('#'),
            place,
            alone: line.trim().is_empty(),
        }
    }
}

/// What the comments say to the audit.
pub(super) fn suppressions(tree: &Tree, remarks: &[Remark<'_>]) -> Vec<Suppression> {
    let statements = statements(tree);
    let say = |remark: &Remark<'_>| {
        let line = remark.place.line;
        let next = || {
            let at = statements.partition_point(|(start, _)| *start <= remark.place.start);
            statements.get(at).map(|(_, Reverse(last))| *last)
        };
        let last = if remark.alone { next() } else { None };
        let comment = Comment {
            text: remark.text,
            place: remark.place,
        };
        comment.suppression(line..=last.unwrap_or(line).max(line))
    };
    remarks.iter().filter_map(say).collect()
}

/// Where each item and each key begins, and the line on which it ends; of those that begin together, the outermost first.
fn statements(tree: &Tree) -> Vec<(u32, Reverse<u32>)> {
    let mut statements = Vec::new();
    for node in &tree.nodes {
        match &node.kind {
            Kind::Scalar { .. } => {}
            Kind::List(items) => statements.extend(items.iter().map(|item| {
                let item = &tree.nodes[*item];
                (item.place.start, Reverse(item.last_line))
            })),
            Kind::Map(entries) => statements.extend(entries.iter().map(|(key, value)| {
                let (key, value) = (&tree.nodes[*key], &tree.nodes[*value]);
                // The value of an alias may be far above.
                (key.place.start, Reverse(value.last_line.max(key.last_line)))
            })),
        }
    }
    statements.sort_unstable();
    statements
}
