//! What a running HAProxy tells: `show info`, `show servers state` and `show stat` of its runtime interface.
//!
//! A `stats socket` of any level will do. Columns are found by their names, as each version adds some (HAProxy Management
//! Guide, section 9).

mod server;
mod socket;
mod state;
mod table;

use std::time::Duration;

use tokio::time::timeout;

pub use self::server::{Admin, Operation, Server, Statistics};
pub use self::state::{Info, Proxy, State};
use super::{Address, AdminError, Reason};

/// Asks the HAProxy at `address` for its proxies and servers; all answers together may take `limit`.
///
/// # Errors
/// If it cannot be connected to, is too slow, refuses, or is no HAProxy.
pub async fn ask(address: &Address, limit: Duration) -> Result<State, AdminError> {
    let asked = timeout(limit, state(address)).await;
    let result = asked.unwrap_or(Err(Reason::Late(limit)));
    result.map_err(|reason| AdminError {
        product: "HAProxy",
        address: address.clone(),
        reason,
    })
}

async fn state(address: &Address) -> Result<State, Reason> {
    let info = Info::parse(&socket::ask(address, Info::COMMAND).await?)?;
    let servers = socket::ask(address, state::SERVERS).await?;
    let statistics = socket::ask(address, state::STATISTICS).await?;
    State::parse(info, &servers, &statistics)
}
