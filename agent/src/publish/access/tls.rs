//! The server's side of TLS, by rustls.

use std::path::Path;
use std::sync::Arc;

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::server::danger::ClientCertVerifier;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};

use super::AccessError;
use crate::http_client::{FileError, certificates, read};
use crate::model::{ClientCertificates, ServerTls, TlsVersions};

/// Reads the files and puts them together. Blocks.
pub(super) fn config(tls: &ServerTls) -> Result<Arc<ServerConfig>, AccessError> {
    let chain = certificates(&tls.certificate)?;
    let key = PrivateKeyDer::from_pem_slice(&read(&tls.key)?)
        .map_err(|error| FileError::unusable(&tls.key, &format_args!("holds no key: {error}")))?;
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&versions(tls.versions))?;
    let builder = match &tls.clients {
        ClientCertificates::NotAsked => builder.with_no_client_auth(),
        ClientCertificates::IfGiven(file) => {
            builder.with_client_cert_verifier(verifier(file, false)?)
        }
        ClientCertificates::Required(file) => {
            builder.with_client_cert_verifier(verifier(file, true)?)
        }
    };
    let mut config = builder.with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn versions(versions: TlsVersions) -> Vec<&'static SupportedProtocolVersion> {
    let spoken = [(versions.tls13, &TLS13), (versions.tls12, &TLS12)];
    let spoken = spoken.into_iter().filter(|(wanted, _)| *wanted);
    spoken.map(|(_, version)| version).collect()
}

/// Clients with a certificate of an authority in `file`, and others unless it is `required`.
fn verifier(file: &Path, required: bool) -> Result<Arc<dyn ClientCertVerifier>, AccessError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(file)? {
        roots
            .add(certificate)
            .map_err(|error| FileError::unusable(file, &error))?;
    }
    let provider = Arc::new(ring::default_provider());
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    let builder = if required {
        builder
    } else {
        builder.allow_unauthenticated()
    };
    Ok(builder.build()?)
}
