//! The words of the product as types; every other module speaks in them.

mod counters;
mod endpoint;
mod pool;
mod state;

pub use counters::{Counters, PerSignal, Signal};
pub use endpoint::{Endpoint, NetnsCookie, Role, canonical};
pub use pool::{BackendSpec, Pool, PoolSpec, Source, Weight};
pub use state::{BackendState, Canary, KernelState, Losses, PoolState, SignalState, State, View};
