//! Builds a tree from the parser's events.

use std::collections::HashMap;

use super::{Kind, Node, Tree};
use crate::error::Why;
use crate::source::Place;

/// How many values a text may stand for with its aliases written out.
const MOST_VALUES: usize = 4_000_000;

/// A list or a mapping that has not ended.
struct Open {
    place: Place,
    anchor: usize,
    is_map: bool,
    children: Vec<usize>,
}

/// The tree so far.
#[derive(Default)]
pub(super) struct Builder {
    tree: Tree,
    open: Vec<Open>,
    /// Values by the number of their anchor.
    anchors: HashMap<usize, usize>,
    total: usize,
}

impl Builder {
    /// How many lists and mappings have not ended.
    pub(super) fn depth(&self) -> usize {
        self.open.len()
    }

    /// A list or mapping begins.
    pub(super) fn begin(&mut self, place: Place, anchor: usize, is_map: bool) {
        self.open.push(Open {
            place,
            anchor,
            is_map,
            children: Vec::new(),
        });
    }

    /// The innermost list or mapping ends; `line` is that of its bracket, if it has one.
    pub(super) fn end(&mut self, line: Option<u32>) -> Result<(), Why> {
        let Some(open) = self.open.pop() else {
            return Ok(());
        };
        let nodes = open.children.iter().map(|child| &self.tree.nodes[*child]);
        let size = nodes
            .clone()
            .map(|node| node.size)
            .fold(1, usize::saturating_add);
        let last_line = nodes.map(|node| node.last_line).chain(line).max();
        let kind = if open.is_map {
            Kind::Map(
                open.children
                    .chunks_exact(2)
                    .map(|pair| (pair[0], pair[1]))
                    .collect(),
            )
        } else {
            Kind::List(open.children)
        };
        let last_line = last_line.unwrap_or(open.place.line).max(open.place.line);
        self.add(
            Node {
                place: open.place,
                last_line,
                size,
                kind,
            },
            open.anchor,
        )
    }

    /// A scalar.
    pub(super) fn scalar(
        &mut self,
        place: Place,
        last_line: u32,
        anchor: usize,
        kind: Kind,
    ) -> Result<(), Why> {
        self.add(
            Node {
                place,
                last_line,
                size: 1,
                kind,
            },
            anchor,
        )
    }

    /// An alias of a value that has ended.
    pub(super) fn alias(&mut self, anchor: usize) -> Result<(), Why> {
        let Some(node) = self.anchors.get(&anchor).copied() else {
            let said = "this alias refers to a value that it is itself a part of";
            return Err(Why::Syntax(said.to_owned()));
        };
        self.total = self.total.saturating_add(self.tree.nodes[node].size);
        if self.total > MOST_VALUES {
            return Err(too_many());
        }
        self.put(node);
        Ok(())
    }

    /// All documents.
    pub(super) fn finish(self) -> Tree {
        self.tree
    }

    fn add(&mut self, node: Node, anchor: usize) -> Result<(), Why> {
        self.total += 1;
        if self.total > MOST_VALUES {
            return Err(too_many());
        }
        let index = self.tree.nodes.len();
        self.tree.nodes.push(node);
        if anchor != 0 {
            self.anchors.insert(anchor, index);
        }
        self.put(index);
        Ok(())
    }

    fn put(&mut self, node: usize) {
        match self.open.last_mut() {
            Some(open) => open.children.push(node),
            None => self.tree.roots.push(node),
        }
    }
}

fn too_many() -> Why {
    Why::Syntax(format!(
        "the text stands for more than {MOST_VALUES} values"
    ))
}
