//! The objects that decide where connections go.

use std::collections::BTreeMap;

use super::mesh::{self, Meshes, Policy};
use super::routes::{self, Split};
use crate::model::Address;
use crate::source::Place;
use crate::yaml::{Tree, Value};

/// Labels, as selectors and templates have them.
pub(super) type Labels<'a> = BTreeMap<&'a str, &'a str>;

/// What the names of objects are unique in.
pub(super) type Key<'a> = (&'a str, &'a str);

/// A `Service`.
#[derive(Debug)]
pub(super) struct Service<'a> {
    /// Namespace and name.
    pub(super) key: Key<'a>,
    pub(super) place: Place,
    pub(super) selector: Labels<'a>,
    pub(super) headless: bool,
    pub(super) ports: Vec<Port<'a>>,
    pub(super) spec: Value<'a>,
    pub(super) metadata: Value<'a>,
}

/// A port of a Service.
#[derive(Clone, Copy, Debug)]
pub(super) struct Port<'a> {
    pub(super) name: Option<&'a str>,
    pub(super) number: &'a str,
    /// `appProtocol`.
    pub(super) protocol: Option<Value<'a>>,
    /// `UDP` or `SCTP`, where it is not TCP.
    pub(super) transport: Option<&'a str>,
    pub(super) place: Place,
}

/// A pod behind a Service, as an `EndpointSlice` tells of it.
#[derive(Clone, Debug)]
pub(super) struct Endpoint<'a> {
    pub(super) address: Address,
    pub(super) ready: bool,
    pub(super) node: Option<&'a str>,
    pub(super) zone: Option<&'a str>,
    pub(super) place: Place,
    /// The name of the port, as the Service has it.
    pub(super) port: Option<&'a str>,
}

/// What makes pods: a `Deployment` and its kin.
#[derive(Debug)]
pub(super) struct Workload<'a> {
    pub(super) key: Key<'a>,
    pub(super) place: Place,
    pub(super) labels: Labels<'a>,
    /// How many pods it makes; `None` if nodes or an autoscaler decide.
    pub(super) replicas: Option<u64>,
    pub(super) containers: Vec<Value<'a>>,
}

/// A `HorizontalPodAutoscaler`.
#[derive(Debug)]
pub(super) struct Autoscaler<'a> {
    /// Namespace and name of the workload that it scales.
    pub(super) target: Key<'a>,
    pub(super) place: Place,
    /// How many pods it goes between.
    pub(super) least: u64,
    pub(super) most: u64,
}

/// All objects that are known here.
#[derive(Debug, Default)]
pub(super) struct Objects<'a> {
    pub(super) services: Vec<Service<'a>>,
    pub(super) endpoints: BTreeMap<Key<'a>, Vec<Endpoint<'a>>>,
    pub(super) workloads: Vec<Workload<'a>>,
    pub(super) splits: Vec<Split<'a>>,
    /// `ipvs.scheduler` of kube-proxy's configuration.
    pub(super) schedulers: Vec<Value<'a>>,
    pub(super) autoscalers: Vec<Autoscaler<'a>>,
    pub(super) policies: Vec<Policy<'a>>,
    /// Ingresses that are canaries of others.
    pub(super) canaries: Vec<Canary<'a>>,
    /// Namespaces whose pods get a mesh's proxy, and the Services of Istio's rules.
    pub(super) meshes: Meshes<'a>,
    /// `ConfigMap`s with settings of Cilium's balancer: their `data`.
    pub(super) cilium: Vec<Value<'a>>,
}

/// An Ingress of ingress-nginx that takes a part of another's requests.
#[derive(Debug)]
pub(super) struct Canary<'a> {
    pub(super) key: Key<'a>,
    /// Its weight as written.
    pub(super) weight: Value<'a>,
    /// What weights are parts of: 100 unless written.
    pub(super) total: f64,
}

/// Collects the objects of all texts.
pub(super) fn objects(trees: &[Tree]) -> Objects<'_> {
    let mut objects = Objects::default();
    for document in trees.iter().flat_map(Tree::documents) {
        objects.add(document);
        // `kubectl get -o yaml` gives a `List`.
        document.list("items").for_each(|item| objects.add(item));
    }
    objects
}

impl<'a> Objects<'a> {
    fn add(&mut self, object: Value<'a>) {
        let kind = object.get("kind").and_then(Value::text).unwrap_or_default();
        let (spec, metadata) = (
            object.get("spec").unwrap_or(object),
            object.get("metadata").unwrap_or(object),
        );
        let text = |key: &str| metadata.get(key).and_then(Value::text);
        let key = (
            text("namespace").unwrap_or("default"),
            text("name").unwrap_or_default(),
        );
        let place = metadata.get("name").unwrap_or(object).place();
        match kind {
            "Service" => self.services.push(service(key, place, spec, metadata)),
            "EndpointSlice" => self.slice(key.0, object, metadata),
            "Namespace" => self.meshes.namespace(key.1, metadata),
            "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" => {
                self.meshes.pods(key.0, spec);
                self.workloads.push(workload(kind, key, place, spec));
            }
            "DestinationRule" => {
                let policies = mesh::policies(key, spec);
                self.meshes.policies(&policies);
                self.policies.extend(policies);
            }
            "ServiceProfile" => self.meshes.profile(key.1),
            "ConfigMap" => self.cilium.extend(cilium(object)),
            "Ingress" => self.canaries.extend(canary(key, metadata)),
            "HorizontalPodAutoscaler" => self.autoscalers.extend(autoscaler(key.0, spec)),
            "KubeProxyConfiguration" => self.schedulers.extend(object.at(&["ipvs", "scheduler"])),
            kind => self.splits.extend(routes::splits(kind, key, spec)),
        }
    }

    fn slice(&mut self, namespace: &'a str, object: Value<'a>, metadata: Value<'a>) {
        let service = metadata
            .at(&["labels", "kubernetes.io/service-name"])
            .and_then(Value::text);
        let Some(service) = service else { return };
        let into = self.endpoints.entry((namespace, service)).or_default();
        // A slice has a few ports; more would multiply.
        for port in object.list("ports").take(100) {
            let number = port
                .get("port")
                .and_then(Value::whole)
                .and_then(|port| u16::try_from(port).ok());
            let name = port
                .get("name")
                .and_then(Value::text)
                .filter(|name| !name.is_empty());
            into.extend(
                object
                    .list("endpoints")
                    .filter_map(|value| endpoint(value, name, number)),
            );
        }
    }
}

fn labels(value: Option<Value<'_>>) -> Labels<'_> {
    let entries = value.into_iter().flat_map(Value::entries);
    entries
        .filter_map(|entry| Some((entry.key.text()?, entry.value.text()?)))
        .collect()
}

fn service<'a>(key: Key<'a>, place: Place, spec: Value<'a>, metadata: Value<'a>) -> Service<'a> {
    let port = |value: Value<'a>| {
        let number = value.get("port")?;
        Some(Port {
            name: value.get("name").and_then(Value::text),
            number: number.text()?,
            protocol: value.get("appProtocol"),
            transport: value
                .get("protocol")
                .and_then(Value::text)
                .filter(|name| *name != "TCP"),
            place: number.place(),
        })
    };
    Service {
        key,
        place,
        selector: labels(spec.get("selector")),
        headless: spec.get("clusterIP").and_then(Value::text) == Some("None"),
        ports: spec.list("ports").filter_map(port).collect(),
        spec,
        metadata,
    }
}

fn endpoint<'a>(
    value: Value<'a>,
    port: Option<&'a str>,
    number: Option<u16>,
) -> Option<Endpoint<'a>> {
    // "Consumers must handle only the first" of several addresses.
    let address = value.list("addresses").next()?;
    let written = address.text()?;
    let condition = |name: &str| value.at(&["conditions", name]).and_then(Value::text);
    let shown = match number {
        Some(number) if written.contains(':') => format!("[{written}]:{number}"),
        Some(number) => format!("{written}:{number}"),
        None => written.to_owned(),
    };
    Some(Endpoint {
        address: Address::parse(&shown, None),
        ready: condition("ready") != Some("false") && condition("terminating") != Some("true"),
        node: value.get("nodeName").and_then(Value::text),
        zone: value.get("zone").and_then(Value::text),
        place: address.place(),
        port,
    })
}

fn workload<'a>(kind: &str, key: Key<'a>, place: Place, spec: Value<'a>) -> Workload<'a> {
    Workload {
        key,
        place,
        labels: labels(spec.at(&["template", "metadata", "labels"])),
        replicas: replicas(kind, spec),
        containers: spec
            .at(&["template", "spec"])
            .into_iter()
            .flat_map(|pod| pod.list("containers"))
            .collect(),
    }
}

/// A `DaemonSet` has a pod on each node; of the others one is made unless more are written.
fn replicas(kind: &str, spec: Value<'_>) -> Option<u64> {
    let written = || spec.get("replicas").and_then(Value::whole).unwrap_or(1);
    (kind != "DaemonSet").then(written)
}

/// Nothing but `canary: "true"` makes an Ingress one.
fn canary<'a>(key: Key<'a>, metadata: Value<'a>) -> Option<Canary<'a>> {
    let annotations = metadata.get("annotations")?;
    let said = |name: &str| annotations.get(&format!("nginx.ingress.kubernetes.io/{name}"));
    said("canary").filter(|word| word.text() == Some("true"))?;
    let total = said("canary-weight-total").and_then(Value::number);
    Some(Canary {
        key,
        weight: said("canary-weight")?,
        total: total.filter(|total| *total > 0.0).unwrap_or(100.0),
    })
}

/// The settings of a `ConfigMap`, if it has one of Cilium's balancer.
fn cilium(object: Value<'_>) -> Option<Value<'_>> {
    object
        .get("data")
        .filter(|data| data.get("bpf-lb-algorithm").is_some())
}

/// `minReplicas` is 1 unless written; `maxReplicas` is required.
fn autoscaler<'a>(namespace: &'a str, spec: Value<'a>) -> Option<Autoscaler<'a>> {
    let most = spec.entry("maxReplicas")?;
    Some(Autoscaler {
        target: (namespace, spec.at(&["scaleTargetRef", "name"])?.text()?),
        place: most.value.place(),
        least: spec.get("minReplicas").and_then(Value::whole).unwrap_or(1),
        most: most.value.whole()?,
    })
}
