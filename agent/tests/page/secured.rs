//! The page behind TLS and a password, and an agent whose settings of these are wrong.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use evenkeel::model::{ClientCertificates, ServerTls, TlsVersions, WebFile};
use evenkeel::publish::{Access, Limits};
use evenkeel_lab::netns::Namespace;
use evenkeel_lab::process::Process;
use evenkeel_lab::wait::{wait_for, wait_until};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::common::{EVENKEEL, alone};
use crate::driver::{Browser, DEADLINE};
use crate::fixtures::small;
use crate::http::Running;

/// A certificate for this host, which nobody but the browser of the tests trusts.
fn certificate(directory: &Path) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(directory.join("web.pem"), made.cert.pem()).unwrap();
    fs::write(directory.join("web.key"), made.signing_key.serialize_pem()).unwrap();
}

#[test]
fn the_page_is_live_behind_tls_and_a_password() {
    let directory = TempDir::new().unwrap();
    certificate(directory.path());
    let file = WebFile {
        tls: Some(ServerTls {
            certificate: directory.path().join("web.pem"),
            key: directory.path().join("web.key"),
            clients: ClientCertificates::NotAsked,
            versions: TlsVersions {
                tls12: true,
                tls13: true,
            },
        }),
        users: [("ann".to_owned(), bcrypt::hash("secret", 4).unwrap())].into(),
        ..WebFile::default()
    };
    let access = Access::open(&file).unwrap();
    let server = Running::start_guarded(small(), Limits::default(), access);
    let browser = Browser::start();
    let port = server.address.port();
    browser.open(&format!(
        "https://ann:secret@localhost:{port}/#pool-checkout"
    ));
    browser.wait("document.querySelector('#state')?.innerText === 'live'");
    browser.wait("document.querySelectorAll('.backends tbody tr').length === 3");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

/// Writes the two files of a configuration with TLS.
fn write(directory: &Path, web: &str) {
    fs::write(directory.join("web.yml"), web).unwrap();
    let config = "web: {listen: 127.0.0.1:0, config_file: web.yml}\n";
    fs::write(directory.join("evenkeel.yaml"), config).unwrap();
}

fn command(directory: &Path) -> Command {
    let mut command = Command::new(EVENKEEL);
    command
        .arg("run")
        .arg("--config")
        .arg(directory.join("evenkeel.yaml"));
    command
}

#[test]
fn a_wrong_file_ends_the_start_with_2() {
    let directory = TempDir::new().unwrap();
    for (web, wanted) in [
        (
            "basic_auth_users: {ann: hunter2}\n",
            "the value is no bcrypt hash",
        ),
        (
            "tls_server_config: {cert_file: web.pem, key_file: web.key}\n",
            "cannot read",
        ),
        ("tls: {}\n", "unknown key `tls`"),
    ] {
        write(directory.path(), web);
        let output = command(directory.path()).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("web.") && said.contains(wanted), "{said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
}

#[test]
fn a_reload_with_a_wrong_file_keeps_what_is_in_force() {
    let _turn = alone();
    let directory = TempDir::new().unwrap();
    certificate(directory.path());
    let tls = "tls_server_config: {cert_file: web.pem, key_file: web.key}\n";
    write(directory.path(), tls);
    let mut agent = Process::spawn(
        &Namespace::current(),
        "evenkeel",
        &mut command(directory.path()),
    )
    .unwrap();
    wait_for(Duration::from_secs(30), "the address of the page", || {
        agent.check()?;
        Ok(agent
            .stderr()
            .contains("page=\"https://127.0.0.1:")
            .then_some(()))
    })
    .unwrap();
    let mut reload = |web: &str, said: &str| {
        write(directory.path(), web);
        let before = agent.stderr().len();
        agent.signal(Signal::HUP).unwrap();
        wait_until(DEADLINE, said, || agent.stderr()[before..].contains(said)).unwrap();
        agent.check().unwrap();
    };
    reload(
        "tls_server_config: {cert_file: web.pem, key_file: web.pem}\n",
        "holds no key",
    );
    reload("tls_server_config: {}\n", "the old one stays in force");
    reload("", "turns TLS on or off");
    reload(tls, "configuration reloaded");
}
