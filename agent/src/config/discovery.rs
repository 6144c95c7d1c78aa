//! Checks where pools are looked for.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::Discovery;
use super::place::At;
use super::problems::{Noted, Problems, quote};
use super::raw;
use super::shape::{Field, Items, Scalar, Value};
use super::value::Key;

const DISCOVERY: Key<'_> = Key {
    name: "discovery",
    example: "discovery: {auto: true}",
    expects: "a mapping",
};
const AUTO: Key<'_> = Key {
    name: "auto",
    example: "auto: true",
    expects: "true or false",
};
const NGINX: Key<'_> = Key {
    name: "nginx",
    example: "nginx: {files: [/etc/nginx/nginx.conf]}",
    expects: "a mapping",
};
const HAPROXY: Key<'_> = Key {
    name: "haproxy",
    example: "haproxy: {files: [/etc/haproxy/haproxy.cfg]}",
    expects: "a mapping",
};
const FILE_SD: Key<'_> = Key {
    name: "file_sd",
    example: "file_sd: {files: [/etc/evenkeel/pools/*.json]}",
    expects: "a mapping",
};
const FILES: Key<'_> = Key {
    name: "files",
    example: "files: [/etc/nginx/nginx.conf]",
    expects: "a list",
};
const FILE: Key<'_> = Key {
    name: "a file",
    example: "files: [/etc/nginx/nginx.conf]",
    expects: "a path",
};

/// `discovery`.
pub(super) fn discovery(problems: &mut Problems<'_>, field: Field<raw::Discovery>) -> Discovery {
    let default = Discovery::default();
    let Ok(section) = problems.fit(DISCOVERY, field) else {
        return default;
    };
    let (discovery, _) = problems.admit(section.value);
    let auto = discovery.auto.map(|field| problems.truth(AUTO, field));
    let mut section = |key, field: Option<Field<raw::Files>>| {
        field.and_then(|field| only_files(problems, key, field).ok())
    };
    let nginx = section(NGINX, discovery.nginx);
    let file_sd = section(FILE_SD, discovery.file_sd);
    let haproxy = discovery
        .haproxy
        .and_then(|field| haproxy(problems, field).ok());
    Discovery {
        auto: auto.and_then(Result::ok).unwrap_or(default.auto),
        nginx: nginx.unwrap_or_default(),
        haproxy: haproxy.unwrap_or_default(),
        file_sd: file_sd.unwrap_or_default(),
    }
}

/// Makes relative paths those below `directory`.
pub(super) fn resolve(discovery: &mut Discovery, directory: &Path) {
    let Discovery {
        auto: _,
        nginx,
        haproxy,
        file_sd,
    } = discovery;
    for path in nginx.iter_mut().chain(haproxy).chain(file_sd) {
        *path = directory.join(&*path);
    }
}

/// A source that is told by its files alone.
fn only_files(
    problems: &mut Problems<'_>,
    key: Key<'_>,
    field: Field<raw::Files>,
) -> Result<Vec<PathBuf>, Noted> {
    let At { value, place } = problems.fit(key, field)?;
    let (section, slips) = problems.admit(value);
    match section.files {
        Some(field) => files(problems, field),
        None => Err(problems.missing(FILES, key, place, &slips)),
    }
}

fn haproxy(problems: &mut Problems<'_>, field: Field<raw::Haproxy>) -> Result<Vec<PathBuf>, Noted> {
    let At { value, place } = problems.fit(HAPROXY, field)?;
    let (section, slips) = problems.admit(value);
    match section.files {
        Some(field) => files(problems, field),
        None => Err(problems.missing(FILES, HAPROXY, place, &slips)),
    }
}

fn files(problems: &mut Problems<'_>, field: Field<Items<Scalar>>) -> Result<Vec<PathBuf>, Noted> {
    let key = field.key;
    let At { value: items, .. } = problems.fit(FILES, field)?;
    if items.kept.is_empty() {
        return Err(problems.note(
            key,
            "`files` is empty, so there is nothing to read",
            format!(
                "list at least one, like `{}`, or remove the section",
                FILES.example
            ),
        ));
    }
    let mut lines = HashMap::new();
    let files: Vec<_> = items
        .kept
        .into_iter()
        .map(|item| file(problems, item, &mut lines))
        .collect();
    files.into_iter().collect()
}

/// One path; `lines` holds those so far with their lines.
fn file(
    problems: &mut Problems<'_>,
    item: At<Value<Scalar>>,
    lines: &mut HashMap<String, u32>,
) -> Result<PathBuf, Noted> {
    let field = Field {
        key: item.place,
        value: item,
    };
    let At { value, place } = problems.line(FILE, field)?;
    if let Some(line) = lines.insert(value.clone(), place.line) {
        let message = format!("the file {} is listed twice", quote(&value));
        let help = format!("it was on line {line} before: remove one of the two");
        return Err(problems.note(place, message, help));
    }
    Ok(PathBuf::from(value))
}
