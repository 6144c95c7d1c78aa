//! What load balancers were told: their configuration, from files, folders or a stream.
//!
//! Parsing, shares and rules are those of `evenkeel_balancers`; here is what needs a host: folders, standard input. The
//! configurations of the processes that run on this host are found by [`crate::running`].

mod folder;
mod inputs;
mod instances;

pub(crate) use inputs::unreadable;
pub use inputs::{Inputs, root_name};
