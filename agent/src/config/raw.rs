//! The configuration as it is written: every key that exists, all of them optional, nothing checked yet.

use serde::de::{IgnoredAny, MapAccess};

use super::place::{At, Place};
#[cfg(test)]
use super::reference::{Found, Key, Keys};
use super::shape::{Entries, Field, Items, Scalar, Shape};

/// A key that has no business where it stands.
#[derive(Clone, Debug)]
pub(super) enum Stray {
    /// No key of this mapping, or one of a later version.
    Unknown(At<String>),
    /// A key that was there before.
    Repeated { key: At<String>, first: Place },
}

/// A mapping with a fixed set of keys.
pub(super) trait Section: Shape {
    /// The keys that it can have.
    const KEYS: &'static [&'static str];
    /// The keys that belong here but that this version does not act on.
    const LATER: &'static [&'static str];
    /// Keys that Prometheus has for contents of files, such as secrets, with the keys that name the files instead.
    const INLINE: &'static [(&'static str, &'static str)];

    /// The keys that should not be there, in the order of the file.
    fn strays(&self) -> &[Stray];
}

/// How a key is written: as its field is called, or by a word that no field can be called by.
macro_rules! written {
    ($key:ident) => {
        stringify!($key)
    };
    ($key:ident $word:literal) => {
        $word
    };
}

/// Declares the mapping's type with its [`Shape`] and [`Section`]. The comments and defaults of keys whose values are not mappings
/// themselves are those of the reference, which is made of them (`cargo xtask docs`).
macro_rules! section {
    (
        $(#[$doc:meta])*
        $name:ident { $($(#[doc = $meaning:literal])* $key:ident: $shape:ty $(as $word:literal)? $(= $default:literal)?,)* }
        $(later { $($later:ident,)* })?
        $(inline { $($inline:ident: $file:ident,)* })?
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default)]
        pub(super) struct $name {
            $($(#[doc = $meaning])* pub(super) $key: Option<Field<$shape>>,)*
            strays: Vec<Stray>,
        }

        impl Section for $name {
            const KEYS: &'static [&'static str] = &[$(written!($key $($word)?)),*];
            const LATER: &'static [&'static str] = &[$($(stringify!($later)),*)?];
            const INLINE: &'static [(&'static str, &'static str)] =
                &[$($((stringify!($inline), stringify!($file))),*)?];

            fn strays(&self) -> &[Stray] {
                &self.strays
            }
        }

        impl Shape for $name {
            fn empty() -> Option<Self> {
                Some(Self::default())
            }

            fn mapping<'de, A: MapAccess<'de>>(mut entries: A) -> Result<Option<Self>, A::Error> {
                let mut this = Self::default();
                while let Some(key) = entries.next_key::<At<String>>()? {
                    let stray = match key.value.as_str() {
                        $(written!($key $($word)?) => read(&mut this.$key, key, &mut entries)?,)*
                        _ => {
                            entries.next_value::<IgnoredAny>()?;
                            Some(Stray::Unknown(key))
                        }
                    };
                    this.strays.extend(stray);
                }
                Ok(Some(this))
            }
        }

        #[cfg(test)]
        impl Keys for $name {
            fn keys(key: &Key, out: &mut Found) {
                $(<$shape as Keys>::keys(&Key {
                    path: key.below(written!($key $($word)?)),
                    meaning: concat!($($meaning),*),
                    default: [$($default,)?].first().copied(),
                }, out);)*
                out.later.extend(Self::LATER.iter().map(|later| key.below(later)));
            }
        }
    };
}

/// Reads the value that follows `key`; a second value of the same key is read over and handed back as a stray.
fn read<'de, T: Shape, A: MapAccess<'de>>(
    slot: &mut Option<Field<T>>,
    key: At<String>,
    entries: &mut A,
) -> Result<Option<Stray>, A::Error> {
    if let Some(first) = slot {
        let first = first.key;
        entries.next_value::<IgnoredAny>()?;
        return Ok(Some(Stray::Repeated { key, first }));
    }
    *slot = Some(Field {
        key: key.place,
        value: entries.next_value()?,
    });
    Ok(None)
}

section! {
    /// The whole file.
    File {
        web: Web,
        /// How often the kernel's counters are read.
        interval: Scalar = "1s",
        /// How far back the sliding window reaches over which shares and measures are computed.
        window: Scalar = "60s",
        /// How often open connections are looked at. Without it 5 s, or `interval` if that is longer.
        live_interval: Scalar = "5s",
        pools: Items<Pool>,
        discovery: Discovery,
        detection: Detection,
        alerting: Alerting,
        incidents: Incidents,
        fleet: Fleet,
    }
}

section! {
    /// `web`.
    Web {
        /// Where the agent serves metrics, API and page.
        listen: Scalar = "127.0.0.1:9797",
        /// A file with settings of TLS and passwords.
        config_file: Scalar,
    }
}

section! {
    /// `discovery`.
    Discovery {
        /// Whether pools are found without being told where, as long as no pool and no source is configured.
        auto: Scalar = "true",
        nginx: Files,
        haproxy: Haproxy,
        envoy: Envoy,
        apache: Files,
        caddy: Files,
        traefik: Files,
        file_sd: Files,
        kubernetes: Kubernetes,
    }
}

section! {
    /// `discovery.kubernetes`.
    Kubernetes {
        /// The namespaces whose Services are followed. Without it all are.
        namespaces: Items<Scalar>,
        /// A selector of labels that Services must have.
        selector: Scalar,
        /// From which side connections are seen: by the pods on this node that accept them, or by a balancer on this node that opens them.
        role: Scalar = "local",
        /// The name of the node that the agent runs on. Without it that of the environment variable `NODE_NAME`.
        node: Scalar,
        /// Labels of pods that become labels of backends.
        pod_labels: Items<Scalar> = "[version, pod-template-hash]",
        /// A kubeconfig to reach the API server by. Without it the pod's service account, else `KUBECONFIG` or `~/.kube/config`.
        kubeconfig: Scalar,
    }
}

section! {
    /// `discovery.nginx`, `.apache`, `.caddy`, `.traefik` and `.file_sd`.
    Files {
        /// The files to read.
        files: Items<Scalar>,
    }
}

section! {
    /// `discovery.haproxy`.
    Haproxy {
        /// The files of one configuration, in their order.
        files: Items<Scalar>,
        /// Where the running HAProxy can be asked.
        stats_socket: Scalar,
    }
}

section! {
    /// `discovery.envoy`.
    Envoy {
        /// Where the running Envoy can be asked.
        admin: Scalar,
    }
}

section! {
    /// `pools[]`.
    Pool {
        /// What the pool is called in metrics, on the page and in alerts.
        name: Scalar,
        /// From which side its connections are seen: by the host that opens them, or by the one that accepts them.
        role: Scalar = "upstream",
        /// How the balancer spreads connections.
        algorithm: Scalar = "rotation",
        /// What shares are compared with. Without it `weights`, but `learned` for algorithms that follow keys or policies.
        expected: Scalar = "weights",
        /// By which part of its expected share a share may differ; instead of `detection.tolerance`.
        tolerance: Scalar = "0.25",
        backends: Items<Backend>,
    }
}

section! {
    /// `pools[].backends[]`.
    Backend {
        /// Where the backend serves.
        address: Scalar,
        /// Its part of the traffic, relative to the other backends of the pool.
        weight: Scalar = "1",
        /// What else is known of it, such as its zone or version.
        labels: Entries = "{}",
    }
}

section! {
    /// `detection`.
    Detection {
        /// By which part of its expected share a share may differ before it counts as skewed.
        tolerance: Scalar = "0.25",
        /// The mean time between false alarms of one pool.
        false_alarm_every: Scalar = "90d",
        /// How long evidence has to stand before it becomes an incident.
        hold: Scalar as "for" = "0s",
        /// Which shares are judged.
        signals: Items<Scalar> = "[opened, active]",
    }
}

section! {
    /// `alerting`.
    Alerting {
        alertmanagers: Items<Receiver>,
        webhooks: Items<Receiver>,
        /// Labels of every alert.
        labels: Entries = "{severity: warning}",
        /// The label `instance` of every alert. Without it the agent's host and port.
        instance: Scalar,
        /// Where people reach the agent's page. Without it made of the address that the agent listens on.
        external_url: Scalar,
        /// Where the runbooks are.
        runbook_url: Scalar = "https://github.com/evenkeel/evenkeel/blob/main/docs/runbooks/",
        /// How often an alert is repeated while its incident is on.
        resend: Scalar = "1m",
    }
}

section! {
    /// `alerting.alertmanagers[]` and `alerting.webhooks[]`.
    Receiver {
        /// Where the receiver is.
        url: Scalar,
        basic_auth: BasicAuth,
        authorization: Authorization,
        tls_config: TlsConfig,
        /// How long one request may take.
        timeout: Scalar = "10s",
    }
}

section! {
    /// `fleet`, which `evenkeel fleet` alone acts on.
    Fleet {
        prometheus: Store,
        /// The time between evaluations: the agents' scrape interval, or a multiple of it.
        interval: Scalar = "15s",
        /// How far back the sliding window reaches over which shares and measures are computed.
        window: Scalar = "5m",
        /// How long after a moment it is evaluated: twice the scrape interval, and what it takes until samples are in the store.
        delay: Scalar = "30s",
        /// How far back is read at the start.
        lookback: Scalar = "15m",
        /// Matchers for every selector, such as `cluster=\"a\"`.
        matchers: Scalar as "match",
    }
}

section! {
    /// `fleet.prometheus`.
    Store {
        /// Where the API of Prometheus, Thanos, Mimir or VictoriaMetrics is, without `/api/v1`.
        url: Scalar,
        basic_auth: BasicAuth,
        authorization: Authorization,
        tls_config: TlsConfig,
        /// How long one query may take.
        timeout: Scalar = "30s",
        /// Headers of every request, such as `X-Scope-OrgID`.
        headers: Entries = "{}",
    }
}

section! {
    /// `basic_auth` of a receiver.
    BasicAuth {
        /// The user name for HTTP basic authentication.
        username: Scalar,
        /// The file with the password.
        password_file: Scalar,
    } inline { password: password_file, }
}

section! {
    /// `authorization` of a receiver.
    Authorization {
        /// How the token is sent.
        scheme: Scalar as "type" = "Bearer",
        /// The file with the token.
        credentials_file: Scalar,
    } inline { credentials: credentials_file, }
}

section! {
    /// `tls_config` of a receiver.
    TlsConfig {
        /// The certificates of the authorities to trust, as PEM. Without it those that the system trusts.
        ca_file: Scalar,
        /// The agent's own certificate, as PEM.
        cert_file: Scalar,
        /// The private key of that certificate, as PEM.
        key_file: Scalar,
        /// The name that the receiver's certificate must have. Without it the host of the URL.
        server_name: Scalar,
        /// Whether any certificate will do.
        insecure_skip_verify: Scalar = "false",
    } inline { ca: ca_file, cert: cert_file, key: key_file, }
}

section! {
    /// `incidents`.
    Incidents {
        /// A directory in which incidents are kept over a restart. Without it they live as long as the agent.
        directory: Scalar,
    }
}

section! {
    /// The file that `web.config_file` names.
    WebFile {
        tls_server_config: TlsServerConfig,
        http_server_config: HttpServerConfig,
        /// Names and hashes of passwords (bcrypt) of those who may ask. Without it everybody may.
        basic_auth_users: Entries,
    } later { rate_limit, }
}

section! {
    /// `tls_server_config` of that file.
    TlsServerConfig {
        /// The server's certificate with those that lead to the authority, as PEM.
        cert_file: Scalar,
        /// Its private key, as PEM.
        key_file: Scalar,
        /// The authorities whose certificates of clients are trusted.
        client_ca_file: Scalar,
        /// Whether clients need a certificate.
        client_auth_type: Scalar,
        /// The oldest version of TLS, `TLS12` or `TLS13`.
        min_version: Scalar,
        /// The newest version of TLS, `TLS12` or `TLS13`.
        max_version: Scalar,
    } later { cipher_suites, client_allowed_sans, curve_preferences, prefer_server_cipher_suites, }
    inline { cert: cert_file, key: key_file, client_ca: client_ca_file, }
}

section! {
    /// `http_server_config` of that file.
    HttpServerConfig {
        /// Without effect: the agent speaks HTTP/1.1.
        http2: Scalar,
        /// Headers of every answer.
        headers: Entries,
    }
}
