//! Checks whom to trust over https, and as whom to come; the keys are those of Prometheus.

use std::net::IpAddr;
use std::path::PathBuf;

use super::address::is_host_name;
use super::credentials::path;
use super::place::At;
use super::problems::{Noted, Problems, quote};
use super::raw;
use super::shape::{Field, Scalar};
use super::value::Key;
use crate::model::Tls;

const TLS_CONFIG: Key<'_> = Key {
    name: "tls_config",
    example: "tls_config: {ca_file: ca.pem}",
    expects: "a mapping",
};
const CA_FILE: Key<'_> = Key {
    name: "ca_file",
    example: "ca_file: /etc/evenkeel/ca.pem",
    expects: "a path",
};
const CERT_FILE: Key<'_> = Key {
    name: "cert_file",
    example: "cert_file: /etc/evenkeel/client.pem",
    expects: "a path",
};
const KEY_FILE: Key<'_> = Key {
    name: "key_file",
    example: "key_file: /etc/evenkeel/client.key",
    expects: "a path",
};
const SERVER_NAME: Key<'_> = Key {
    name: "server_name",
    example: "server_name: alertmanager.example",
    expects: "text",
};
const INSECURE_SKIP_VERIFY: Key<'_> = Key {
    name: "insecure_skip_verify",
    example: "insecure_skip_verify: true",
    expects: "true or false",
};

/// `tls_config` of a receiver.
pub(super) fn tls(problems: &mut Problems<'_>, field: Field<raw::TlsConfig>) -> Result<Tls, Noted> {
    let section = problems.fit(TLS_CONFIG, field)?;
    let (tls, slips) = problems.admit(section.value);
    let ca_file = tls
        .ca_file
        .map(|field| path(problems, CA_FILE, field))
        .transpose();
    let identity = identity(problems, tls.cert_file, tls.key_file, &slips);
    let server_name = tls
        .server_name
        .map(|field| server_name(problems, field))
        .transpose();
    let insecure = tls.insecure_skip_verify.map_or(Ok(false), |field| {
        problems.truth(INSECURE_SKIP_VERIFY, field)
    });
    Ok(Tls {
        ca_file: ca_file?,
        identity: identity?,
        server_name: server_name?,
        insecure_skip_verify: insecure?,
    })
}

/// The certificate and its key, of which neither is of use alone.
fn identity(
    problems: &mut Problems<'_>,
    certificate: Option<Field<Scalar>>,
    key: Option<Field<Scalar>>,
    slips: &[&str],
) -> Result<Option<(PathBuf, PathBuf)>, Noted> {
    match (certificate, key) {
        (Some(certificate), Some(key)) => {
            let certificate = path(problems, CERT_FILE, certificate);
            let key = path(problems, KEY_FILE, key);
            Ok(Some((certificate?, key?)))
        }
        (Some(alone), None) => Err(problems.missing(KEY_FILE, CERT_FILE, alone.key, slips)),
        (None, Some(alone)) => Err(problems.missing(CERT_FILE, KEY_FILE, alone.key, slips)),
        (None, None) => Ok(None),
    }
}

fn server_name(problems: &mut Problems<'_>, field: Field<Scalar>) -> Result<String, Noted> {
    let At { value, place } = problems.line(SERVER_NAME, field)?;
    if is_host_name(&value) || value.parse::<IpAddr>().is_ok() {
        return Ok(value);
    }
    let message = format!("{} is neither a host name nor an IP address", quote(&value));
    let help = format!("write the name alone, like `{}`", SERVER_NAME.example);
    Err(problems.note(place, message, help))
}
