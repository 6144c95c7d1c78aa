//! Finds `reverse_proxy` handlers, however deep in routes and subroutes.

use std::collections::BTreeMap;

use crate::yaml::{Tree, Value};

/// A handler with what is around it.
pub(super) struct Found<'a> {
    /// Unique: its `@id`, or the server and the numbers of the routes that lead to it: `srv0 route 1.2`.
    pub(super) name: String,
    /// The HTTP server that it is in.
    pub(super) server: Option<Value<'a>>,
    /// The handler.
    pub(super) value: Value<'a>,
}

/// All of them, in the order in which they stand.
pub(super) fn proxies(tree: &Tree) -> Vec<Found<'_>> {
    let mut walk = Walk::default();
    for document in tree.documents() {
        let servers = document.at(&["apps", "http", "servers"]);
        match servers {
            Some(servers) => {
                for entry in servers.entries() {
                    walk.server = Some(entry.value);
                    walk.title = entry.key.text().unwrap_or_default();
                    walk.look(entry.value);
                }
            }
            // A part of a configuration: routes, or a handler.
            None if document.get("apps").is_none() => {
                walk.server = None;
                walk.title = "";
                walk.look(document);
            }
            None => {}
        }
    }
    walk.found
}

#[derive(Default)]
struct Walk<'a> {
    server: Option<Value<'a>>,
    title: &'a str,
    /// The number of the route on each level.
    path: Vec<usize>,
    /// How often a name was given.
    names: BTreeMap<String, usize>,
    found: Vec<Found<'a>>,
}

impl<'a> Walk<'a> {
    fn look(&mut self, value: Value<'a>) {
        if value.get("handler").and_then(Value::text) == Some("reverse_proxy") {
            let name = self.name(value);
            self.found.push(Found {
                name,
                server: self.server,
                value,
            });
        }
        for entry in value.entries() {
            if entry.key.text() == Some("routes") {
                for (index, route) in entry.value.items().enumerate() {
                    self.path.push(index + 1);
                    self.look(route);
                    self.path.pop();
                }
            } else {
                self.look(entry.value);
            }
        }
        value.items().for_each(|item| self.look(item));
    }

    fn name(&mut self, value: Value<'a>) -> String {
        let numbers: Vec<String> = self.path.iter().map(usize::to_string).collect();
        let words = [
            self.title,
            if numbers.is_empty() { "" } else { "route" },
            &numbers.join("."),
        ];
        let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
        let name = match value.get("@id").and_then(Value::text) {
            Some(id) => id.to_owned(),
            None if words.is_empty() => "reverse_proxy".to_owned(),
            None => words.join(" "),
        };
        let before = self.names.entry(name.clone()).or_default();
        *before += 1;
        match *before {
            1 => name,
            again => format!("{name} ({again})"),
        }
    }
}
