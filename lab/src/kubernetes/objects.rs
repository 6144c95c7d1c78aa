//! Objects of the shape that a real cluster's have, with what nobody asked for: managed fields, owners, statuses.

use std::net::IpAddr;

use serde_json::{Value, json};

/// How a pod is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ready {
    /// It serves.
    Yes,
    /// It does not serve yet, or not now.
    No,
    /// It is shut down, and still serves.
    Terminating,
    /// It is shut down, and does not serve.
    Gone,
}

/// A pod, as an `EndpointSlice` has it.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Its address.
    pub ip: IpAddr,
    /// Its name.
    pub pod: String,
    /// Its UID.
    pub uid: String,
    /// The node that it runs on.
    pub node: String,
    /// The zone of that node.
    pub zone: String,
    /// How it is.
    pub ready: Ready,
    /// The zones whose clients it is for.
    pub hints: Vec<String>,
}

impl Endpoint {
    /// A pod that serves, on a node of zone `a`; its UID is made of its name.
    pub fn new(ip: impl Into<IpAddr>, pod: &str, node: &str) -> Self {
        Self {
            ip: ip.into(),
            pod: pod.to_owned(),
            uid: format!("uid-of-{pod}"),
            node: node.to_owned(),
            zone: "zone-a".to_owned(),
            ready: Ready::Yes,
            hints: Vec::new(),
        }
    }

    fn object(&self, namespace: &str) -> Value {
        let (ready, serving, terminating) = match self.ready {
            Ready::Yes => (true, true, false),
            Ready::No => (false, false, false),
            Ready::Terminating => (false, true, true),
            Ready::Gone => (false, false, true),
        };
        let mut endpoint = json!({
            "addresses": [self.ip],
            "conditions": {"ready": ready, "serving": serving, "terminating": terminating},
            "nodeName": self.node,
            "zone": self.zone,
            "targetRef": {"kind": "Pod", "namespace": namespace, "name": self.pod, "uid": self.uid},
        });
        if !self.hints.is_empty() {
            let zones: Vec<Value> = self
                .hints
                .iter()
                .map(|zone| json!({"name": zone}))
                .collect();
            endpoint["hints"] = json!({"forZones": zones});
        }
        endpoint
    }
}

fn metadata(namespace: &str, name: &str, uid: &str, labels: &Value) -> Value {
    json!({
        "name": name,
        "namespace": namespace,
        "uid": uid,
        "creationTimestamp": "2026-11-01T12:00:00Z",
        "labels": labels,
        "managedFields": [{
            "manager": "kube-controller-manager", "operation": "Update", "apiVersion": "v1", "time": "2026-11-01T12:00:00Z",
            "fieldsType": "FieldsV1", "fieldsV1": {"f:metadata": {"f:labels": {".": {}, "f:app": {}}}},
        }],
    })
}

/// A `Service` of type `ClusterIP` with one port called `http`, number 80, and labels of its own. What else there is can be
/// written into the result.
pub fn service(namespace: &str, name: &str, labels: &Value) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(namespace, name, &format!("uid-of-service-{name}"), labels),
        "spec": {
            "clusterIP": "10.96.0.10",
            "clusterIPs": ["10.96.0.10"],
            "internalTrafficPolicy": "Cluster",
            "ipFamilies": ["IPv4"],
            "ipFamilyPolicy": "SingleStack",
            "ports": [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": "web"}],
            "selector": {"app": name},
            "sessionAffinity": "None",
            "type": "ClusterIP",
        },
        "status": {"loadBalancer": {}},
    })
}

/// An `EndpointSlice` of a Service, as the controller makes it, whose port `http` is `port` on each pod. `labels` are those of
/// the Service, which it has too.
pub fn endpoint_slice(
    namespace: &str,
    service: &str,
    number: usize,
    labels: &Value,
    port: u16,
    endpoints: &[Endpoint],
) -> Value {
    let mut labels = labels.clone();
    labels["kubernetes.io/service-name"] = json!(service);
    labels["endpointslice.kubernetes.io/managed-by"] = json!("endpointslice-controller.k8s.io");
    let name = format!("{service}-{number:05}");
    let family = match endpoints.first().map(|endpoint| endpoint.ip) {
        Some(IpAddr::V6(_)) => "IPv6",
        _ => "IPv4",
    };
    let shown: Vec<Value> = endpoints.iter().map(|it| it.object(namespace)).collect();
    let mut slice = json!({
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": metadata(namespace, &name, &format!("uid-of-slice-{name}"), &labels),
        "addressType": family,
        // A slice without endpoints has `null`.
        "endpoints": if shown.is_empty() { Value::Null } else { Value::Array(shown) },
        "ports": [{"name": "http", "port": port, "protocol": "TCP"}],
    });
    slice["metadata"]["generateName"] = json!(format!("{service}-"));
    slice["metadata"]["ownerReferences"] = json!([{
        "apiVersion": "v1", "blockOwnerDeletion": true, "controller": true, "kind": "Service", "name": service,
        "uid": format!("uid-of-service-{service}"),
    }]);
    slice
}

/// A `Pod` with labels of its own.
pub fn pod(namespace: &str, endpoint: &Endpoint, labels: &Value) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata(namespace, &endpoint.pod, &endpoint.uid, labels),
        "spec": {"nodeName": endpoint.node, "containers": [{"name": "app", "image": "example.org/app:1"}]},
        "status": {"phase": "Running", "podIP": endpoint.ip, "podIPs": [{"ip": endpoint.ip}]},
    })
}
