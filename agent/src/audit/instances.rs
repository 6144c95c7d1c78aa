//! Which files of a folder HAProxy would be started with together.
//!
//! HAProxy takes several files as one configuration (`-f ONE -f TWO`, `-f FOLDER`), and no file names the others. So it is
//! told by what the files say:
//!
//! - The `.cfg` files of one folder are one configuration, in the order of their names, as `-f FOLDER` reads them.
//! - Files of a folder below that have no `global` section among them follow those of the folder above that has one, as
//!   `-f haproxy.cfg -f conf.d` reads them.
//! - Files of which two have a `global` section, or a proxy of the same name, are each a configuration of their own:
//!   HAProxy refuses the latter together, and nobody splits the former.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

/// How the name of a file ends that HAProxy takes from a folder.
const END: &str = "cfg";

/// Files that belong together.
#[derive(Debug, PartialEq, Eq)]
struct Group {
    files: Vec<PathBuf>,
    /// How many of them have a `global` section.
    heads: usize,
}

/// Whether HAProxy would take a file from a folder.
pub(super) fn is_taken(file: &Path) -> bool {
    file.extension().is_some_and(|end| end == END)
}

/// Puts files together, each group in the order in which they are to be read. `read` gives a file's text.
pub(super) fn instances(files: &[PathBuf], read: impl Fn(&Path) -> String) -> Vec<Vec<PathBuf>> {
    let mut folders: BTreeMap<PathBuf, Vec<(PathBuf, String)>> = BTreeMap::new();
    for file in files {
        let folder = file.parent().unwrap_or(Path::new("")).to_owned();
        let texts = folders.entry(folder).or_default();
        texts.push((file.clone(), read(file)));
    }
    let mut groups: BTreeMap<PathBuf, Group> = BTreeMap::new();
    let mut alone = Vec::new();
    // Folders above come before those below.
    for (folder, texts) in folders {
        let Some(group) = Group::of(&texts) else {
            alone.extend(texts.into_iter().map(|(file, _)| vec![file]));
            continue;
        };
        let above = folder.parent().and_then(|above| groups.get_mut(above));
        match above {
            Some(above)
                if group.heads == 0 && above.heads == 1 && !above.names_one_of(&texts, &read) =>
            {
                above.files.extend(group.files);
            }
            _ => drop(groups.insert(folder, group)),
        }
    }
    let mut all: Vec<_> = groups.into_values().map(|group| group.files).collect();
    all.extend(alone);
    all.sort();
    all
}

impl Group {
    /// The files of one folder, unless they are no configuration together.
    fn of(texts: &[(PathBuf, String)]) -> Option<Self> {
        let heads = texts.iter().filter(|(_, text)| has_global(text)).count();
        let mut seen = HashSet::new();
        let distinct = texts
            .iter()
            .flat_map(|(_, text)| proxies(text))
            .all(|proxy| seen.insert(proxy));
        let together = texts.len() == 1 || (heads <= 1 && distinct);
        together.then(|| Self {
            files: texts.iter().map(|(file, _)| file.clone()).collect(),
            heads,
        })
    }

    /// Whether it has a proxy that one of the texts has.
    fn names_one_of(&self, texts: &[(PathBuf, String)], read: impl Fn(&Path) -> String) -> bool {
        let own: Vec<String> = self.files.iter().map(|file| read(file)).collect();
        let known: HashSet<_> = own.iter().flat_map(|text| proxies(text)).collect();
        let mut others = texts.iter().flat_map(|(_, text)| proxies(text));
        others.any(|proxy| known.contains(&proxy))
    }
}

fn has_global(text: &str) -> bool {
    text.lines()
        .any(|line| words(line).next() == Some("global"))
}

/// What takes connections in, and what has servers, by name: a `listen` is both.
fn proxies(text: &str) -> impl Iterator<Item = (bool, &str)> {
    text.lines().flat_map(|line| {
        let mut words = words(line);
        let (kind, name) = (words.next(), words.next());
        let name = name.unwrap_or_default();
        let (takes, serves) = match kind {
            Some("frontend") => (true, false),
            Some("backend") => (false, true),
            Some("listen") => (true, true),
            _ => (false, false),
        };
        let takes = takes.then_some((true, name));
        takes.into_iter().chain(serves.then_some((false, name)))
    })
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    let bare = line.split('#').next().unwrap_or_default();
    bare.split_whitespace()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIN: &str = "global\n  maxconn 10\ndefaults\n  mode http\n";

    fn together(files: &[(&str, &str)]) -> Vec<Vec<String>> {
        let paths: Vec<PathBuf> = files.iter().map(|(path, _)| PathBuf::from(path)).collect();
        let read = |path: &Path| {
            let mut found = files.iter().filter(|(name, _)| Path::new(name) == path);
            found.next().unwrap().1.to_owned()
        };
        let shown = |paths: Vec<PathBuf>| {
            paths
                .iter()
                .map(|path| path.display().to_string())
                .collect()
        };
        instances(&paths, read).into_iter().map(shown).collect()
    }

    #[test]
    fn files_of_a_folder_are_one_configuration() {
        let files = [
            ("lb/00.cfg", MAIN),
            ("lb/10.cfg", "frontend a\n"),
            ("lb/20.cfg", "backend a # the same name as the frontend\n"),
        ];
        assert_eq!(together(&files), [["lb/00.cfg", "lb/10.cfg", "lb/20.cfg"]]);
    }

    #[test]
    fn parts_below_follow_the_file_above() {
        let files = [
            ("lb/conf.d/a.cfg", "backend a\n"),
            ("lb/conf.d/b.cfg", "backend b\n"),
            ("lb/haproxy.cfg", MAIN),
            ("other/conf.d/a.cfg", "backend a\n"),
        ];
        let expected = [
            vec!["lb/haproxy.cfg", "lb/conf.d/a.cfg", "lb/conf.d/b.cfg"],
            vec!["other/conf.d/a.cfg"],
        ];
        assert_eq!(together(&files), expected);
    }

    #[test]
    fn what_haproxy_would_refuse_together_is_apart() {
        let fleet = [("lb/one.cfg", MAIN), ("lb/two.cfg", MAIN)];
        assert_eq!(together(&fleet), [["lb/one.cfg"], ["lb/two.cfg"]]);
        let same = [
            ("lb/new.cfg", "listen a\n"),
            ("lb/old.cfg", "backend a from b\n"),
        ];
        assert_eq!(together(&same), [["lb/new.cfg"], ["lb/old.cfg"]]);
        let below = [
            ("lb/conf.d/shop.cfg", "backend shop\n"),
            ("lb/haproxy.cfg", "global\nbackend shop\n"),
        ];
        assert_eq!(
            together(&below),
            [["lb/conf.d/shop.cfg"], ["lb/haproxy.cfg"]]
        );
    }
}
