//! The agent as a service of the host: what it tells the service manager, and the unit that it is started by.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test ends at the first surprise"
)]

#[path = "../common/mod.rs"]
mod common;
mod notify;
mod unit;

use common::{EVENKEEL, alone, config, pool};
