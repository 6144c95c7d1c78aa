//! Who is let in: TLS, passwords, certificates of clients, and what that means for reloads.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use evenkeel::model::{ClientCertificates, ServerTls, TlsVersions, WebFile};
use evenkeel::publish::{Access, Limits};
use evenkeel_lab::netns::Namespace;
use evenkeel_lab::process::run;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::fixtures::small;
use crate::http::{Answer, Running, read_answer};

/// One user, with a hash that is cheap to check.
fn users() -> WebFile {
    let hash = bcrypt::hash("correct horse", 4).unwrap();
    WebFile {
        users: [("prometheus".to_owned(), hash)].into(),
        ..WebFile::default()
    }
}

fn guarded(file: &WebFile) -> Running {
    Running::start_guarded(small(), Limits::default(), Access::open(file).unwrap())
}

fn basic(pair: &str) -> String {
    format!("authorization: Basic {}", STANDARD.encode(pair))
}

#[test]
fn with_users_every_request_needs_one() {
    let mut server = guarded(&users());
    for path in [
        "/",
        "/page/app.js",
        "/metrics",
        "/api/v1/pools",
        "/api/v1/stream",
        "/-/healthy",
        "/nothing",
    ] {
        let stranger = server.get(path);
        assert_eq!(stranger.status, 401, "{path}");
        assert!(
            stranger
                .header("www-authenticate")
                .starts_with("Basic realm="),
            "{path}"
        );
        assert_eq!(stranger.header("x-frame-options"), "DENY", "{path}");
        assert!(!stranger.body.contains("checkout"), "{path}: {stranger:?}");
        let wrong = server.ask("GET", path, &[&basic("prometheus:horse")]);
        assert_eq!(wrong.status, 401, "{path}");
    }
    let error = server.get("/api/v1/pools").json();
    assert!(
        error["error"].as_str().unwrap().contains("password"),
        "{error}"
    );
    let known = server.ask("GET", "/metrics", &[&basic("prometheus:correct horse")]);
    assert_eq!(known.status, 200);

    assert_eq!(
        server.ask("POST", "/-/reload", &[]).status,
        401,
        "from this host, too"
    );
    assert!(server.reloads.try_recv().is_err());
}

#[test]
fn from_elsewhere_a_reload_needs_authentication() {
    // An address of this host alone that is not a loopback address.
    let namespace = Namespace::create("access").unwrap();
    let name = namespace.name().unwrap().to_owned();
    for arguments in [
        ["link", "set", "lo", "up"].as_slice(),
        &["address", "add", "192.0.2.1/32", "dev", "lo"],
    ] {
        let mut ip = std::process::Command::new("ip");
        run(ip.args(["-n", &name]).args(arguments)).unwrap();
    }
    let everywhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    for (file, headers, status) in [
        (WebFile::default(), vec![], 403),
        (users(), vec![], 401),
        (users(), vec![basic("prometheus:correct horse")], 200),
    ] {
        let access = Access::open(&file).unwrap();
        let answer = namespace.enter(|| {
            let mut server = Running::start_at(everywhere, small(), Limits::default(), access);
            server.address.set_ip(Ipv4Addr::new(192, 0, 2, 1).into());
            let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
            let mut stream = server.connect();
            let request = server.head("POST", "/-/reload", &headers);
            stream.write_all(request.as_bytes()).unwrap();
            if status == 200 {
                server
                    .reloads
                    .blocking_recv()
                    .unwrap()
                    .send(Ok(()))
                    .unwrap();
            }
            read_answer(&mut stream)
        });
        assert_eq!(answer.unwrap().status, status, "{headers:?}");
    }
}

/// An authority, and files with what it has signed.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    directory: TempDir,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let directory = TempDir::new().unwrap();
        std::fs::write(directory.path().join("ca.pem"), issuer.pem()).unwrap();
        Self { issuer, directory }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Certificate and key for `name`, in files.
    fn sign(&self, name: &str) -> (PathBuf, PathBuf) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let files = (
            self.file(&format!("{name}.pem")),
            self.file(&format!("{name}.key")),
        );
        std::fs::write(&files.0, certificate.pem()).unwrap();
        std::fs::write(&files.1, key.serialize_pem()).unwrap();
        files
    }

    fn server(&self, clients: ClientCertificates) -> WebFile {
        let (certificate, key) = self.sign("localhost");
        WebFile {
            tls: Some(ServerTls {
                certificate,
                key,
                clients,
                versions: TlsVersions {
                    tls12: true,
                    tls13: true,
                },
            }),
            headers: [(
                "strict-transport-security".to_owned(),
                "max-age=300".to_owned(),
            )]
            .into(),
            ..WebFile::default()
        }
    }

    /// What a client gets that trusts this authority, and shows a certificate if it has one.
    fn get(&self, server: &Running, own: Option<(PathBuf, PathBuf)>) -> std::io::Result<Answer> {
        let mut roots = RootCertStore::empty();
        roots.add(pem(&self.file("ca.pem"))).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let config = match own {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let key = PrivateKeyDer::from_pem_file(key).unwrap();
                let chain = vec![pem(&certificate)];
                builder.with_client_auth_cert(chain, key).unwrap()
            }
        };
        let name = ServerName::try_from("localhost").unwrap();
        let client = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut stream = StreamOwned::new(client, server.connect());
        stream.write_all(server.head("GET", "/api/v1/pools", &[]).as_bytes())?;
        let mut first = [0];
        std::io::Read::read_exact(&mut stream, &mut first)?;
        Ok(read_answer(&mut std::io::Read::chain(
            first.as_slice(),
            stream,
        )))
    }
}

fn pem(file: &Path) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(file).unwrap()
}

#[test]
fn tls_is_spoken_and_plain_requests_get_nothing() {
    let authority = Authority::new();
    let server = guarded(&authority.server(ClientCertificates::NotAsked));
    let answer = authority.get(&server, None).unwrap();
    assert_eq!(answer.status, 200);
    assert!(answer.complete && answer.body.contains("checkout"));
    assert_eq!(answer.header("strict-transport-security"), "max-age=300");

    let mut plain = server.connect();
    plain
        .write_all(server.head("GET", "/metrics", &[]).as_bytes())
        .unwrap();
    let mut got = Vec::new();
    drop(std::io::Read::read_to_end(&mut plain, &mut got));
    assert!(
        !String::from_utf8_lossy(&got).contains("evenkeel"),
        "{got:?}"
    );
}

#[test]
fn a_client_without_the_certificate_that_is_asked_for_is_turned_away() {
    let authority = Authority::new();
    let trusted = authority.file("ca.pem");
    let server = guarded(&authority.server(ClientCertificates::Required(trusted)));
    assert!(authority.get(&server, None).is_err());
    let own = authority.sign("prometheus");
    assert_eq!(authority.get(&server, Some(own)).unwrap().status, 200);
    let another = Authority::new();
    let other = another.sign("prometheus");
    assert!(authority.get(&server, Some(other)).is_err());
}

#[test]
fn settings_that_cannot_be_used_say_which_file_is_wrong() {
    let authority = Authority::new();
    let file = authority.server(ClientCertificates::NotAsked);
    let tls = file.tls.clone().unwrap();
    let changed = |change: &dyn Fn(&mut ServerTls)| {
        let mut tls = tls.clone();
        change(&mut tls);
        let file = WebFile {
            tls: Some(tls),
            ..WebFile::default()
        };
        Access::open(&file).unwrap_err().to_string()
    };
    let missing = changed(&|tls| tls.certificate = "/nowhere/web.pem".into());
    assert!(
        missing.contains("web.config_file: cannot read /nowhere/web.pem"),
        "{missing}"
    );
    let swapped = changed(&|tls| tls.key.clone_from(&tls.certificate));
    assert!(swapped.contains("localhost.pem holds no key"), "{swapped}");
    let (_, other) = authority.sign("other");
    let foreign = changed(&|tls| tls.key.clone_from(&other));
    assert!(foreign.contains("certificate and key"), "{foreign}");
}
