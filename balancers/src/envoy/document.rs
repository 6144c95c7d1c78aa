//! Where clusters, endpoints and listeners stand in the kinds of text that there are.

use std::collections::BTreeMap;

use crate::yaml::{Tree, Value};

/// The parts of a configuration.
#[derive(Default)]
pub(super) struct Parts<'a> {
    /// `envoy.config.cluster.v3.Cluster`.
    pub(super) clusters: Vec<Value<'a>>,
    /// `ClusterLoadAssignment`, by the name of the cluster: those that discovery brought.
    pub(super) endpoints: BTreeMap<&'a str, Value<'a>>,
    /// Listeners, route configurations, and whatever else may name clusters.
    pub(super) others: Vec<Value<'a>>,
    /// Whether listeners or routes are among them.
    pub(super) has_routes: bool,
}

/// Finds the parts in all documents.
pub(super) fn parts(trees: &[Tree]) -> Parts<'_> {
    let mut parts = Parts::default();
    for document in trees.iter().flat_map(Tree::documents) {
        for (list, name) in [("configs", "@type"), ("resources", "@type")] {
            document
                .list(list)
                .filter(|item| item.get(name).is_some())
                .for_each(|item| parts.typed(item));
        }
        if document.get("@type").is_some() {
            parts.typed(document);
        } else {
            parts.bootstrap(document);
        }
    }
    parts
}

impl<'a> Parts<'a> {
    fn bootstrap(&mut self, document: Value<'a>) {
        if let Some(resources) = document.get("static_resources") {
            self.clusters.extend(resources.list("clusters"));
            self.routes(resources.get("listeners"));
        }
        // A fragment: the content of `static_resources` alone, or one cluster.
        self.clusters.extend(document.list("clusters"));
        self.routes(document.get("listeners"));
        if document.get("load_assignment").is_some() {
            self.clusters.push(document);
        }
        let more = [
            "dynamic_resources",
            "cluster_manager",
            "tracing",
            "hds_config",
        ];
        self.others
            .extend(more.iter().filter_map(|key| document.get(key)));
    }

    fn routes(&mut self, value: Option<Value<'a>>) {
        self.has_routes |= value.is_some();
        self.others.extend(value);
    }

    /// A part that says what it is: of a dump, or of a discovery response.
    fn typed(&mut self, value: Value<'a>) {
        let kind = value.get("@type").and_then(Value::text).unwrap_or_default();
        match kind.rsplit('.').next().unwrap_or_default() {
            "Cluster" => self.clusters.push(value),
            "ClusterLoadAssignment" => self.endpoint(value),
            "Listener" | "RouteConfiguration" => self.routes(Some(value)),
            "BootstrapConfigDump" => self.dumped_bootstrap(value),
            "ClustersConfigDump" => {
                let lists = ["static_clusters", "dynamic_active_clusters"];
                let items = lists.iter().flat_map(|list| value.list(list));
                self.clusters
                    .extend(items.filter_map(|item| item.get("cluster")));
            }
            "EndpointsConfigDump" => {
                let lists = ["static_endpoint_configs", "dynamic_endpoint_configs"];
                let items = lists.iter().flat_map(|list| value.list(list));
                items
                    .filter_map(|item| item.get("endpoint_config"))
                    .for_each(|item| self.endpoint(item));
            }
            "ListenersConfigDump" | "RoutesConfigDump" | "ScopedRoutesConfigDump" => {
                self.routes(Some(value));
            }
            _ => {}
        }
    }

    /// The clusters of a dump's bootstrap are repeated among its clusters.
    fn dumped_bootstrap(&mut self, value: Value<'a>) {
        let Some(bootstrap) = value.get("bootstrap") else {
            return;
        };
        let more = ["dynamic_resources", "cluster_manager", "tracing"];
        self.others
            .extend(more.iter().filter_map(|key| bootstrap.get(key)));
    }

    fn endpoint(&mut self, value: Value<'a>) {
        if let Some(name) = value.get("cluster_name").and_then(Value::text) {
            self.endpoints.insert(name, value);
        }
    }
}
