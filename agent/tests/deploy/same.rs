//! The chart with its defaults is what the base is.

use serde_json::{Map, Value};

use crate::objects::Objects;
use crate::{chart, kustomize};

/// Takes away what the two ways name or note each by its own custom: labels, annotations and the hash of a configuration.
fn plain(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let kept = map.iter().filter(|(key, _)| {
                !["labels", "annotations", "matchLabels"].contains(&key.as_str())
            });
            let kept = kept.map(|(key, value)| {
                let value = match value.as_str() {
                    Some(name) if name.starts_with("evenkeel-") => Value::from("evenkeel"),
                    _ => plain(value),
                };
                (key.clone(), value)
            });
            Value::Object(kept.collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.iter().map(plain).collect()),
        other => other.clone(),
    }
}

#[test]
fn the_chart_installs_what_the_base_does() {
    let base = Objects::parse(&kustomize::render("base"));
    let chart = Objects::parse(&chart::render(&[]));
    for kind in [
        "ServiceAccount",
        "ClusterRole",
        "ClusterRoleBinding",
        "DaemonSet",
    ] {
        assert_eq!(plain(base.one(kind)), plain(chart.one(kind)), "{kind}");
    }
    let read =
        |objects: &Objects| -> Value { serde_saphyr::from_str(objects.configuration()).unwrap() };
    assert_eq!(read(&base), read(&chart));
    // The chart is installed into a namespace that is there; see its README for the labels.
    assert_eq!(
        base.iter().count(),
        chart.iter().count() + base.all("Namespace").len()
    );
}
