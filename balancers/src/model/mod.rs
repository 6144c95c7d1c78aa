//! What a configuration means, in words common to all products.

mod address;
mod algorithm;
mod expected;
mod pool;
mod share;
mod usual;

pub use address::{Address, Target};
pub use algorithm::{Algorithm, Class};
pub use pool::{Comparability, Origin, Pool, Scheduling, Server, State, Traffic, Workers};
pub use share::{Basis, Share, Shares};
