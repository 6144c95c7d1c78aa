//! Where incidents are sent.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// Who is told of incidents, and with what.
#[derive(Clone, Debug, PartialEq)]
pub struct Alerting {
    /// Alertmanagers; each is sent everything, as Prometheus does.
    pub alertmanagers: Vec<Receiver>,
    /// Receivers of a JSON body per change of an incident, for those without Alertmanager.
    pub webhooks: Vec<Receiver>,
    /// Labels of every alert, constant.
    pub labels: BTreeMap<String, String>,
    /// The label `instance`; the agent's host and port if not set.
    pub instance: Option<String>,
    /// Where people reach the agent's page, for links; made of the address that it listens on if not set.
    pub external_url: Option<String>,
    /// Where the runbooks are: `NAME.md` is appended for the alert NAME.
    pub runbook_url: String,
    /// How often an alert is repeated while its incident is on.
    pub resend: Duration,
}

/// One receiver of alerts.
#[derive(Clone, Debug, PartialEq)]
pub struct Receiver {
    /// For an Alertmanager its root, to which `/api/v2/alerts` is appended; for a webhook the whole address. http or https.
    pub url: String,
    /// How the agent proves who it is.
    pub credentials: Option<Credentials>,
    /// How the receiver proves who it is, for https.
    pub tls: Tls,
    /// How long one request may take.
    pub timeout: Duration,
}

/// How the agent proves who it is. Files are read for every request, so that secrets can be changed at any time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credentials {
    /// HTTP basic authentication.
    Basic {
        /// The user's name.
        username: String,
        /// A file with the password.
        password_file: PathBuf,
    },
    /// `Authorization: Bearer`.
    Bearer {
        /// A file with the token.
        credentials_file: PathBuf,
    },
}

/// Whom to trust over https, and as whom to come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// Certificates of the authorities to trust, as PEM; the system's if not set.
    pub ca_file: Option<PathBuf>,
    /// The agent's own certificate and key, as PEM.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// The name that the receiver's certificate must have, if not the one in the address.
    pub server_name: Option<String>,
    /// Whether any certificate will do.
    pub insecure_skip_verify: bool,
}

impl Default for Alerting {
    fn default() -> Self {
        Self {
            alertmanagers: Vec::new(),
            webhooks: Vec::new(),
            labels: BTreeMap::from([("severity".to_owned(), "warning".to_owned())]),
            instance: None,
            external_url: None,
            runbook_url: "https://github.com/evenkeel/evenkeel/blob/main/docs/runbooks/".to_owned(),
            resend: Duration::from_secs(60),
        }
    }
}
