//! Routes that share traffic out by weight: of the Gateway API, Istio and Traefik.

use super::objects::Key;
use crate::source::Place;
use crate::yaml::Value;

/// A rule of a route that shares traffic out.
#[derive(Debug)]
pub(super) struct Split<'a> {
    pub(super) name: String,
    pub(super) place: Place,
    /// What the list of its backends is called there.
    pub(super) list: &'static str,
    /// Whether connections are shared out rather than requests.
    pub(super) connections: bool,
    pub(super) parts: Vec<Part<'a>>,
}

/// A backend with its weight.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part<'a> {
    pub(super) name: &'a str,
    pub(super) weight: f64,
    pub(super) place: Place,
}

/// How one kind of object says what is shared out.
struct Form {
    list: &'static str,
    connections: bool,
    /// The keys at whose end a backend's name is; of several the first that is there.
    names: &'static [&'static [&'static str]],
    /// The weight of a backend that has none.
    usual: f64,
}

/// The rules of an object of this kind.
pub(super) fn splits<'a>(kind: &str, key: Key<'a>, spec: Value<'a>) -> Vec<Split<'a>> {
    let form = |list, connections, names, usual| Form {
        list,
        connections,
        names,
        usual,
    };
    let gateway = |connections| form("backendRefs", connections, &[&["name"]], 1.0);
    let traefik = |connections| form("services", connections, &[&["name"]], 1.0);
    // Subsets of one host are told apart by their names.
    let istio = |connections| {
        let names: &[&[&str]] = &[&["destination", "subset"], &["destination", "host"]];
        form("route", connections, names, 0.0)
    };
    let rules: Vec<(Value<'a>, Form)> = match kind {
        "HTTPRoute" | "GRPCRoute" => rules(spec, "rules", || gateway(false)),
        "TCPRoute" | "TLSRoute" => rules(spec, "rules", || gateway(true)),
        "IngressRoute" => rules(spec, "routes", || traefik(false)),
        "IngressRouteTCP" => rules(spec, "routes", || traefik(true)),
        "TraefikService" => {
            let weighted = spec.get("weighted").into_iter();
            weighted.map(|rule| (rule, traefik(false))).collect()
        }
        "VirtualService" => {
            let mut all = rules(spec, "http", || istio(false));
            all.extend(rules(spec, "tls", || istio(true)));
            all.extend(rules(spec, "tcp", || istio(true)));
            all
        }
        _ => Vec::new(),
    };
    let split = |(index, (rule, form)): (usize, (Value<'a>, Form))| {
        let name = format!("{}/{} rule {}", key.0, key.1, index + 1);
        split(rule, name, &form)
    };
    rules.into_iter().enumerate().filter_map(split).collect()
}

fn rules<'a>(spec: Value<'a>, list: &str, form: impl Fn() -> Form) -> Vec<(Value<'a>, Form)> {
    spec.list(list).map(|rule| (rule, form())).collect()
}

/// The backends of a rule; none if there is nothing to share out.
fn split<'a>(rule: Value<'a>, name: String, form: &Form) -> Option<Split<'a>> {
    let part = |value: Value<'a>| {
        let backend = form.names.iter().find_map(|keys| value.at(keys))?;
        let weight = value.get("weight");
        let number = weight
            .and_then(Value::number)
            .filter(|number| *number >= 0.0);
        Some(Part {
            name: backend.text()?,
            weight: if weight.is_some() {
                number.unwrap_or(0.0)
            } else {
                form.usual
            },
            place: weight.unwrap_or(backend).place(),
        })
    };
    let parts: Vec<Part<'a>> = rule.list(form.list).filter_map(part).collect();
    let place = rule.entry(form.list)?.key.place();
    (parts.len() > 1).then_some(Split {
        name,
        place,
        list: form.list,
        connections: form.connections,
        parts,
    })
}
