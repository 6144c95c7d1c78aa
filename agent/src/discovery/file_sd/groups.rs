//! What one file says: groups of targets with labels, in the format of Prometheus.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context as _, anyhow, bail, ensure};
use evenkeel_balancers::model::{Address, Target};
use serde::Deserialize;

use crate::config;
use crate::discovery::names::Names;
use crate::discovery::pools::{label, pool_name};
use crate::model::{Algorithm, Role, canonical};

const POOL: &str = "__evenkeel_pool__";
const WEIGHT: &str = "__evenkeel_weight__";
const ROLE: &str = "__evenkeel_role__";
const ALGORITHM: &str = "__evenkeel_algorithm__";
/// The label by which Prometheus groups what it scrapes.
const JOB: &str = "job";

/// Members of a pool that have the same labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    pub(super) pool: String,
    pub(super) role: Role,
    pub(super) algorithm: Algorithm,
    /// Finite, from 0 on; that of each member.
    pub(super) weight: f64,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) members: Vec<Member>,
}

/// A target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Member {
    Address(SocketAddr),
    Name { host: String, port: u16 },
}

impl Member {
    /// The addresses that it stands for; none for a name that does not resolve.
    pub(super) fn addresses(&self, names: &Names) -> Vec<SocketAddr> {
        match self {
            Self::Address(address) => vec![*address],
            Self::Name { host, port } => names.lookup(host, *port),
        }
    }
}

/// A group as it is written.
#[derive(Debug, Deserialize)]
struct Written {
    targets: Vec<String>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

/// Reads a file's content: JSON if its name ends so, else YAML.
///
/// # Errors
/// Fails if it is not in the format, or says what is none of a pool's.
pub fn parse(path: &Path, bytes: &[u8]) -> anyhow::Result<Vec<Group>> {
    let text = std::str::from_utf8(bytes).context("it is not UTF-8")?;
    let shape = "it is not a list of `targets` with `labels`, as Prometheus' file_sd wants it";
    let written: Vec<Written> = if path.extension().is_some_and(|end| end == "json") {
        serde_json::from_str(text).context(shape)?
    } else {
        // YAML knows nothing, where Prometheus means an empty list.
        let groups: Option<Vec<Written>> = serde_saphyr::from_str(text)
            .map_err(|error| anyhow!("{error}"))
            .context(shape)?;
        groups.unwrap_or_default()
    };
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    written.iter().map(|group| meant(&stem, group)).collect()
}

/// What a group means, in a file of this name.
fn meant(stem: &str, group: &Written) -> anyhow::Result<Group> {
    let said = |name: &str| group.labels.get(name).map(String::as_str);
    let name = said(POOL).or_else(|| said(JOB)).unwrap_or(stem);
    ensure!(!name.trim().is_empty(), "the name of a pool is empty");
    let own = group
        .labels
        .iter()
        .filter(|(name, _)| !name.starts_with("__"));
    Ok(Group {
        pool: pool_name(name),
        role: said(ROLE).map_or(Ok(Role::Upstream), role)?,
        algorithm: said(ALGORITHM).map_or(Ok(Algorithm::default()), algorithm)?,
        weight: said(WEIGHT).map_or(Ok(1.0), weight)?,
        labels: own.map(|(name, value)| label((name, value))).collect(),
        members: group
            .targets
            .iter()
            .map(|target| member(target))
            .collect::<anyhow::Result<_>>()?,
    })
}

fn member(target: &str) -> anyhow::Result<Member> {
    match Address::parse(target, None).target {
        Target::Ip(address) if address.port() != 0 => Ok(Member::Address(canonical(address))),
        Target::Name {
            host,
            port: Some(port @ 1..),
        } => Ok(Member::Name { host, port }),
        _ => bail!("the target {target:?} is not a host and a port, like `192.0.2.1:8080`"),
    }
}

fn role(written: &str) -> anyhow::Result<Role> {
    match written {
        "upstream" => Ok(Role::Upstream),
        "local" => Ok(Role::Local),
        _ => bail!("`{ROLE}` is {written:?}, which is neither `upstream` nor `local`"),
    }
}

fn algorithm(written: &str) -> anyhow::Result<Algorithm> {
    config::algorithm_named(written)
        .with_context(|| format!("`{ALGORITHM}` is {written:?}, which is no algorithm"))
}

fn weight(written: &str) -> anyhow::Result<f64> {
    let weight = written.trim().parse::<f64>().ok();
    weight
        .filter(|weight| weight.is_finite() && *weight >= 0.0)
        .with_context(|| format!("`{WEIGHT}` is {written:?}, which is not a number from 0 on"))
}
