//! Who may read what the agent serves, and how it is encrypted: what `web.config_file` means.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// The contents of `web.config_file`; the default is neither TLS nor passwords.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebFile {
    /// TLS; without it the agent speaks plain HTTP.
    pub tls: Option<ServerTls>,
    /// Names with the bcrypt hashes of their passwords; if there is any, every request must come from one.
    pub users: BTreeMap<String, String>,
    /// Headers that answers get, by name in lower case.
    pub headers: BTreeMap<String, String>,
}

/// The server's side of TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerTls {
    /// PEM: the server's certificate and those that lead to its authority.
    pub certificate: PathBuf,
    /// PEM: its key.
    pub key: PathBuf,
    /// Which clients are let in.
    pub clients: ClientCertificates,
    /// Which versions are spoken; not both false.
    pub versions: TlsVersions,
}

/// What clients have to show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ClientCertificates {
    /// Nothing.
    #[default]
    NotAsked,
    /// A certificate of one of the authorities in this file, if they show any.
    IfGiven(PathBuf),
    /// A certificate of one of the authorities in this file.
    Required(PathBuf),
}

/// Versions of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TlsVersions {
    /// TLS 1.2.
    pub tls12: bool,
    /// TLS 1.3.
    pub tls13: bool,
}
