//! Who is let in: TLS and passwords, as `web.config_file` says. A reload replaces them for requests to come.

mod tls;
mod users;

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use tokio_rustls::rustls::ServerConfig;

use super::api;
use crate::http_client::FileError;
use crate::model::WebFile;
use users::{Answer, Users};

/// Why the settings of `web.config_file` cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// A file that they name.
    #[error("web.config_file: {0}")]
    File(String),
    /// The certificate and the key do not fit each other, or not to rustls.
    #[error("web.config_file: TLS cannot be set up with this certificate and key: {0}")]
    Tls(#[from] tokio_rustls::rustls::Error),
    /// The authorities of clients' certificates.
    #[error("web.config_file: client_ca_file: {0}")]
    Authorities(#[from] tokio_rustls::rustls::server::VerifierBuilderError),
}

impl From<FileError> for AccessError {
    fn from(error: FileError) -> Self {
        Self::File(error.to_string())
    }
}

/// Settings that are in force, with certificates and keys as they were when it was made.
#[derive(Debug, Default)]
pub struct Access {
    tls: Option<Arc<ServerConfig>>,
    users: Users,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Access {
    /// Reads certificates and keys. Blocks.
    ///
    /// # Errors
    /// If a file cannot be read or used.
    pub fn open(file: &WebFile) -> Result<Self, AccessError> {
        Ok(Self {
            tls: file.tls.as_ref().map(tls::config).transpose()?,
            users: Users::new(file.users.clone()),
            headers: headers(&file.headers),
        })
    }

    /// How to speak TLS; `None` for plain HTTP.
    pub(super) fn tls(&self) -> Option<Arc<ServerConfig>> {
        self.tls.clone()
    }

    /// Whether TLS is spoken.
    pub fn is_encrypted(&self) -> bool {
        self.tls.is_some()
    }

    /// Adds the headers that were configured, in place of those that answers have anyway.
    pub(super) fn dress(&self, headers: &mut HeaderMap) {
        for (name, value) in &self.headers {
            headers.insert(name.clone(), value.clone());
        }
    }

    /// Whether the request proves who sent it; the error is the answer to one that has to and does not.
    pub(super) async fn admit(&self, headers: &HeaderMap, uri: &Uri) -> Result<bool, Response> {
        if self.users.is_empty() {
            return Ok(false);
        }
        match self.users.check(headers.get(header::AUTHORIZATION)).await {
            Answer::Known => Ok(true),
            Answer::Unknown => Err(refuse(
                StatusCode::UNAUTHORIZED,
                uri,
                "a name and a password are needed: basic authentication",
                (
                    header::WWW_AUTHENTICATE,
                    "Basic realm=\"evenkeel\", charset=\"UTF-8\"",
                ),
            )),
            Answer::Busy => Err(refuse(
                StatusCode::SERVICE_UNAVAILABLE,
                uri,
                "too many passwords to check at once; try again later",
                (header::RETRY_AFTER, "1"),
            )),
        }
    }
}

fn refuse(
    status: StatusCode,
    uri: &Uri,
    message: &str,
    (name, value): (HeaderName, &'static str),
) -> Response {
    let mut response = if uri.path().starts_with("/api/") {
        api::error(status, message)
    } else {
        (status, format!("{message}\n")).into_response()
    };
    response
        .headers_mut()
        .insert(name, HeaderValue::from_static(value));
    response
}

/// The headers; what is no header was refused when the file was read.
fn headers(written: &BTreeMap<String, String>) -> Vec<(HeaderName, HeaderValue)> {
    let parse = |(name, value): (&String, &String)| {
        let name = name.parse::<HeaderName>().ok()?;
        Some((name, value.parse::<HeaderValue>().ok()?))
    };
    written.iter().filter_map(parse).collect()
}

/// The settings in force, to be read and replaced.
#[derive(Clone, Debug, Default)]
pub struct AccessHandle(Arc<RwLock<Arc<Access>>>);

impl AccessHandle {
    /// Puts settings in force.
    pub fn replace(&self, access: Access) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(access);
    }

    /// The settings in force.
    pub fn current(&self) -> Arc<Access> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}
