//! The labels of a series: the agent's, evenkeel's own, and the backend's.

use std::collections::BTreeMap;

use crate::model::Role;

/// In front of the names of a backend's labels in `evenkeel_backend_info`.
const PREFIX: &str = "label_";

/// Whether evenkeel sets the label itself.
pub(crate) fn is_own(name: &str) -> bool {
    matches!(
        name,
        "__name__" | "pool" | "backend" | "role" | "source" | "algorithm" | "expected"
    ) || name.starts_with(PREFIX)
}

/// What tells an agent from others: `instance`, and what else was not set by evenkeel.
pub(crate) fn identity<'a>(labels: impl Iterator<Item = (&'a str, &'a str)> + Clone) -> String {
    let instance = labels.clone().find(|(name, _)| *name == "instance");
    let instance = instance.map_or("", |(_, value)| value).to_owned();
    let others = labels.filter(|(name, _)| !is_own(name) && *name != "instance");
    others.fold(instance, |name, (key, value)| {
        format!("{name} {key}={value}")
    })
}

/// Role and labels of a backend, as `evenkeel_backend_info` has them.
pub(crate) fn description<'a>(
    labels: impl Iterator<Item = (&'a str, &'a str)>,
) -> (Role, BTreeMap<String, String>) {
    let mut role = Role::Upstream;
    let mut own = BTreeMap::new();
    for (name, value) in labels {
        if name == "role" && value == Role::Local.as_str() {
            role = Role::Local;
        }
        if let Some(name) = name.strip_prefix(PREFIX) {
            own.insert(name.to_owned(), value.to_owned());
        }
    }
    (role, own)
}
