//! https: whom to trust, and as whom to come. Everything is read anew for each connection, so that certificates can be renewed.

use std::path::Path;
use std::sync::Arc;

use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::crypto::{
    CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};

use super::credentials::{FileError, read};
use crate::model::Tls;

/// What is wrong with the settings of TLS, or with the files that they name.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("this host has no certificates of authorities to trust; name some by ca_file")]
    NoAuthorities,
    #[error("TLS cannot be set up: {0}")]
    Setup(#[from] Error),
    #[error("no authorities to trust: {0}")]
    Verifier(#[from] tokio_rustls::rustls::client::VerifierBuilderError),
}

/// The client's side of TLS. Blocks, because files are read.
pub(super) fn config(tls: &Tls) -> Result<Arc<ClientConfig>, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(verifier(tls, provider)?);
    let config = match &tls.identity {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let chain = certificates(certificate)?;
            let secret = PrivateKeyDer::from_pem_slice(&read(key)?).map_err(|error| {
                FileError::unusable(key, &format_args!("holds no key: {error}"))
            })?;
            builder.with_client_auth_cert(chain, secret)?
        }
    };
    Ok(Arc::new(config))
}

fn verifier(
    tls: &Tls,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, TlsError> {
    if tls.insecure_skip_verify {
        return Ok(Arc::new(AnyCertificate(provider)));
    }
    let roots = Arc::new(authorities(tls.ca_file.as_deref())?);
    let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider).build()?;
    Ok(verifier)
}

fn authorities(file: Option<&Path>) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    if let Some(file) = file {
        for certificate in certificates(file)? {
            roots
                .add(certificate)
                .map_err(|error| FileError::unusable(file, &error))?;
        }
        return Ok(roots);
    }
    // Some hosts have odd ones among many good ones; those are left out.
    let found = rustls_native_certs::load_native_certs().certs;
    roots.add_parsable_certificates(found);
    if roots.is_empty() {
        return Err(TlsError::NoAuthorities);
    }
    Ok(roots)
}

/// The certificates of a PEM file, at least one. Blocks.
pub(crate) fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, FileError> {
    let bytes = read(file)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    let found =
        found.map_err(|error| FileError::unusable(file, &format_args!("is not PEM: {error}")))?;
    if found.is_empty() {
        return Err(FileError::unusable(file, &"holds no certificate"));
    }
    Ok(found)
}

/// Trusts whoever answers: `insecure_skip_verify`. The handshake itself is still checked.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
