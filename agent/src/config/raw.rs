//! The configuration as it is written: every key that exists, all of them optional, nothing checked yet.

use serde::de::{IgnoredAny, MapAccess};

use super::place::{At, Place};
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

/// Declares the mapping's type with its [`Shape`] and [`Section`].
macro_rules! section {
    (
        $(#[$doc:meta])*
        $name:ident { $($key:ident: $shape:ty $(as $word:literal)?,)* }
        $(later { $($later:ident,)* })?
        $(inline { $($inline:ident: $file:ident,)* })?
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default)]
        pub(super) struct $name {
            $(pub(super) $key: Option<Field<$shape>>,)*
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
        impl tests::Paths for $name {
            fn paths(prefix: &str, out: &mut tests::Found) {
                $(<$shape as tests::Paths>::paths(&tests::join(prefix, written!($key $($word)?)), out);)*
                out.later.extend(Self::LATER.iter().map(|key| tests::join(prefix, key)));
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
        interval: Scalar,
        window: Scalar,
        live_interval: Scalar,
        pools: Items<Pool>,
        discovery: Discovery,
        detection: Detection,
        alerting: Alerting,
        incidents: Incidents,
    }
}

section! {
    /// `web`.
    Web {
        listen: Scalar,
        config_file: Scalar,
    }
}

section! {
    /// `discovery`.
    Discovery {
        auto: Scalar,
        nginx: Files,
        haproxy: Haproxy,
        envoy: Envoy,
        apache: Files,
        caddy: Files,
        traefik: Files,
        file_sd: Files,
    } later { kubernetes, }
}

section! {
    /// `discovery.nginx`, `.apache`, `.caddy`, `.traefik` and `.file_sd`.
    Files {
        files: Items<Scalar>,
    }
}

section! {
    /// `discovery.haproxy`.
    Haproxy {
        files: Items<Scalar>,
        stats_socket: Scalar,
    }
}

section! {
    /// `discovery.envoy`.
    Envoy {
        admin: Scalar,
    }
}

section! {
    /// `pools[]`.
    Pool {
        name: Scalar,
        role: Scalar,
        algorithm: Scalar,
        expected: Scalar,
        tolerance: Scalar,
        backends: Items<Backend>,
    }
}

section! {
    /// `pools[].backends[]`.
    Backend {
        address: Scalar,
        weight: Scalar,
        labels: Entries,
    }
}

section! {
    /// `detection`.
    Detection {
        tolerance: Scalar,
        false_alarm_every: Scalar,
        hold: Scalar as "for",
        signals: Items<Scalar>,
    }
}

section! {
    /// `alerting`.
    Alerting {
        alertmanagers: Items<Receiver>,
        webhooks: Items<Receiver>,
        labels: Entries,
        instance: Scalar,
        external_url: Scalar,
        runbook_url: Scalar,
        resend: Scalar,
    }
}

section! {
    /// `alerting.alertmanagers[]` and `alerting.webhooks[]`.
    Receiver {
        url: Scalar,
        basic_auth: BasicAuth,
        authorization: Authorization,
        tls_config: TlsConfig,
        timeout: Scalar,
    }
}

section! {
    /// `basic_auth` of a receiver.
    BasicAuth {
        username: Scalar,
        password_file: Scalar,
    } inline { password: password_file, }
}

section! {
    /// `authorization` of a receiver.
    Authorization {
        scheme: Scalar as "type",
        credentials_file: Scalar,
    } inline { credentials: credentials_file, }
}

section! {
    /// `tls_config` of a receiver.
    TlsConfig {
        ca_file: Scalar,
        cert_file: Scalar,
        key_file: Scalar,
        server_name: Scalar,
        insecure_skip_verify: Scalar,
    } inline { ca: ca_file, cert: cert_file, key: key_file, }
}

section! {
    /// `incidents`.
    Incidents {
        directory: Scalar,
    }
}

section! {
    /// The file that `web.config_file` names.
    WebFile {
        tls_server_config: TlsServerConfig,
        http_server_config: HttpServerConfig,
        basic_auth_users: Entries,
    } later { rate_limit, }
}

section! {
    /// `tls_server_config` of that file.
    TlsServerConfig {
        cert_file: Scalar,
        key_file: Scalar,
        client_ca_file: Scalar,
        client_auth_type: Scalar,
        min_version: Scalar,
        max_version: Scalar,
    } later { cipher_suites, client_allowed_sans, curve_preferences, prefer_server_cipher_suites, }
    inline { cert: cert_file, key: key_file, client_ca: client_ca_file, }
}

section! {
    /// `http_server_config` of that file.
    HttpServerConfig {
        http2: Scalar,
        headers: Entries,
    }
}

#[cfg(test)]
mod tests {
    //! Compares the keys with those of the reference in `docs/configuration.md`.

    use std::collections::BTreeSet;

    use super::{Entries, File, Items, Scalar};

    /// Keys as the reference writes them, such as `pools[].name`.
    #[derive(Debug, Default, PartialEq)]
    pub(super) struct Found {
        pub(super) keys: BTreeSet<String>,
        pub(super) later: BTreeSet<String>,
    }

    /// Lists the keys below a value that is written at `prefix`.
    pub(super) trait Paths {
        fn paths(prefix: &str, out: &mut Found);
    }

    impl Paths for Scalar {
        fn paths(prefix: &str, out: &mut Found) {
            // A list of single values is one key.
            out.keys.insert(prefix.trim_end_matches("[]").to_owned());
        }
    }

    impl Paths for Entries {
        fn paths(prefix: &str, out: &mut Found) {
            out.keys.insert(prefix.to_owned());
        }
    }

    impl<T: Paths> Paths for Items<T> {
        fn paths(prefix: &str, out: &mut Found) {
            T::paths(&format!("{prefix}[]"), out);
        }
    }

    pub(super) fn join(prefix: &str, key: &str) -> String {
        if prefix.is_empty() {
            key.to_owned()
        } else {
            format!("{prefix}.{key}")
        }
    }

    /// The keys that the headings of the reference name, one or more each; those below "Later versions" are list
    /// items.
    fn documented(reference: &str) -> Found {
        let mut found = Found::default();
        for line in reference.lines() {
            // What is between backquotes is every second piece.
            let mut quoted = line.split('`').skip(1).step_by(2).map(str::to_owned);
            if line.starts_with("### ") {
                found.keys.extend(quoted);
            } else if line.starts_with("- `") {
                found.later.extend(quoted.next());
            }
        }
        found
    }

    #[test]
    fn the_reference_has_every_key_and_no_other() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/configuration.md");
        let reference = std::fs::read_to_string(path).unwrap();
        let mut accepted = Found::default();
        <File as Paths>::paths("", &mut accepted);
        assert_eq!(documented(&reference), accepted);
    }
}
