//! Checks the file that `web.config_file` names; its format is that of Prometheus' exporter-toolkit.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};

use super::credentials::path;
use super::place::At;
use super::problems::{Noted, Problems, quote};
use super::shape::{Entries, Field, Scalar, Value};
use super::value::Key;
use super::{ConfigError, file, raw, syntax};
use crate::model::{ClientCertificates, ServerTls, TlsVersions, WebFile};

const FILE: Key<'_> = Key {
    name: "the file",
    example: "tls_server_config: {cert_file: web.pem, key_file: web.key}",
    expects: "a mapping",
};
const TLS_SERVER_CONFIG: Key<'_> = Key {
    name: "tls_server_config",
    example: "tls_server_config: {cert_file: web.pem, key_file: web.key}",
    expects: "a mapping",
};
const CERT_FILE: Key<'_> = Key {
    name: "cert_file",
    example: "cert_file: web.pem",
    expects: "a path",
};
const KEY_FILE: Key<'_> = Key {
    name: "key_file",
    example: "key_file: web.key",
    expects: "a path",
};
const CLIENT_CA_FILE: Key<'_> = Key {
    name: "client_ca_file",
    example: "client_ca_file: clients.pem",
    expects: "a path",
};
const CLIENT_AUTH_TYPE: Key<'_> = Key {
    name: "client_auth_type",
    example: "client_auth_type: RequireAndVerifyClientCert",
    expects: "the name of a policy",
};
const MIN_VERSION: Key<'_> = Key {
    name: "min_version",
    example: "min_version: TLS12",
    expects: "`TLS12` or `TLS13`",
};
const MAX_VERSION: Key<'_> = Key {
    name: "max_version",
    example: "max_version: TLS13",
    expects: "`TLS12` or `TLS13`",
};
const HTTP_SERVER_CONFIG: Key<'_> = Key {
    name: "http_server_config",
    example: "http_server_config: {http2: true}",
    expects: "a mapping",
};
const HTTP2: Key<'_> = Key {
    name: "http2",
    example: "http2: true",
    expects: "true or false",
};
const HEADERS: Key<'_> = Key {
    name: "headers",
    example: "headers: {Strict-Transport-Security: max-age=31536000}",
    expects: "a mapping of names to text",
};
const BASIC_AUTH_USERS: Key<'_> = Key {
    name: "basic_auth_users",
    example: "basic_auth_users: {prometheus: $2y$10$...}",
    expects: "a mapping of names to bcrypt hashes",
};

/// The headers that can be set, as in the exporter-toolkit.
const SETTABLE: [&str; 5] = [
    "Content-Security-Policy",
    "Strict-Transport-Security",
    "X-Content-Type-Options",
    "X-Frame-Options",
    "X-XSS-Protection",
];

/// Reads the file; paths in it are relative to its directory.
pub(super) fn load(path: &Path) -> Result<WebFile, ConfigError> {
    let bytes = file::read(path, "web.config_file")?;
    let name = path.display().to_string();
    let text = file::without_mark(file::decode(&name, &bytes)?);
    let mut problems = Problems::new(text);
    let mut web = match syntax::parse(&mut problems) {
        Some(root) => check(&mut problems, root),
        None => WebFile::default(),
    };
    if !problems.is_empty() {
        return Err(problems.into_error(&name));
    }
    if let (Some(tls), Some(directory)) = (&mut web.tls, path.parent()) {
        for file in files(tls) {
            *file = directory.join(&*file);
        }
    }
    Ok(web)
}

fn files(tls: &mut ServerTls) -> impl Iterator<Item = &mut PathBuf> {
    let authorities = match &mut tls.clients {
        ClientCertificates::NotAsked => None,
        ClientCertificates::IfGiven(file) | ClientCertificates::Required(file) => Some(file),
    };
    [&mut tls.certificate, &mut tls.key]
        .into_iter()
        .chain(authorities)
}

fn check(problems: &mut Problems<'_>, root: At<Value<raw::WebFile>>) -> WebFile {
    let root = Field {
        key: root.place,
        value: root,
    };
    let Ok(file) = problems.fit(FILE, root) else {
        return WebFile::default();
    };
    let (file, _) = problems.admit(file.value);
    let tls = file.tls_server_config.map(|field| tls(problems, field));
    let headers = file.http_server_config.map(|field| http(problems, field));
    let users = file.basic_auth_users.map(|field| users(problems, field));
    WebFile {
        tls: tls.and_then(Result::ok),
        headers: headers.and_then(Result::ok).unwrap_or_default(),
        users: users.and_then(Result::ok).unwrap_or_default(),
    }
}

fn tls(
    problems: &mut Problems<'_>,
    field: Field<raw::TlsServerConfig>,
) -> Result<ServerTls, Noted> {
    let key = field.key;
    let section = problems.fit(TLS_SERVER_CONFIG, field)?;
    let (tls, slips) = problems.admit(section.value);
    let mut needed = |name, field: Option<Field<Scalar>>| match field {
        Some(field) => path(problems, name, field),
        None => Err(problems.missing(name, TLS_SERVER_CONFIG, key, &slips)),
    };
    let certificate = needed(CERT_FILE, tls.cert_file);
    let secret = needed(KEY_FILE, tls.key_file);
    let clients = clients(problems, tls.client_auth_type, tls.client_ca_file);
    let least = tls
        .min_version
        .map(|field| version(problems, MIN_VERSION, field));
    let most = tls
        .max_version
        .map(|field| version(problems, MAX_VERSION, field));
    let (least, most) = (least.transpose()?, most.transpose()?);
    if let (Some(least), Some(most)) = (&least, &most)
        && least.value == Version::Tls13
        && most.value == Version::Tls12
    {
        let help = "allow TLS13 by `max_version`, or TLS12 by `min_version`";
        return Err(problems.note(most.place, "no version of TLS is left", help));
    }
    let versions = TlsVersions {
        tls12: least.is_none_or(|least| least.value == Version::Tls12),
        tls13: most.is_none_or(|most| most.value == Version::Tls13),
    };
    Ok(ServerTls {
        certificate: certificate?,
        key: secret?,
        clients: clients?,
        versions,
    })
}

/// The policy by its name in Go; those that take any certificate for good prove nothing.
fn clients(
    problems: &mut Problems<'_>,
    policy: Option<Field<Scalar>>,
    authorities: Option<Field<Scalar>>,
) -> Result<ClientCertificates, Noted> {
    let unasked = authorities.as_ref().map(|field| field.key);
    let authorities = authorities.map(|field| path(problems, CLIENT_CA_FILE, field));
    let policy = policy.map(|field| {
        let key = field.key;
        problems
            .text(CLIENT_AUTH_TYPE, field)
            .map(|text| (key, text))
    });
    let Some((key, At { value, place })) = policy.transpose()? else {
        return none(problems, unasked);
    };
    let made: fn(PathBuf) -> ClientCertificates = match &*value {
        "NoClientCert" | "" => return none(problems, unasked),
        "VerifyClientCertIfGiven" => ClientCertificates::IfGiven,
        "RequireAndVerifyClientCert" => ClientCertificates::Required,
        _ => {
            let message = format!("{} is not supported as client_auth_type", quote(&value));
            let help = "write NoClientCert, VerifyClientCertIfGiven or RequireAndVerifyClientCert";
            return Err(problems.note(place, message, help));
        }
    };
    match authorities {
        Some(file) => Ok(made(file?)),
        None => Err(problems.missing(CLIENT_CA_FILE, CLIENT_AUTH_TYPE, key, &[])),
    }
}

/// No certificates are asked for; authorities at `unasked` would have no effect.
fn none(
    problems: &mut Problems<'_>,
    unasked: Option<super::place::Place>,
) -> Result<ClientCertificates, Noted> {
    match unasked {
        None => Ok(ClientCertificates::NotAsked),
        Some(place) => Err(problems.note(
            place,
            "no client is asked for a certificate, so `client_ca_file` has no effect",
            format!("add `{}`, or remove it", CLIENT_AUTH_TYPE.example),
        )),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    Tls12,
    Tls13,
}

fn version(
    problems: &mut Problems<'_>,
    key: Key<'_>,
    field: Field<Scalar>,
) -> Result<At<Version>, Noted> {
    let At { value, place } = problems.text(key, field)?;
    let value = match &*value {
        "TLS12" => Version::Tls12,
        "TLS13" => Version::Tls13,
        _ => {
            let message = format!("{} is no version of TLS that is safe", quote(&value));
            return Err(problems.note(place, message, "write TLS12 or TLS13"));
        }
    };
    Ok(At { value, place })
}

fn http(
    problems: &mut Problems<'_>,
    field: Field<raw::HttpServerConfig>,
) -> Result<BTreeMap<String, String>, Noted> {
    let section = problems.fit(HTTP_SERVER_CONFIG, field)?;
    let (http, _) = problems.admit(section.value);
    // The agent speaks HTTP/1.1 alone, which every client can, so there is nothing to switch.
    let http2 = http.http2.map(|field| problems.truth(HTTP2, field));
    let headers = http.headers.map(|field| headers(problems, field));
    http2.transpose()?;
    Ok(headers.transpose()?.unwrap_or_default())
}

fn headers(
    problems: &mut Problems<'_>,
    field: Field<Entries>,
) -> Result<BTreeMap<String, String>, Noted> {
    let entries = problems.fit(HEADERS, field)?;
    let mut headers = BTreeMap::new();
    for (name, value) in entries.value {
        let place = name.place;
        let known = SETTABLE
            .iter()
            .find(|known| known.eq_ignore_ascii_case(&name.value));
        let Some(known) = known else {
            let message = format!("the header {} cannot be set", quote(&name.value));
            let help = format!("these can: {}", SETTABLE.join(", "));
            return Err(problems.note(place, message, help));
        };
        let field = Field { key: place, value };
        headers.insert(
            known.to_ascii_lowercase(),
            problems.line(HEADERS, field)?.value,
        );
    }
    Ok(headers)
}

fn users(
    problems: &mut Problems<'_>,
    field: Field<Entries>,
) -> Result<BTreeMap<String, String>, Noted> {
    let entries = problems.fit(BASIC_AUTH_USERS, field)?;
    let mut users = BTreeMap::new();
    for (name, value) in entries.value {
        let place = name.place;
        let message = match (value.value, users.entry(name.value)) {
            (_, Entry::Occupied(_)) => "this user is given twice",
            (_, Entry::Vacant(user)) if user.key().is_empty() || user.key().contains(':') => {
                "a user name with a colon, or without a letter, cannot be sent"
            }
            (Value::Fits(Scalar::Text(hash)), Entry::Vacant(user))
                if hash.parse::<bcrypt::HashParts>().is_ok() =>
            {
                user.insert(hash);
                continue;
            }
            _ => "the value is no bcrypt hash",
        };
        let help = "write `name: hash`, with a hash from `htpasswd -nBC 10 \"\" | tr -d ':\\n'`";
        return Err(problems.note_secret(place, message, help));
    }
    Ok(users)
}
