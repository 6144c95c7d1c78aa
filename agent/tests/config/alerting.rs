//! Whom incidents are sent to: what is meant by an address, and by the path of a file.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use evenkeel::config::Config;
use evenkeel::model::{Alerting, Credentials, Receiver, Tls};
use tempfile::TempDir;

use super::{good, labels, path};

/// A receiver of which only the URL is given.
fn plain(url: &str) -> Receiver {
    Receiver {
        url: url.to_owned(),
        credentials: None,
        tls: Tls::default(),
        timeout: Duration::from_secs(10),
    }
}

#[test]
fn every_key_has_its_effect() {
    let beside = |file: &str| path("tests/config/good").join(file);
    let alertmanagers = vec![
        Receiver {
            credentials: Some(Credentials::Basic {
                username: "evenkeel".to_owned(),
                password_file: beside("password"),
            }),
            tls: Tls {
                ca_file: Some(beside("tls/ca.pem")),
                identity: Some((
                    beside("tls/client.pem"),
                    PathBuf::from("/run/secrets/client.key"),
                )),
                server_name: Some("alertmanager.example".to_owned()),
                insecure_skip_verify: true,
            },
            timeout: Duration::from_secs(2),
            ..plain("https://alertmanager-1.example:9093/prefix")
        },
        Receiver {
            credentials: Some(Credentials::Bearer {
                credentials_file: beside("token"),
            }),
            ..plain("http://[2001:db8::1]:9093")
        },
    ];
    assert_eq!(
        good("everything.yaml").alerting,
        Alerting {
            alertmanagers,
            webhooks: vec![plain("http://127.0.0.1:8080/alerts/?team=web")],
            labels: labels(&[("severity", "page"), ("team", "007")]),
            instance: Some("balancer-1".to_owned()),
            external_url: Some("http://balancer-1.example:9797".to_owned()),
            runbook_url: "https://wiki.example/runbooks/".to_owned(),
            resend: Duration::from_secs(30),
        }
    );
}

#[test]
fn labels_replace_the_default() {
    let severity = |text: &str| {
        let config = Config::parse("", text).unwrap();
        config.alerting.labels.get("severity").cloned()
    };
    assert_eq!(severity("").as_deref(), Some("warning"));
    assert_eq!(severity("alerting: {labels: {team: web}}"), None);
    let none = Config::parse("", "alerting: {labels: {}}").unwrap();
    assert_eq!(none.alerting.labels, BTreeMap::new());
}

#[test]
fn a_relative_path_starts_at_the_directory_of_the_file() {
    let text = "alerting: {webhooks: [{url: http://a, authorization: {credentials_file: token}}]}";
    let token = |config: &Config| match &config.alerting.webhooks[0].credentials {
        Some(Credentials::Bearer { credentials_file }) => credentials_file.clone(),
        other => panic!("{other:?}"),
    };
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("evenkeel.yaml");
    fs::write(&file, text).unwrap();
    assert_eq!(
        token(&Config::load(&file).unwrap()),
        folder.path().join("token")
    );
    // A text is in no directory.
    assert_eq!(token(&Config::parse("", text).unwrap()), Path::new("token"));
}

#[test]
fn no_report_shows_a_secret() {
    for name in ["secrets-in-place", "urls-with-passwords"] {
        let file = path("tests/config/bad").join(name).with_extension("yaml");
        let error = Config::load(&file).unwrap_err();
        assert!(!error.problems().is_empty());
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    }
}
