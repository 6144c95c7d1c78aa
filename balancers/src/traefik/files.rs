//! The files that the file provider of a static configuration names.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::at;
use crate::error::{ReadError, Why};
use crate::finding::{Report, Suppression, UNREAD_INCLUDE};
use crate::source::{FileId, Loader, Place};
use crate::yaml::{self, Tree, Value};

/// How deep a folder's folders are looked into.
const DEPTH: usize = 4;

/// Waiting files, each with the place that names it.
type Waiting = Vec<(PathBuf, Option<Place>)>;

/// The trees of a file and of all that it names, and the comments in them.
pub(super) fn read(
    loader: &mut Loader<'_>,
    path: &Path,
    report: &mut Report,
) -> Result<(Vec<Tree>, Vec<Suppression>), ReadError> {
    let (mut trees, mut suppressions) = (Vec::new(), Vec::new());
    let mut seen = BTreeSet::from([path.to_owned()]);
    let mut waiting: Waiting = vec![(path.to_owned(), None)];
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
                unread(report, place, &name, &error.to_string());
                continue;
            }
            (Err(error), _) => return Err(error),
        };
        let (tree, says) = parse(loader, file)?;
        loader.leave();
        for document in tree.documents() {
            let mut found = named(loader, document, folder, report)?;
            found.retain(|(path, _)| seen.insert(path.clone()));
            // The last is read first.
            found.reverse();
            waiting.extend(found);
        }
        trees.push(tree);
        suppressions.extend(says);
    }
    Ok((trees, suppressions))
}

fn unread(report: &mut Report, place: Place, name: &str, error: &str) {
    let message = format!("{name} cannot be read ({error}): what it holds was not audited");
    report
        .add(&UNREAD_INCLUDE, place, message, "audit where the file is")
        .subject(name);
}

fn parse(loader: &Loader<'_>, file: FileId) -> Result<(Tree, Vec<Suppression>), ReadError> {
    let text = &loader.source(file).text;
    if is_toml(text) {
        return Err(loader.error(Place::top(file), Why::Syntax(TOML.to_owned())));
    }
    let templates = text.contains("{{");
    yaml::parse(loader, file).map_err(|mut error| {
        if let (true, Why::Syntax(said)) = (templates, &error.why) {
            error.why = Why::Syntax(format!(
                "{said}; templates (`{{{{`) are not evaluated: audit what they make"
            ));
        }
        error
    })
}

const TOML: &str = "Traefik's TOML is not read: write it as YAML, which has the same names, or audit the YAML it is made of";

/// Whether a text is Traefik's configuration in TOML.
pub(super) fn is_toml(text: &str) -> bool {
    const TABLES: [&str; 12] = [
        "[http.services",
        "[http.routers",
        "[tcp.services",
        "[tcp.routers",
        "[udp.services",
        "[udp.routers",
        "[http]",
        "[entryPoints",
        "[providers.file",
        "[providers]",
        "[[http.services",
        "[[tcp.services",
    ];
    text.lines().any(|line| {
        let line = line.trim();
        TABLES.iter().any(|table| line.starts_with(table))
            && line.contains(']')
            && !line.contains(',')
    })
}

/// What `providers.file` names: one file, or a folder with the folders in it.
fn named(
    loader: &Loader<'_>,
    document: Value<'_>,
    folder: &Path,
    report: &mut Report,
) -> Result<Waiting, ReadError> {
    let Some(provider) = at(document, &["providers", "file"]) else {
        return Ok(Vec::new());
    };
    // With both, Traefik takes the folder.
    if let Some(value) = at(provider, &["directory"])
        && let Some(name) = value.text()
    {
        let mut found = Vec::new();
        let mut pattern = folder.join(name).display().to_string();
        for _ in 0..DEPTH {
            for end in ["yaml", "yml", "toml"] {
                found.extend(loader.glob(&format!("{pattern}/*.{end}"), value.place())?);
            }
            pattern.push_str("/*");
        }
        if found.is_empty() {
            unread(report, value.place(), name, "no file is found in it");
        }
        found.sort();
        return Ok(found
            .into_iter()
            .map(|path| (path, Some(value.place())))
            .collect());
    }
    let file = at(provider, &["filename"]).and_then(|value| Some((value.text()?, value.place())));
    let found = file.map(|(name, place)| (folder.join(name), Some(place)));
    Ok(found.into_iter().collect())
}
