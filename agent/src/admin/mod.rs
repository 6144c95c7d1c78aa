//! What running balancers tell of themselves: HAProxy by its runtime interface (`stats socket`), Envoy by its administration
//! interface.
//!
//! Balancers are asked and never told: nothing here changes one. Every answer is bounded in length and in time, and every
//! error names the address and what to do.

mod address;
pub mod envoy;
mod error;
pub mod haproxy;

pub use address::{Address, NoAddress};
pub use error::{AdminError, Reason};

/// The longest answer that is taken, in bytes. A server needs less than 1 KiB with HAProxy, and about 2 KiB with Envoy.
const LONGEST: usize = 64 << 20;
