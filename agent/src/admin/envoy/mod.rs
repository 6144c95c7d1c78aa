//! What a running Envoy tells: `/server_info`, `/clusters` and `/config_dump` of its administration interface.

mod clusters;
mod request;
mod server_info;

use std::time::Duration;

use evenkeel_balancers::source::{Limits, MemoryFiles};
use evenkeel_balancers::{Configuration, Options, Product, read};

pub use self::clusters::{Cluster, Health, Host, Locality};
pub use self::server_info::ServerInfo;
use super::{Address, AdminError, LONGEST, Reason};

const DUMP: &str = "/config_dump?include_eds";

/// The state of a running Envoy.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// The process that answered.
    pub info: ServerInfo,
    /// Its clusters, in the order in which it tells them, which is none.
    pub clusters: Vec<Cluster>,
}

/// Asks the Envoy at `address` for its clusters and hosts; each answer may take `limit`.
///
/// # Errors
/// If it cannot be connected to, is too slow, refuses, or is no Envoy.
pub async fn ask(address: &Address, limit: Duration) -> Result<State, AdminError> {
    let result = async {
        let info = request::get(address, server_info::PATH, limit).await?;
        let info = ServerInfo::parse(&info)?;
        let clusters = request::get(address, clusters::PATH, limit).await?;
        let clusters = clusters::parse(&clusters)?;
        Ok(State { info, clusters })
    };
    result.await.map_err(|reason| failed(address, reason))
}

/// Asks for the configuration that holds now, with the endpoints that discovery brought; the answer may take `limit`.
///
/// Its places and messages name it by `name`. Files that it names are not read: a dump has what they held. Endpoints stand in it as Envoy sees them, so that those which health checks found wanting are not in rotation.
///
/// # Errors
/// As [`ask`], and if the dump is no configuration.
pub async fn configuration(
    address: &Address,
    name: &str,
    limit: Duration,
) -> Result<Configuration, AdminError> {
    let result = async {
        let dump = request::get(address, DUMP, limit).await?;
        let files = MemoryFiles::new().with(name, dump);
        let options = Options {
            limits: Limits {
                file_bytes: LONGEST as u64,
                total_bytes: LONGEST as u64,
                ..Limits::default()
            },
            ..Options::default()
        };
        read(Product::Envoy, &files, name.as_ref(), &options)
            .map_err(|error| Reason::not_understood(DUMP, error.to_string()))
    };
    result.await.map_err(|reason| failed(address, reason))
}

fn failed(address: &Address, reason: Reason) -> AdminError {
    AdminError {
        product: "Envoy",
        address: address.clone(),
        reason,
    }
}
