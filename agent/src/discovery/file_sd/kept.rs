//! What each file said when it could last be read: a file that is broken keeps its own groups and nobody else's.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{anyhow, bail, ensure};
use evenkeel_balancers::source::Files;

use super::groups::{Group, parse};
use crate::discovery::StaleFile;
use crate::model::{Algorithm, Role};

/// The longest file that is read, in bytes.
const MOST_BYTES: u64 = 8 << 20;

/// The files, with what each said last.
#[derive(Debug, Default)]
pub(super) struct Kept(BTreeMap<PathBuf, File>);

/// A file.
#[derive(Debug, Default)]
struct File {
    /// Of the last time that it could be read.
    groups: Vec<Group>,
    /// Since when it cannot be, and why.
    trouble: Option<(SystemTime, String)>,
}

/// What groups of one pool have to have in common.
type Kinds = BTreeMap<String, (Role, Algorithm)>;

impl Kept {
    /// Reads the files anew, and forgets those that are none of them any longer. Of groups that contradict each other those of
    /// the first file count.
    ///
    /// # Errors
    /// Fails if there are files and none of them can be read.
    pub(super) fn read(
        &mut self,
        files: &dyn Files,
        paths: Vec<PathBuf>,
        now: SystemTime,
    ) -> anyhow::Result<()> {
        let mut before = std::mem::take(&mut self.0);
        let mut kinds = Kinds::new();
        for path in paths {
            let old = before.remove(&path).unwrap_or_default();
            let file = match groups(files, &path, &kinds) {
                Ok(groups) => File {
                    groups,
                    trouble: None,
                },
                Err(error) => old.kept(&kinds, now, format!("{error:#}")),
            };
            let agreed = agree(&kinds, &file.groups);
            kinds = agreed.unwrap_or(kinds);
            self.0.insert(path, file);
        }
        let stale = self.stale();
        match stale.first() {
            Some(first) if stale.len() == self.0.len() => bail!(told(first, stale.len() - 1)),
            _ => Ok(()),
        }
    }

    /// The groups of all files.
    pub(super) fn groups(&self) -> impl Iterator<Item = &Group> {
        self.0.values().flat_map(|file| &file.groups)
    }

    /// The files that cannot be read now.
    pub(super) fn stale(&self) -> Vec<StaleFile> {
        let stale = |(path, file): (&PathBuf, &File)| {
            let (since, error) = file.trouble.clone()?;
            let file = path.display().to_string();
            Some(StaleFile { file, since, error })
        };
        self.0.iter().filter_map(stale).collect()
    }
}

impl File {
    /// The same, as one that cannot be read; without its groups if those contradict what other files say now.
    fn kept(self, kinds: &Kinds, now: SystemTime, error: String) -> Self {
        let agrees = agree(kinds, &self.groups).is_ok();
        let since = self.trouble.map_or(now, |(since, _)| since);
        Self {
            groups: if agrees { self.groups } else { Vec::new() },
            trouble: Some((since, error)),
        }
    }
}

fn told(first: &StaleFile, others: usize) -> String {
    let also = match others {
        0 => String::new(),
        others => format!(" (and {others} more files)"),
    };
    format!("{}: {}{also}", first.file, first.error)
}

/// What a file says, if it is in order and agrees with those before it.
fn groups(files: &dyn Files, path: &Path, kinds: &Kinds) -> anyhow::Result<Vec<Group>> {
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
    let groups = parse(path, &bytes)?;
    agree(kinds, &groups)?;
    Ok(groups)
}

/// What pools are with these groups as well.
fn agree(kinds: &Kinds, groups: &[Group]) -> anyhow::Result<Kinds> {
    let mut kinds = kinds.clone();
    for group in groups {
        let kind = (group.role, group.algorithm);
        let known = *kinds.entry(group.pool.clone()).or_insert(kind);
        ensure!(
            known == kind,
            "the pool {} has another role or algorithm in another group",
            group.pool
        );
    }
    Ok(kinds)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use evenkeel_balancers::source::MemoryFiles;

    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn file(job: &str, role: &str) -> String {
        format!(
            r#"[{{"targets": ["192.0.2.1:80"], "labels": {{"job": "{job}", "__evenkeel_role__": "{role}"}}}}]"#
        )
    }

    /// Reads files by these names.
    fn read(kept: &mut Kept, texts: &[(&str, &str)], now: u64) -> anyhow::Result<()> {
        let memory = texts
            .iter()
            .fold(MemoryFiles::new(), |files, (path, text)| {
                files.with(*path, *text)
            });
        kept.read(&memory, vec!["a.json".into(), "b.json".into()], at(now))
    }

    fn pools(kept: &Kept) -> Vec<&str> {
        kept.groups().map(|group| group.pool.as_str()).collect()
    }

    fn troubles(kept: &Kept) -> Vec<(String, SystemTime)> {
        let stale = kept.stale().into_iter();
        stale.map(|stale| (stale.file, stale.since)).collect()
    }

    #[test]
    fn a_broken_file_keeps_its_groups_while_others_go_on() {
        let mut kept = Kept::default();
        let (shop, api) = (file("shop", "upstream"), file("api", "upstream"));
        read(&mut kept, &[("a.json", &shop), ("b.json", &api)], 1).unwrap();
        assert_eq!(pools(&kept), ["shop", "api"]);
        let other = file("other", "upstream");
        read(&mut kept, &[("a.json", "[{"), ("b.json", &other)], 2).unwrap();
        assert_eq!(pools(&kept), ["shop", "other"]);
        read(&mut kept, &[("b.json", &other)], 3).unwrap();
        assert_eq!(pools(&kept), ["shop", "other"]);
        let stale = &kept.stale()[0];
        assert_eq!((stale.file.as_str(), stale.since), ("a.json", at(2)));
        assert_eq!(stale.error, "there is no such file");
        read(&mut kept, &[("a.json", &api), ("b.json", &other)], 4).unwrap();
        assert_eq!(pools(&kept), ["api", "other"]);
        assert!(kept.stale().is_empty());
    }

    #[test]
    fn the_source_fails_if_all_files_do() {
        let mut kept = Kept::default();
        let error = read(&mut kept, &[("a.json", "x")], 1).unwrap_err();
        let said = error.to_string();
        assert!(said.starts_with("a.json: it is not a list of"), "{said}");
        assert!(said.ends_with("(and 1 more files)"), "{said}");
        kept.read(&MemoryFiles::new(), Vec::new(), at(2)).unwrap();
    }

    #[test]
    fn of_files_that_contradict_each_other_the_first_counts() {
        let mut kept = Kept::default();
        let (shop, local) = (file("shop", "upstream"), file("shop", "local"));
        let api = file("api", "upstream");
        read(&mut kept, &[("a.json", &api), ("b.json", &shop)], 1).unwrap();
        // What the second said is kept, unless it is that which the first contradicts.
        read(&mut kept, &[("a.json", &local), ("b.json", &local)], 2).unwrap();
        assert_eq!(
            (pools(&kept), troubles(&kept)),
            (vec!["shop", "shop"], vec![])
        );
        read(&mut kept, &[("a.json", &local), ("b.json", &shop)], 3).unwrap();
        assert_eq!(pools(&kept), ["shop", "shop"]);
        assert_eq!(troubles(&kept), [("b.json".to_owned(), at(3))]);
        read(&mut kept, &[("a.json", &shop), ("b.json", "x")], 4).unwrap();
        assert_eq!(pools(&kept), ["shop"]);
        assert_eq!(troubles(&kept), [("b.json".to_owned(), at(3))]);
    }
}
