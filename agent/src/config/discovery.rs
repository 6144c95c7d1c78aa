//! Checks where pools are looked for.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::kubernetes::kubernetes;
use super::place::At;
use super::problems::{Noted, Problems, quote};
use super::raw;
use super::shape::{Field, Items, Scalar, Value};
use super::value::Key;
use super::{Discovery, Haproxy};
use crate::admin::Address;

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
const STATS_SOCKET: Key<'_> = Key {
    name: "stats_socket",
    example: "stats_socket: /run/haproxy/admin.sock",
    expects: "the path of a socket, or a host and a port",
};
const ENVOY: Key<'_> = Key {
    name: "envoy",
    example: "envoy: {admin: http://127.0.0.1:9901}",
    expects: "a mapping",
};
const ADMIN: Key<'_> = Key {
    name: "admin",
    example: "admin: http://127.0.0.1:9901",
    expects: "the address of an admin interface",
};
const APACHE: Key<'_> = Key {
    name: "apache",
    example: "apache: {files: [/etc/apache2/apache2.conf]}",
    expects: "a mapping",
};
const CADDY: Key<'_> = Key {
    name: "caddy",
    example: "caddy: {files: [/etc/caddy/caddy.json]}",
    expects: "a mapping",
};
const TRAEFIK: Key<'_> = Key {
    name: "traefik",
    example: "traefik: {files: [/etc/traefik/traefik.yml]}",
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
    let apache = section(APACHE, discovery.apache);
    let caddy = section(CADDY, discovery.caddy);
    let traefik = section(TRAEFIK, discovery.traefik);
    let file_sd = section(FILE_SD, discovery.file_sd);
    let haproxy = discovery
        .haproxy
        .and_then(|field| haproxy(problems, field).ok());
    let envoy = discovery
        .envoy
        .and_then(|field| envoy(problems, field).ok());
    let kubernetes = discovery
        .kubernetes
        .and_then(|field| kubernetes(problems, field).ok());
    Discovery {
        auto: auto.and_then(Result::ok).unwrap_or(default.auto),
        nginx: nginx.unwrap_or_default(),
        haproxy: haproxy.unwrap_or_default(),
        envoy,
        apache: apache.unwrap_or_default(),
        caddy: caddy.unwrap_or_default(),
        traefik: traefik.unwrap_or_default(),
        file_sd: file_sd.unwrap_or_default(),
        kubernetes,
    }
}

/// Makes relative paths those below `directory`.
pub(super) fn resolve(discovery: &mut Discovery, directory: &Path) {
    let Discovery {
        auto: _,
        nginx,
        haproxy,
        envoy: _,
        apache,
        caddy,
        traefik,
        file_sd,
        kubernetes,
    } = discovery;
    if let Some(path) = kubernetes.as_mut().and_then(|it| it.kubeconfig.as_mut()) {
        *path = directory.join(&*path);
    }
    for files in [nginx, &mut haproxy.files, apache, caddy, traefik, file_sd] {
        for path in files {
            *path = directory.join(&*path);
        }
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

fn haproxy(problems: &mut Problems<'_>, field: Field<raw::Haproxy>) -> Result<Haproxy, Noted> {
    let At { value, place } = problems.fit(HAPROXY, field)?;
    let (section, slips) = problems.admit(value);
    if section.files.is_none() && section.stats_socket.is_none() {
        if slips.contains(&STATS_SOCKET.name) {
            return Err(Noted);
        }
        return Err(problems.missing(FILES, HAPROXY, place, &slips));
    }
    let stats_socket = section
        .stats_socket
        .map(|field| address(problems, STATS_SOCKET, field))
        .transpose();
    let files = section
        .files
        .map_or(Ok(Vec::new()), |field| files(problems, field));
    Ok(Haproxy {
        files: files?,
        stats_socket: stats_socket?,
    })
}

fn envoy(problems: &mut Problems<'_>, field: Field<raw::Envoy>) -> Result<Address, Noted> {
    let At { value, place } = problems.fit(ENVOY, field)?;
    let (section, slips) = problems.admit(value);
    match section.admin {
        Some(field) => address(problems, ADMIN, field),
        None => Err(problems.missing(ADMIN, ENVOY, place, &slips)),
    }
}

/// Where a balancer can be asked.
fn address(
    problems: &mut Problems<'_>,
    key: Key<'_>,
    field: Field<Scalar>,
) -> Result<Address, Noted> {
    let At { value, place } = problems.line(key, field)?;
    value.parse::<Address>().map_err(|_no_address| {
        let message = format!("{} is not {}", quote(&value), key.expects);
        problems.note(place, message, format!("write it like `{}`", key.example))
    })
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
