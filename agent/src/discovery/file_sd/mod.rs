//! Pools from files in the format of Prometheus' `file_sd`: lists of groups of targets with labels, as JSON or YAML.
//!
//! A group's targets go into the pool that its label `__evenkeel_pool__` names, else `job`, else the file's name. Groups
//! of the same pool, also in several files, make up one pool. A file that cannot be read keeps what it said last, and holds up
//! no other.

mod groups;
mod kept;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::SystemTime;

use anyhow::{Context as _, ensure};
use evenkeel_balancers::source::{Files, HostFiles, is_pattern};

pub use self::groups::{Group, parse};

use self::kept::Kept;

use super::names::Names;
use super::seen::{Noted, Seen};
use super::{Discovered, Finder};
use crate::model::{Algorithm, BackendSpec, PoolSpec, Role, Source, Standby, StandbySpec, Weight};

/// The most files.
const MOST_FILES: usize = 10_000;

/// Looks at files.
#[derive(Debug)]
pub(super) struct FileSd {
    patterns: Vec<PathBuf>,
    /// What was read last, and how often names had changed then.
    last: Option<(Seen, u64)>,
    kept: Kept,
}

impl FileSd {
    /// Will read the files that match `patterns`.
    pub(super) fn new(patterns: Vec<PathBuf>) -> Self {
        Self {
            patterns,
            last: None,
            kept: Kept::default(),
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
        let paths = paths(&noted, &self.patterns)?;
        self.kept.read(&noted, paths, SystemTime::now())?;
        let pools = pools(self.kept.groups(), names);
        let seen = noted.into_seen();
        let files = seen
            .paths()
            .map(|path| path.display().to_string())
            .collect();
        self.last = Some((seen, names.changes()));
        Ok(Some(Discovered {
            pools,
            files,
            findings: Vec::new(),
            configurations: Vec::new(),
            stale: self.kept.stale(),
        }))
    }
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

/// The pools of groups, of which those of one pool agree.
fn pools<'g>(groups: impl Iterator<Item = &'g Group>, names: &Names) -> Vec<PoolSpec> {
    let mut pools: BTreeMap<&str, PoolSpec> = BTreeMap::new();
    for group in groups {
        let pool = pools
            .entry(&group.pool)
            .or_insert_with(|| empty(group.pool.clone(), group.role, group.algorithm));
        for address in group.members.iter().flat_map(|one| one.addresses(names)) {
            join(pool, address, group.weight, &group.labels);
        }
    }
    let pools = pools.into_values();
    pools.filter(|pool| !pool.backends.is_empty()).collect()
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
            identity: None,
            address,
            netns: None,
            weight,
            share: None,
            labels,
        }),
        None => pool.standby.push(StandbySpec {
            identity: None,
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
    use crate::discovery::StaleFile;

    fn found(files: &[(&str, &str)]) -> anyhow::Result<(Vec<PoolSpec>, Vec<StaleFile>)> {
        let memory = files
            .iter()
            .fold(MemoryFiles::new(), |memory, (path, text)| {
                memory.with(*path, *text)
            });
        let patterns = [PathBuf::from("sd/*.json"), PathBuf::from("sd/one.yml")];
        let mut kept = Kept::default();
        kept.read(&memory, paths(&memory, &patterns)?, SystemTime::UNIX_EPOCH)?;
        Ok((pools(kept.groups(), &Names::default()), kept.stale()))
    }

    const NOTHING: (&str, &str) = ("sd/one.yml", "");

    #[test]
    fn groups_of_several_files_make_pools() {
        let json = r#"[{"targets": ["192.0.2.1:80", "192.0.2.2:80"], "labels": {"job": "shop", "zone": "a", "__meta_x": "y"}},
            {"targets": ["192.0.2.3:80"], "labels": {"job": "shop", "__evenkeel_weight__": "5", "pool": "blue"}},
            {"targets": ["192.0.2.4:80", "192.0.2.1:80"], "labels": {"job": "shop", "__evenkeel_weight__": "0"}}]"#;
        let yaml = "- targets: ['[2001:db8::1]:443']\n  labels: {__evenkeel_pool__: api, job: shop, __evenkeel_role__: local, \
                    __evenkeel_algorithm__: LEAST_CONN}\n- targets: [192.0.2.9:1]\n";
        let (pools, _) = found(&[("sd/a.json", json), ("sd/one.yml", yaml)]).unwrap();
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
            let (_, stale) = found(&[("sd/a.json", json), NOTHING]).unwrap();
            format!("{}: {}", stale[0].file, stale[0].error)
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
            format!("{:#}", found(&[]).unwrap_err()),
            "sd/one.yml: there is no such file"
        );
    }
}
