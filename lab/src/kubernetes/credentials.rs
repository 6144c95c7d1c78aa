//! An authority, a certificate for the server, a token, and the files that clients have them in.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, SanType};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// What clients show.
const TOKEN: &str = "lab-token-of-the-service-account";
/// The namespace that the service account is of.
const NAMESPACE: &str = "monitoring";

/// Who the server is, and whom it serves.
pub(super) struct Credentials {
    pub(super) tls: Arc<ServerConfig>,
    authority: String,
}

impl Credentials {
    /// For a server at `ip`.
    pub(super) fn make(ip: IpAddr) -> Result<Self> {
        let mut authority = CertificateParams::new(Vec::new())?;
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
        let names = ["kubernetes.default.svc".to_owned(), "localhost".to_owned()];
        let mut server = CertificateParams::new(names)?;
        server.subject_alt_names.push(SanType::IpAddress(ip));
        let key = KeyPair::generate()?;
        let certificate = server.signed_by(&key, &authority)?;
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)?;
        Ok(Self {
            tls: Arc::new(tls),
            authority: authority.pem(),
        })
    }

    /// Whether a header `Authorization` is that of the service account.
    pub(super) fn accept(authorization: Option<&str>) -> bool {
        authorization.and_then(|it| it.strip_prefix("Bearer ")) == Some(TOKEN)
    }

    pub(super) fn write_service_account(&self, directory: &Path) -> Result<()> {
        fs::create_dir_all(directory)?;
        let files = [
            ("token", TOKEN),
            ("ca.crt", &self.authority),
            ("namespace", NAMESPACE),
        ];
        for (name, text) in files {
            let path = directory.join(name);
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }

    /// The authority's certificate is in a file beside it.
    pub(super) fn write_kubeconfig(&self, server: SocketAddr, path: &Path) -> Result<()> {
        let authority = path.with_extension("ca.crt");
        fs::write(&authority, &self.authority)?;
        let authority = authority.display();
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: lab\n\
             clusters: [{{name: lab, cluster: {{server: \"https://{server}\", certificate-authority: \"{authority}\"}}}}]\n\
             users: [{{name: agent, user: {{token: {TOKEN}}}}}]\n\
             contexts: [{{name: lab, context: {{cluster: lab, user: agent}}}}]\n"
        );
        fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
    }
}
