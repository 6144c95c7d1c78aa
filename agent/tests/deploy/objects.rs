//! Kubernetes' objects as data.

use serde_json::Value;

/// The objects of a stream of YAML documents.
pub(crate) struct Objects(Vec<Value>);

impl Objects {
    pub(crate) fn parse(yaml: &str) -> Self {
        let objects: Vec<Value> = serde_saphyr::from_multiple(yaml).unwrap();
        Self(objects.into_iter().filter(|one| !one.is_null()).collect())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Value> {
        self.0.iter()
    }

    /// The objects of a kind.
    pub(crate) fn all(&self, kind: &str) -> Vec<&Value> {
        self.0.iter().filter(|one| one["kind"] == kind).collect()
    }

    /// The only object of a kind.
    pub(crate) fn one(&self, kind: &str) -> &Value {
        let found = self.all(kind);
        assert_eq!(found.len(), 1, "objects of kind {kind}");
        found[0]
    }

    /// The configuration of the agents, which is in the only ConfigMap with a file of that name.
    pub(crate) fn configuration(&self) -> &str {
        let maps = self.all("ConfigMap");
        let mut texts = maps
            .iter()
            .filter_map(|map| map["data"]["evenkeel.yaml"].as_str());
        let text = texts.next().unwrap();
        assert!(texts.next().is_none(), "two configurations");
        text
    }

    /// The pods of the agents.
    pub(crate) fn pod(&self) -> &Value {
        &self.one("DaemonSet")["spec"]["template"]["spec"]
    }
}
