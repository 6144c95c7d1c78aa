//! Who is who: credentials and certificates, from files that change.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use evenkeel::model::{Alerting, Credentials, Tls};
use evenkeel_lab::process::run;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
};
use tempfile::TempDir;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use crate::fixtures::{Sender, alertmanagers, incident, wait_until};
use crate::server::{Answer, Server};

fn with(url: &str, credentials: Credentials) -> Alerting {
    let mut alerting = alertmanagers(&[url]);
    alerting.alertmanagers[0].credentials = Some(credentials);
    alerting
}

#[tokio::test]
async fn credentials_are_read_for_every_request() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("secret");
    let server = Server::start(Answer::fine()).await;
    let bearer = Credentials::Bearer {
        credentials_file: file.clone(),
    };
    let sender = Sender::start(&with(&server.url(), bearer), [incident("one", "checkout")]);
    wait_until("the missing file to be noticed", || {
        sender.statistics().errors >= 1
    })
    .await;
    assert!(server.requests().is_empty(), "nothing goes out without it");
    for secret in ["first", "second"] {
        fs::write(&file, format!("{secret}\n")).unwrap();
        let expected = format!("Bearer {secret}");
        let found = |request: &crate::server::Request| request.headers["authorization"] == expected;
        server.request(&expected, found).await;
    }
}

#[tokio::test]
async fn basic_authentication_takes_the_password_from_a_file() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("password");
    fs::write(&file, "open sesame").unwrap();
    let server = Server::start(Answer::fine()).await;
    let basic = Credentials::Basic {
        username: "Aladdin".to_owned(),
        password_file: file,
    };
    let _sender = Sender::start(&with(&server.url(), basic), [incident("one", "checkout")]);
    // The example of RFC 7617.
    let requests = server.count(1).await;
    assert_eq!(
        requests[0].headers["authorization"],
        "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
    );
}

#[tokio::test]
async fn a_pipe_in_place_of_a_secret_holds_up_nothing() {
    let directory = TempDir::new().unwrap();
    let pipe = directory.path().join("pipe");
    run(Command::new("mkfifo").arg(&pipe)).unwrap();
    let server = Server::start(Answer::fine()).await;
    let bearer = Credentials::Bearer {
        credentials_file: pipe,
    };
    let sender = Sender::start(&with(&server.url(), bearer), [incident("one", "checkout")]);
    wait_until("two attempts to fail", || sender.statistics().errors >= 2).await;
    assert!(sender.stop().await < Duration::from_secs(1));
}

/// An authority that signs certificates into a folder.
struct Authority {
    directory: TempDir,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let issuer = CertifiedIssuer::self_signed(params, key).unwrap();
        let directory = TempDir::new().unwrap();
        fs::write(directory.path().join("ca.pem"), issuer.pem()).unwrap();
        Self { directory, issuer }
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }

    /// Certificate and key for `name`.
    fn sign(&self, name: &str) -> (PathBuf, PathBuf) {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let path = |kind: &str| self.directory.path().join(format!("{name}.{kind}.pem"));
        fs::write(path("crt"), certificate.pem()).unwrap();
        fs::write(path("key"), key.serialize_pem()).unwrap();
        (path("crt"), path("key"))
    }

    /// A receiver with a certificate for `name`, which wants one of its clients if `mutual`.
    async fn server(&self, name: &str, mutual: bool) -> Server {
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = if mutual {
            let mut roots = RootCertStore::empty();
            roots.add(certificate(&self.file())).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        } else {
            builder.with_no_client_auth()
        };
        let (chain, key) = self.sign(name);
        let key = PrivateKeyDer::from_pem_file(key).unwrap();
        let config = builder.with_single_cert(vec![certificate(&chain)], key);
        let acceptor = TlsAcceptor::from(Arc::new(config.unwrap()));
        Server::start_with(Answer::fine(), Some(acceptor)).await
    }
}

fn certificate(file: &Path) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(file).unwrap()
}

/// The sender for a receiver that is reached as `host`.
fn https(host: &str, server: &Server, tls: Tls) -> Sender {
    let mut alerting = alertmanagers(&[&format!("https://{host}:{}", server.port())]);
    alerting.alertmanagers[0].tls = tls;
    Sender::start(&alerting, [incident("one", "checkout")])
}

async fn is_refused(sender: Sender, server: &Server) {
    wait_until("two attempts to fail", || sender.statistics().errors >= 2).await;
    assert!(server.requests().is_empty());
}

async fn is_accepted(sender: Sender) {
    wait_until("the alert to arrive", || sender.statistics().sent >= 1).await;
    assert_eq!(sender.statistics().errors, 0);
}

#[tokio::test]
async fn a_receiver_must_be_certified_by_a_trusted_authority_for_its_name() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let trusting = |ca: &Authority| Tls {
        ca_file: Some(ca.file()),
        ..Tls::default()
    };
    let server = authority.server("localhost", false).await;
    is_accepted(https("localhost", &server, trusting(&authority))).await;

    let server = authority.server("localhost", false).await;
    is_refused(https("localhost", &server, trusting(&stranger)), &server).await;
    is_refused(https("localhost", &server, Tls::default()), &server).await;
    is_refused(https("127.0.0.1", &server, trusting(&authority)), &server).await;

    let named = Tls {
        server_name: Some("localhost".to_owned()),
        ..trusting(&authority)
    };
    is_accepted(https("127.0.0.1", &server, named)).await;
    let careless = Tls {
        insecure_skip_verify: true,
        ..Tls::default()
    };
    is_accepted(https("127.0.0.1", &server, careless)).await;
}

#[tokio::test]
async fn the_agent_shows_its_certificate() {
    let authority = Authority::new();
    let server = authority.server("localhost", true).await;
    let anonymous = Tls {
        ca_file: Some(authority.file()),
        ..Tls::default()
    };
    is_refused(https("localhost", &server, anonymous.clone()), &server).await;
    let known = Tls {
        identity: Some(authority.sign("agent")),
        ..anonymous
    };
    is_accepted(https("localhost", &server, known)).await;
}

#[tokio::test]
async fn certificates_are_read_for_every_request() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let file = authority.directory.path().join("trusted.pem");
    fs::copy(stranger.file(), &file).unwrap();
    let server = authority.server("localhost", false).await;
    let tls = Tls {
        ca_file: Some(file.clone()),
        ..Tls::default()
    };
    let sender = https("localhost", &server, tls);
    wait_until("the wrong authority to be noticed", || {
        sender.statistics().errors >= 1
    })
    .await;
    fs::copy(authority.file(), &file).unwrap();
    wait_until("the right one to be read", || sender.statistics().sent >= 1).await;
    let (errors, sent) = (sender.statistics().errors, sender.statistics().sent);
    fs::write(&file, "no certificate").unwrap();
    wait_until("the broken file to be noticed", || {
        sender.statistics().errors > errors
    })
    .await;
    fs::remove_file(&file).unwrap();
    fs::copy(authority.file(), &file).unwrap();
    wait_until("the repaired one to be read", || {
        sender.statistics().sent > sent
    })
    .await;
}
