//! A configuration as plain values, with all that it names in other files: for whoever writes another one from it.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Number, Value as Json};

use super::document::parts;
use super::files;
use crate::error::ReadError;
use crate::finding::Report;
use crate::source::{Files, Limits, Loader};
use crate::yaml::Value;

/// Fields whose keys are users' own words, not names of fields.
const FREE: [&str; 4] = [
    "filter_metadata",
    "typed_filter_metadata",
    "default_subset",
    "typed_extension_protocol_options",
];

/// What decides in a configuration; names of fields are in snake case.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EnvoyText {
    /// `envoy.config.cluster.v3.Cluster`, in their order.
    pub clusters: Vec<Json>,
    /// `ClusterLoadAssignment`, by the name of the cluster or its `service_name`: those that discovery brought.
    pub endpoints: BTreeMap<String, Json>,
    /// Listeners, route configurations, and what else may name clusters.
    pub others: Vec<Json>,
    /// Which node it is for, if it says so.
    pub node: Option<Json>,
    /// What could not be read, in words.
    pub missing: Vec<String>,
}

/// Reads the configuration at `path` with the files that it names; also what `/config_dump` of the admin interface says.
pub fn envoy_text(files: &dyn Files, path: &Path, limits: Limits) -> Result<EnvoyText, ReadError> {
    let mut loader = Loader::new(files, limits);
    let mut report = Report::default();
    let (trees, _) = files::read(&mut loader, path, &mut report)?;
    let parts = parts(&trees);
    let mut documents = trees.iter().flat_map(crate::yaml::Tree::documents);
    let node = documents.find_map(|document| document.get("node"));
    let endpoints = parts.endpoints.iter();
    let findings = report.into_findings().into_iter();
    Ok(EnvoyText {
        clusters: parts.clusters.iter().map(|value| json(*value)).collect(),
        endpoints: endpoints
            .map(|(name, value)| ((*name).to_owned(), json(*value)))
            .collect(),
        others: parts.others.iter().map(|value| json(*value)).collect(),
        node: node.map(json),
        missing: findings.map(|finding| finding.message).collect(),
    })
}

/// A value with names of fields in snake case.
fn json(value: Value<'_>) -> Json {
    convert(value, false)
}

/// Trees are of bounded depth and size; see `yaml`.
fn convert(value: Value<'_>, free: bool) -> Json {
    if let Some(text) = value.text() {
        return scalar(value, text);
    }
    if value.is_list() {
        return Json::Array(value.items().map(|item| convert(item, free)).collect());
    }
    let mut map = Map::new();
    for entry in value.entries() {
        let key = entry.key.text().unwrap_or_default();
        let key = if free { key.to_owned() } else { snake(key) };
        let free = free || FREE.contains(&key.as_str());
        map.insert(key, convert(entry.value, free));
    }
    Json::Object(map)
}

fn scalar(value: Value<'_>, text: &str) -> Json {
    if !value.is_plain() {
        return Json::from(text);
    }
    match text {
        _ if value.is_null() => Json::Null,
        "true" => Json::Bool(true),
        "false" => Json::Bool(false),
        _ => number(text).map_or_else(|| Json::from(text), Json::Number),
    }
}

/// A number as JSON writes one.
fn number(text: &str) -> Option<Number> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    digits
        .starts_with(|char: char| char.is_ascii_digit())
        .then(|| text.parse().ok())?
}

fn snake(key: &str) -> String {
    // Types (`@type`) and names of extensions are no fields.
    if key.contains(['@', '.']) {
        return key.to_owned();
    }
    let mut text = String::with_capacity(key.len() + 4);
    for char in key.chars() {
        if char.is_ascii_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(char.to_ascii_lowercase());
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::source::MemoryFiles;

    #[test]
    fn both_spellings_and_all_files_become_one() {
        let text = "
node: { id: a, locality: { zone: z1 } }
staticResources:
  clusters:
  - name: shop
    lbPolicy: RING_HASH
    connectTimeout: 1s
    loadAssignment: { endpoints: [ { lbEndpoints: [ { loadBalancingWeight: '3', metadata: { filterMetadata: { envoy.lb: { hashKey: 7 } } } } ] } ] }
dynamic_resources: { cds_config: { path_config_source: { path: cds.yaml } }, lds_config: { path_config_source: { path: gone.yaml } } }
";
        let cds = "resources: [ { '@type': type.googleapis.com/envoy.config.cluster.v3.Cluster, name: more, type: EDS } ]";
        let files = MemoryFiles::new()
            .with("envoy.yaml", text)
            .with("cds.yaml", cds);
        let read = envoy_text(&files, Path::new("envoy.yaml"), Limits::default()).unwrap();
        assert_eq!(
            read.node,
            Some(json!({"id": "a", "locality": {"zone": "z1"}}))
        );
        assert_eq!(
            read.clusters[0],
            json!({
                "name": "shop", "lb_policy": "RING_HASH", "connect_timeout": "1s",
                "load_assignment": {"endpoints": [{"lb_endpoints": [{
                    "load_balancing_weight": "3",
                    "metadata": {"filter_metadata": {"envoy.lb": {"hashKey": 7}}},
                }]}]},
            })
        );
        assert_eq!(read.clusters[1]["name"], "more");
        assert!(read.missing[0].contains("gone.yaml"), "{:?}", read.missing);
    }
}
