//! Checks `discovery.kubernetes`.

use std::collections::HashMap;
use std::path::PathBuf;

use super::Kubernetes;
use super::place::At;
use super::pool::role;
use super::problems::{Noted, Problems, quote};
use super::raw;
use super::shape::{Field, Items, Scalar};
use super::value::Key;

const KUBERNETES: Key<'_> = Key {
    name: "kubernetes",
    example: "kubernetes: {namespaces: [shop]}",
    expects: "a mapping",
};
const NAMESPACES: Key<'_> = Key {
    name: "namespaces",
    example: "namespaces: [shop]",
    expects: "a list",
};
const NAMESPACE: Key<'_> = Key {
    name: "a namespace",
    example: "namespaces: [shop]",
    expects: "a name",
};
const SELECTOR: Key<'_> = Key {
    name: "selector",
    example: "selector: app=checkout",
    expects: "a selector of labels",
};
const NODE: Key<'_> = Key {
    name: "node",
    example: "node: worker-1",
    expects: "the name of a node",
};
const POD_LABELS: Key<'_> = Key {
    name: "pod_labels",
    example: "pod_labels: [version]",
    expects: "a list",
};
const POD_LABEL: Key<'_> = Key {
    name: "a label",
    example: "pod_labels: [version]",
    expects: "a name",
};
const KUBECONFIG: Key<'_> = Key {
    name: "kubeconfig",
    example: "kubeconfig: /etc/evenkeel/kubeconfig",
    expects: "a path",
};

/// `discovery.kubernetes`.
pub(super) fn kubernetes(
    problems: &mut Problems<'_>,
    field: Field<raw::Kubernetes>,
) -> Result<Kubernetes, Noted> {
    let section = problems.fit(KUBERNETES, field)?;
    let (section, _) = problems.admit(section.value);
    let default = Kubernetes::default();
    let namespaces = section.namespaces.map_or(Ok(default.namespaces), |field| {
        let namespaces = names(problems, NAMESPACES, NAMESPACE, field)?;
        namespaces
            .into_iter()
            .map(|name| name.checked(problems))
            .collect()
    });
    let mut line = |key, field: Option<Field<Scalar>>| {
        let value = field.map(|field| problems.line(key, field));
        value.transpose().map(|value| value.map(|it| it.value))
    };
    let (selector, node) = (line(SELECTOR, section.selector), line(NODE, section.node));
    let kubeconfig = line(KUBECONFIG, section.kubeconfig);
    let role = section
        .role
        .map_or(Ok(default.role), |field| role(problems, field));
    let pod_labels = section.pod_labels.map_or(Ok(default.pod_labels), |field| {
        let labels = names(problems, POD_LABELS, POD_LABEL, field)?;
        Ok(labels.into_iter().map(|name| name.0.value).collect())
    });
    Ok(Kubernetes {
        namespaces: namespaces?,
        selector: selector?,
        role: role?,
        node: node?,
        pod_labels: pod_labels?,
        kubeconfig: kubeconfig?.map(PathBuf::from),
    })
}

/// A name of a list.
struct Name(At<String>);

impl Name {
    /// The name of a namespace, which becomes part of a path (RFC 1123).
    fn checked(self, problems: &mut Problems<'_>) -> Result<String, Noted> {
        let At { value, place } = self.0;
        let allowed = |char: char| matches!(char, 'a'..='z' | '0'..='9' | '-');
        if value.len() <= 63 && value.chars().all(allowed) {
            return Ok(value);
        }
        let message = format!("{} cannot be the name of a namespace", quote(&value));
        let help =
            "use at most 63 small letters, digits and `-`; leave out the key for all namespaces";
        Err(problems.note(place, message, help))
    }
}

/// A list of names, none of them twice.
fn names(
    problems: &mut Problems<'_>,
    list: Key<'_>,
    item: Key<'_>,
    field: Field<Items<Scalar>>,
) -> Result<Vec<Name>, Noted> {
    let At { value: items, .. } = problems.fit(list, field)?;
    let mut lines: HashMap<String, u32> = HashMap::new();
    let mut name = |value: At<_>| {
        let field = Field {
            key: value.place,
            value,
        };
        let name = problems.line(item, field)?;
        match lines.insert(name.value.clone(), name.place.line) {
            None => Ok(Name(name)),
            Some(line) => {
                let message = format!("{} is listed twice", quote(&name.value));
                let help = format!("it was on line {line} before: remove one of the two");
                Err(problems.note(name.place, message, help))
            }
        }
    };
    let names: Vec<_> = items.kept.into_iter().map(&mut name).collect();
    names.into_iter().collect()
}
