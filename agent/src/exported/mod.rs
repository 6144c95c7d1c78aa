//! What agents export, as a Prometheus gives it back: which series there are, whose they are, and what they describe.
//!
//! An agent is told from others by all labels of its series but those that evenkeel itself sets.

mod labels;
mod quantity;

pub(crate) use labels::{description, identity, is_own};
pub use quantity::Quantity;
