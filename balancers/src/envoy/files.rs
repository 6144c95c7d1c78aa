//! Follows `path_config_source`: clusters, endpoints and listeners in files of their own.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::error::{ReadError, Why};
use crate::finding::{Report, Suppression, UNREAD_INCLUDE};
use crate::source::{Loader, Place};
use crate::yaml::{self, Tree, Value};

/// The trees of a file and of all that it names, and the comments in them.
pub(super) fn read(
    loader: &mut Loader<'_>,
    path: &Path,
    report: &mut Report,
) -> Result<(Vec<Tree>, Vec<Suppression>), ReadError> {
    let (mut trees, mut suppressions) = (Vec::new(), Vec::new());
    let mut seen = BTreeSet::from([path.to_owned()]);
    let mut waiting: Vec<(PathBuf, Option<Place>)> = vec![(path.to_owned(), None)];
    // Relative to the working directory in truth, which is not known.
    let folder = path.parent().unwrap_or(Path::new(""));
    while let Some((path, by)) = waiting.pop() {
        let file = match (loader.enter(&path, by), by) {
            (Ok(file), _) => file,
            (
                Err(ReadError {
                    why: Why::Unreadable(name, error),
                    ..
                }),
                Some(place),
            ) => {
                let message =
                    format!("{name} cannot be read ({error}): what it holds was not audited");
                let help = "audit where the file is, or audit what `/config_dump?include_eds` says";
                report
                    .add(&UNREAD_INCLUDE, place, message, help)
                    .subject(&name);
                continue;
            }
            (Err(error), _) => return Err(error),
        };
        let (tree, says) = yaml::parse(loader, file)?;
        loader.leave();
        for document in tree.documents() {
            named(document, &mut |name, place| {
                let path = folder.join(name);
                if seen.insert(path.clone()) {
                    waiting.push((path, Some(place)));
                }
            });
        }
        trees.push(tree);
        suppressions.extend(says);
    }
    Ok((trees, suppressions))
}

/// The paths that a value names.
fn named<'a>(value: Value<'a>, found: &mut impl FnMut(&'a str, Place)) {
    if let Some(path) = value.at(&["path_config_source", "path"])
        && let Some(name) = path.text()
    {
        found(name, path.place());
    }
    value.entries().for_each(|entry| named(entry.value, found));
    value.items().for_each(|item| named(item, found));
}
