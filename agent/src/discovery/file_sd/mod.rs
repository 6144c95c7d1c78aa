//! Pools from files in the format of Prometheus' `file_sd`: lists of groups of targets with labels, as JSON or YAML.
//!
//! A group's targets go into the pool that its label `__evenkeel_pool__` names, else `job`, else the file's name. Groups
//! of the same pool, also in several files, make up one pool.

mod groups;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, ensure};
use evenkeel_balancers::source::{Files, HostFiles, is_pattern};

pub use self::groups::{Group, parse};

use super::names::Names;
use super::seen::{Noted, Seen};
use super::{Discovered, Finder};
use crate::model::{Algorithm, BackendSpec, PoolSpec, Role, Source, Standby, StandbySpec, Weight};

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

fn read(files: &dyn Files, patterns: &[PathBuf], names: &Names) -> anyhow::Result<Vec<PoolSpec>> {
    let mut pools = BTreeMap::new();
    for path in paths(files, patterns)? {
        let within = || format!("{}", path.display());
        for group in groups(files, &path).with_context(within)? {
            add(&mut pools, &group, names).with_context(within)?;
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
    parse(path, &bytes)
}

/// Adds the members of a group to its pool.
fn add(pools: &mut BTreeMap<String, PoolSpec>, group: &Group, names: &Names) -> anyhow::Result<()> {
    let (name, kind) = (&group.pool, (group.role, group.algorithm));
    let pool = pools
        .entry(name.clone())
        .or_insert_with(|| empty(name.clone(), kind.0, kind.1));
    ensure!(
        (pool.role, pool.algorithm) == kind,
        "the pool {name} has another role or algorithm in another group"
    );
    for address in group.members.iter().flat_map(|one| one.addresses(names)) {
        join(pool, address, group.weight, &group.labels);
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
