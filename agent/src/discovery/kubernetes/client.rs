//! How the API server is reached: as the pod's service account, or as a kubeconfig says.

use std::env;
use std::error::Error as _;
use std::path::PathBuf;

use anyhow::Context as _;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

/// Set in every pod.
const IN_A_POD: &str = "KUBERNETES_SERVICE_HOST";

/// Who the agent is to the API server.
#[derive(Debug)]
pub(super) struct Access {
    /// A kubeconfig; without it what the surroundings offer.
    pub(super) kubeconfig: Option<PathBuf>,
}

impl Access {
    /// A client of its own connections, with what files say now.
    pub(super) async fn client(&self) -> Result<Client, String> {
        let client = async {
            let mut config = self.config().await?;
            // Who asks decides when to ask again.
            config.default_retry = false;
            Client::try_from(config).context("cannot make a client of the API server")
        };
        client.await.map_err(|error| format!("{error:#}"))
    }

    async fn config(&self) -> anyhow::Result<Config> {
        let options = KubeConfigOptions::default();
        if let Some(path) = &self.kubeconfig {
            let context = || format!("cannot use the kubeconfig {}", path.display());
            let kubeconfig = Kubeconfig::read_from(path).with_context(context)?;
            let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
            return config.with_context(context);
        }
        if env::var_os(IN_A_POD).is_some() {
            return Config::incluster().context(
                "cannot be the pod's service account: has the pod `automountServiceAccountToken: false`?",
            );
        }
        Config::from_kubeconfig(&options).await.context(
            "no way to the API server: the agent is not in a pod, so set `discovery.kubernetes.kubeconfig` or KUBECONFIG",
        )
    }
}

/// An error of a request, on one line, with what it was about and what could be done.
pub(super) fn told(what: &str, error: &dyn Told) -> String {
    error.told(what)
}

/// Errors that users read.
pub(super) trait Told {
    fn told(&self, what: &str) -> String;
}

impl Told for kube::Error {
    fn told(&self, what: &str) -> String {
        match self {
            Self::Api(status) => {
                let help = match status.code {
                    401 => ": the API server does not accept the token or certificate",
                    403 => ": give the agent the rules that docs/kubernetes.md lists",
                    _ => "",
                };
                format!("{what}: {} ({}){help}", status.message, status.code)
            }
            error => {
                // The last of the causes is what happened, the others say through what.
                let mut cause = error.source();
                while let Some(deeper) = cause.and_then(|cause| cause.source()) {
                    cause = Some(deeper);
                }
                match cause {
                    Some(cause) => format!("{what}: cannot ask the API server: {cause}"),
                    None => format!("{what}: {error}"),
                }
            }
        }
    }
}

impl Told for kube::core::request::Error {
    fn told(&self, what: &str) -> String {
        format!("{what}: {self}")
    }
}
