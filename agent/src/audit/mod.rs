//! What load balancers were told: their configuration, from files, a stream or the processes that run on this host.
//!
//! Parsing, shares and rules are those of `evenkeel_balancers`; here is what needs a host: folders, standard input,
//! `/proc`.

mod folder;
mod inputs;
pub mod running;

pub use inputs::{Inputs, root_name};
