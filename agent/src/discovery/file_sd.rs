//! Pools from files in the format of Prometheus' `file_sd`: lists of groups of targets with labels, as JSON or YAML.
//!
//! A group's targets go into the pool that its label `__evenkeel_pool__` names, else `job`, else the file's name. Groups
//! of the same pool, also in several files, make up one pool.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail, ensure};
use evenkeel_balancers::model::{Address, Target};
use evenkeel_balancers::source::{Files, HostFiles, is_pattern};
use serde::Deserialize;

use super::names::Names;
use super::pools::{label, pool_name};
use super::seen::{Noted, Seen};
use super::{Discovered, Finder};
use crate::config;
use crate::model::{
    Algorithm, BackendSpec, PoolSpec, Role, Source, Standby, StandbySpec, Weight, canonical,
};

const POOL: &str = "__evenkeel_pool__";
const WEIGHT: &str = "__evenkeel_weight__";
const ROLE: &str = "__evenkeel_role__";
const ALGORITHM: &str = "__evenkeel_algorithm__";
/// The label by which Prometheus groups what it scrapes.
const JOB: &str = "job";

/// The longest file that is read, in bytes.
const MOST_BYTES: u64 = 8 << 20;
/// The most files.
const MOST_FILES: usize = 10_000;

/// Looks at files.
#[derive(Debug)]
pub(super) struct FileSd {
    patterns: Vec<PathBuf>,
    /// What was read last, and how often names had changed then.
    last: Option<(Seen, u64)>,
}

impl FileSd {
    /// Will read the files that match `patterns`.
    pub(super) fn new(patterns: Vec<PathBuf>) -> Self {
        Self {
            patterns,
            last: None,
        }
    }
}

impl Finder for FileSd {
    fn source(&self) -> Source {
        Source::FileSd
    }

    fn look(&mut self, names: &Names) -> anyhow::Result<Option<Discovered>> {
        let resolved = names.changes();
        if let Some((seen, known)) = &self.last
            && *known == resolved
            && seen.is_current(&HostFiles)
        {
            return Ok(None);
        }
        let noted = Noted::new(&HostFiles);
        let pools = read(&noted, &self.patterns, names)?;
        let seen = noted.into_seen();
        let files = seen
            .paths()
            .map(|path| path.display().to_string())
            .collect();
        self.last = Some((seen, names.changes()));
        Ok(Some(Discovered {
            pools,
            files,
            configurations: Vec::new(),
        }))
    }
}

/// A group of targets, as Prometheus has it.
#[derive(Debug, Deserialize)]
struct Group {
    targets: Vec<String>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

fn read(files: &dyn Files, patterns: &[PathBuf], names: &Names) -> anyhow::Result<Vec<PoolSpec>> {
    let mut pools = BTreeMap::new();
    for path in paths(files, patterns)? {
        let within = || format!("{}", path.display());
        for group in groups(files, &path).with_context(within)? {
            add(&mut pools, &path, &group, names).with_context(within)?;
        }
    }
    Ok(pools
        .into_values()
        .filter(|pool: &PoolSpec| !pool.backends.is_empty())
        .collect())
}

/// The files, each once. One that is named in full has to be there.
fn paths(files: &dyn Files, patterns: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for pattern in patterns {
        let text = pattern.to_string_lossy();
        if is_pattern(&text) {
            let found = files.glob(&text, MOST_FILES);
            paths.extend(found.with_context(|| format!("cannot look for {text}"))?);
        } else {
            paths.push(pattern.clone());
        }
    }
    ensure!(
        paths.len() <= MOST_FILES,
        "there are more than {MOST_FILES} files"
    );
    paths.sort();
    paths.dedup();
    Ok(paths)
}

fn groups(files: &dyn Files, path: &Path) -> anyhow::Result<Vec<Group>> {
    let bytes = files
        .read(path, MOST_BYTES)
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => anyhow!("there is no such file"),
            _ => anyhow!("cannot be read: {error}"),
        })?;
    ensure!(
        bytes.len() as u64 <= MOST_BYTES,
        "it is longer than {} MiB",
        MOST_BYTES >> 20
    );
    let text = std::str::from_utf8(&bytes).context("it is not UTF-8")?;
    let shape = "it is not a list of `targets` with `labels`, as Prometheus' file_sd wants it";
    if path.extension().is_some_and(|end| end == "json") {
        return serde_json::from_str(text).context(shape);
    }
    // YAML knows nothing, where Prometheus means an empty list.
    let groups: Option<Vec<Group>> = serde_saphyr::from_str(text)
        .map_err(|error| anyhow!("{error}"))
        .context(shape)?;
    Ok(groups.unwrap_or_default())
}

/// Adds the targets of a group to its pool.
fn add(
    pools: &mut BTreeMap<String, PoolSpec>,
    path: &Path,
    group: &Group,
    names: &Names,
) -> anyhow::Result<()> {
    let said = |name: &str| group.labels.get(name).map(String::as_str);
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let name = said(POOL).or_else(|| said(JOB)).unwrap_or(&stem);
    ensure!(!name.trim().is_empty(), "the name of a pool is empty");
    let role = said(ROLE).map_or(Ok(Role::Upstream), role)?;
    let algorithm = said(ALGORITHM).map_or(Ok(Algorithm::default()), algorithm)?;
    let weight = said(WEIGHT).map_or(Ok(1.0), weight)?;
    let pool = match pools.entry(pool_name(name)) {
        Entry::Occupied(entry) => {
            let pool = entry.into_mut();
            ensure!(
                (pool.role, pool.algorithm) == (role, algorithm),
                "the pool {name} has another role or algorithm in another group"
            );
            pool
        }
        Entry::Vacant(entry) => {
            let name = entry.key().clone();
            entry.insert(empty(name, role, algorithm))
        }
    };
    let own = group
        .labels
        .iter()
        .filter(|(name, _)| !name.starts_with("__"));
    let labels: BTreeMap<String, String> = own.map(|(name, value)| label((name, value))).collect();
    for target in &group.targets {
        for address in addresses(target, names)? {
            join(pool, address, weight, &labels);
        }
    }
    Ok(())
}

fn empty(name: String, role: Role, algorithm: Algorithm) -> PoolSpec {
    PoolSpec {
        name,
        role,
        source: Source::FileSd,
        tolerance: None,
        algorithm,
        expected: None,
        backends: Vec::new(),
        standby: Vec::new(),
        findings: Vec::new(),
    }
}

/// Adds a member, unless its address is in the pool already.
fn join(pool: &mut PoolSpec, address: SocketAddr, weight: f64, labels: &BTreeMap<String, String>) {
    let known = pool.backends.iter().any(|one| one.address == address)
        || pool.standby.iter().any(|one| one.address == address);
    if known {
        return;
    }
    let labels = labels.clone();
    match Weight::new(weight) {
        Some(weight) => pool.backends.push(BackendSpec {
            address,
            netns: None,
            weight,
            share: None,
            labels,
        }),
        None => pool.standby.push(StandbySpec {
            address,
            netns: None,
            why: Standby::Drained,
            labels,
        }),
    }
}

/// The addresses that a target stands for; none for a name that does not resolve.
fn addresses(target: &str, names: &Names) -> anyhow::Result<Vec<SocketAddr>> {
    match Address::parse(target, None).target {
        Target::Ip(address) if address.port() != 0 => Ok(vec![canonical(address)]),
        Target::Name {
            host,
            port: Some(port @ 1..),
        } => Ok(names.lookup(&host, port)),
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

#[cfg(test)]
mod tests {
    use evenkeel_balancers::source::MemoryFiles;

    use super::*;

    fn pools(files: &[(&str, &str)]) -> anyhow::Result<Vec<PoolSpec>> {
        let memory = files
            .iter()
            .fold(MemoryFiles::new(), |memory, (path, text)| {
                memory.with(*path, *text)
            });
        let patterns = [PathBuf::from("sd/*.json"), PathBuf::from("sd/one.yml")];
        read(&memory, &patterns, &Names::default())
    }

    const NOTHING: (&str, &str) = ("sd/one.yml", "");

    #[test]
    fn groups_of_several_files_make_pools() {
        let json = r#"[{"targets": ["192.0.2.1:80", "192.0.2.2:80"], "labels": {"job": "shop", "zone": "a", "__meta_x": "y"}},
            {"targets": ["192.0.2.3:80"], "labels": {"job": "shop", "__evenkeel_weight__": "5", "pool": "blue"}},
            {"targets": ["192.0.2.4:80", "192.0.2.1:80"], "labels": {"job": "shop", "__evenkeel_weight__": "0"}}]"#;
        let yaml = "- targets: ['[2001:db8::1]:443']\n  labels: {__evenkeel_pool__: api, job: shop, __evenkeel_role__: local, \
                    __evenkeel_algorithm__: LEAST_CONN}\n- targets: [192.0.2.9:1]\n";
        let pools = pools(&[("sd/a.json", json), ("sd/one.yml", yaml)]).unwrap();
        let names: Vec<&str> = pools.iter().map(|pool| pool.name.as_str()).collect();
        assert_eq!(names, ["api", "one", "shop"]);
        assert_eq!(
            (pools[0].role, pools[0].algorithm),
            (Role::Local, Algorithm::LoadDependent)
        );
        let shop = &pools[2];
        let weights: Vec<f64> = shop.backends.iter().map(|it| it.weight.get()).collect();
        assert_eq!(weights, [1.0, 1.0, 5.0]);
        assert_eq!(shop.backends[0].labels["zone"], "a");
        assert!(!shop.backends[0].labels.contains_key("__meta_x"));
        assert_eq!(shop.backends[2].labels["exported_pool"], "blue");
        assert_eq!(shop.standby.len(), 1, "the other is in rotation");
        assert_eq!(shop.standby[0].why, Standby::Drained);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_file() {
        let told = |json: &str| {
            let error = pools(&[("sd/a.json", json), NOTHING]).unwrap_err();
            format!("{error:#}")
        };
        let target = r#"[{"targets": ["192.0.2.1"]}]"#;
        assert_eq!(
            told(target),
            "sd/a.json: the target \"192.0.2.1\" is not a host and a port, like `192.0.2.1:8080`"
        );
        assert!(told("{}").starts_with("sd/a.json: it is not a list of `targets`"));
        let role = r#"[{"targets": [], "labels": {"__evenkeel_role__": "x"}}]"#;
        assert!(told(role).contains("neither `upstream` nor `local`"));
        let both = r#"[{"targets": [], "labels": {"job": "a"}},
            {"targets": [], "labels": {"job": "a", "__evenkeel_role__": "local"}}]"#;
        assert!(told(both).contains("another role"));
        assert_eq!(
            format!("{:#}", pools(&[]).unwrap_err()),
            "sd/one.yml: there is no such file"
        );
    }
}
