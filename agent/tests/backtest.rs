//! Recordings and what is found in them: a replay says what the agent said.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test ends at the first surprise"
)]

#[path = "backtest/format.rs"]
mod format;
#[path = "backtest/replay.rs"]
mod replay;
#[path = "backtest/traffic.rs"]
mod traffic;
