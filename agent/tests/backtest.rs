//! Recordings and what is found in them: a replay says what the agent said.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test ends at the first surprise"
)]
#![allow(clippy::float_cmp, reason = "what is counted is whole, in floats too")]

mod common;
#[path = "backtest/format.rs"]
mod format;
#[path = "common/host.rs"]
mod host;
#[path = "backtest/output.rs"]
mod output;
#[path = "backtest/real.rs"]
mod real;
#[path = "backtest/replay.rs"]
mod replay;
#[path = "backtest/scraped.rs"]
mod scraped;
#[allow(dead_code, reason = "the metrics themselves are tested elsewhere")]
#[path = "prometheus/server.rs"]
mod server;
#[path = "backtest/traffic.rs"]
mod traffic;
