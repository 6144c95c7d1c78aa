//! Any alerting that there can be, and how a user could write it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use evenkeel::model::{Alerting, Credentials, Receiver, Tls};
use proptest::collection::btree_map;
use proptest::option;
use proptest::prelude::*;

use super::properties::{address, millis, quoted};

/// The section `alerting`.
pub(super) fn write(text: &mut String, alerting: &Alerting) {
    writeln!(text, "alerting:").unwrap();
    write_list(text, "alertmanagers", &alerting.alertmanagers);
    write_list(text, "webhooks", &alerting.webhooks);
    let labels: Vec<_> = alerting
        .labels
        .iter()
        .map(|(name, value)| format!("{name}: {}", quoted(value)))
        .collect();
    writeln!(text, "  labels: {{{}}}", labels.join(", ")).unwrap();
    if let Some(instance) = &alerting.instance {
        writeln!(text, "  instance: {}", quoted(instance)).unwrap();
    }
    if let Some(url) = &alerting.external_url {
        writeln!(text, "  external_url: {}", quoted(url)).unwrap();
    }
    writeln!(text, "  runbook_url: {}", quoted(&alerting.runbook_url)).unwrap();
    writeln!(text, "  resend: {}", millis(alerting.resend)).unwrap();
}

fn write_list(text: &mut String, name: &str, receivers: &[Receiver]) {
    writeln!(text, "  {name}:").unwrap();
    for receiver in receivers {
        writeln!(text, "    - url: {}", quoted(&receiver.url)).unwrap();
        writeln!(text, "      timeout: {}", millis(receiver.timeout)).unwrap();
        write_credentials(text, receiver.credentials.as_ref());
        // It may not be given over http, not even empty.
        if receiver.url.starts_with("https") {
            write_tls(text, &receiver.tls);
        }
    }
}

fn write_credentials(text: &mut String, credentials: Option<&Credentials>) {
    match credentials {
        Some(Credentials::Basic {
            username,
            password_file,
        }) => {
            writeln!(text, "      basic_auth:").unwrap();
            writeln!(text, "        username: {}", quoted(username)).unwrap();
            writeln!(text, "        password_file: {}", path(password_file)).unwrap();
        }
        Some(Credentials::Bearer { credentials_file }) => {
            let file = path(credentials_file);
            writeln!(text, "      authorization: {{credentials_file: {file}}}").unwrap();
        }
        None => {}
    }
}

fn write_tls(text: &mut String, tls: &Tls) {
    let insecure = tls.insecure_skip_verify;
    writeln!(text, "      tls_config:").unwrap();
    writeln!(text, "        insecure_skip_verify: {insecure}").unwrap();
    if let Some(file) = &tls.ca_file {
        writeln!(text, "        ca_file: {}", path(file)).unwrap();
    }
    if let Some((certificate, key)) = &tls.identity {
        writeln!(text, "        cert_file: {}", path(certificate)).unwrap();
        writeln!(text, "        key_file: {}", path(key)).unwrap();
    }
    if let Some(name) = &tls.server_name {
        writeln!(text, "        server_name: {}", quoted(name)).unwrap();
    }
}

fn path(path: &Path) -> String {
    quoted(path.to_str().unwrap())
}

/// Any alerting.
pub(super) fn alerting() -> impl Strategy<Value = Alerting> {
    let labels = btree_map("l[a-zA-Z0-9_]{0,8}", any::<String>(), 0..3);
    let urls = (option::of(root()), root());
    let resend = (5_000..=3_600_000_u64).prop_map(Duration::from_millis);
    let lists = (list(""), list("(/|(/[a-z]{1,5})?[?][a-z0-9=&%]{0,9})?"));
    (lists, labels, option::of(line()), urls, resend).prop_map(
        |((alertmanagers, webhooks), labels, instance, urls, resend)| Alerting {
            alertmanagers,
            webhooks,
            labels,
            instance,
            external_url: urls.0,
            runbook_url: urls.1 + "/",
            resend,
        },
    )
}

/// Receivers whose URLs differ, with something behind their roots.
fn list(end: &'static str) -> impl Strategy<Value = Vec<Receiver>> {
    let urls = (root(), end).prop_map(|(root, end)| root + &end);
    btree_map(urls, receiver(), 0..3).prop_map(|receivers: BTreeMap<_, _>| {
        let receivers = receivers.into_iter();
        receivers
            .map(|(url, receiver)| {
                let tls = if url.starts_with("https") {
                    receiver.tls
                } else {
                    Tls::default()
                };
                Receiver {
                    url,
                    tls,
                    ..receiver
                }
            })
            .collect()
    })
}

/// A receiver without a URL.
fn receiver() -> impl Strategy<Value = Receiver> {
    let basic = ("[^\\p{Cc}:]{0,9}[a-z]", file()).prop_map(|(username, password_file)| {
        Credentials::Basic {
            username,
            password_file,
        }
    });
    let bearer = file().prop_map(|credentials_file| Credentials::Bearer { credentials_file });
    let credentials = option::of(prop_oneof![basic, bearer]);
    let identity = option::of((file(), file()));
    let tls = (
        option::of(file()),
        identity,
        option::of(host()),
        any::<bool>(),
    );
    (credentials, tls, 100..=300_000_u64).prop_map(|(credentials, tls, timeout)| Receiver {
        url: String::new(),
        credentials,
        tls: Tls {
            ca_file: tls.0,
            identity: tls.1,
            server_name: tls.2,
            insecure_skip_verify: tls.3,
        },
        timeout: Duration::from_millis(timeout),
    })
}

/// A URL to which paths can be appended, without a slash at its end.
fn root() -> impl Strategy<Value = String> {
    let server = prop_oneof![
        (address(), 1..=u16::MAX).prop_map(|server| SocketAddr::from(server).to_string()),
        host(),
    ];
    let path = "(/[a-zA-Z0-9._~%-]{1,5}){0,2}";
    ("https?", server, path).prop_map(|(scheme, server, path)| format!("{scheme}://{server}{path}"))
}

fn host() -> impl Strategy<Value = String> {
    "[a-z][a-z0-9-]{0,8}(\\.[a-z]{1,5})?"
}

fn file() -> impl Strategy<Value = PathBuf> {
    line().prop_map(PathBuf::from)
}

/// Text of one line that is not empty.
fn line() -> impl Strategy<Value = String> {
    "[^\\p{Cc}]{0,20}[a-z]"
}
