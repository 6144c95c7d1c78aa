//! The objects of Kubernetes' API: as much of them as pools are made of, which is all that is kept.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::model::Role;

/// What the names of objects are unique in, and the name.
pub(super) type Key = (String, String);

/// What is kept of objects.
#[derive(Clone, Debug)]
pub(super) struct Scope {
    /// From which side connections are seen.
    pub(super) role: Role,
    /// The node that the agent runs on, if that matters.
    pub(super) node: Option<String>,
    /// Labels of pods that become labels of backends.
    pub(super) pod_labels: Vec<String>,
}

/// A kind of object, and what is kept of it.
pub(super) trait Kept: Sized + Send + 'static {
    /// How it comes.
    type Wire: DeserializeOwned + Clone + Send + 'static;
    /// What it is called in paths of the API.
    const PLURAL: &'static str;
    /// The path of the API's group and version.
    const API: &'static str;
    /// Whether its metadata is all that is asked for.
    const METADATA_ALONE: bool;

    /// What is kept; `None` if it does not matter here.
    fn keep(wire: Self::Wire, scope: &Scope) -> Option<Self>;

    /// The metadata of an object on the wire.
    fn meta(wire: &Self::Wire) -> &Meta;
}

/// `metadata`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Meta {
    pub(super) name: String,
    pub(super) namespace: String,
    pub(super) uid: String,
    pub(super) resource_version: Option<String>,
    pub(super) labels: Option<BTreeMap<String, String>>,
    pub(super) annotations: Option<BTreeMap<String, String>>,
}

impl Meta {
    /// What the object is called.
    pub(super) fn key(&self) -> Key {
        (self.namespace.clone(), self.name.clone())
    }
}

/// A `Service`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Service {
    pub(super) key: Key,
    /// No address of its own: clients choose among the pods.
    pub(super) headless: bool,
    /// `sessionAffinity: ClientIP`, with its timeout in seconds.
    pub(super) sticky: Option<u64>,
    /// `externalTrafficPolicy: Local`.
    pub(super) external_local: bool,
    /// `internalTrafficPolicy: Local`.
    pub(super) internal_local: bool,
    /// `trafficDistribution`.
    pub(super) distribution: Option<String>,
    /// The annotation `service.kubernetes.io/topology-mode`.
    pub(super) topology_mode: Option<String>,
    /// Its ports of TCP.
    pub(super) ports: Vec<ServicePort>,
    /// The annotations of evenkeel, without their prefix.
    pub(super) annotations: BTreeMap<String, String>,
}

/// A port of a [`Service`].
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct ServicePort {
    pub(super) name: Option<String>,
    pub(super) number: u16,
    pub(super) app_protocol: Option<String>,
}

/// An `EndpointSlice`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Slice {
    /// The namespace, and the name of the Service.
    pub(super) service: Key,
    /// Its ports of TCP: the name that the Service has for each, and where pods listen.
    pub(super) ports: Vec<(Option<String>, u16)>,
    pub(super) endpoints: Vec<Endpoint>,
}

/// One pod, or another server, of a [`Slice`].
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Endpoint {
    pub(super) ip: IpAddr,
    /// It gets new connections.
    pub(super) ready: bool,
    /// It would answer them.
    pub(super) serving: bool,
    /// It is being shut down.
    pub(super) terminating: bool,
    pub(super) node: Option<String>,
    pub(super) zone: Option<String>,
    /// Name and UID of the pod, if it is one.
    pub(super) pod: Option<(String, String)>,
    /// The zones and nodes whose clients it is for; empty if it is for all.
    pub(super) hints: Vec<String>,
}

/// What labels a pod has, of those that are asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Pod {
    pub(super) uid: String,
    pub(super) labels: BTreeMap<String, String>,
}
