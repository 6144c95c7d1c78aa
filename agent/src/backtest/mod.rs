//! What would have alarmed: recorded counts through the same engine, with other settings.
//!
//! [`Replay`] takes what happened, be it from a recording or from Prometheus, as [`Event`](crate::recording::Event)s, keeps an engine for each
//! setting that is to be compared, and gives a [`Report`]. Nothing here reads files, clocks or the network.

mod replay;
mod report;
mod scrapes;
mod setting;
mod tally;
mod timeline;

pub use crate::engine::PlanError;
pub use crate::exported::Quantity;
pub use replay::Replay;
pub use report::{Outcome, PoolOutcome, Report, Span, length};
pub use scrapes::{Chunk, Scrapes};
pub use setting::{Basis, Setting};
pub use timeline::{Column, Timeline};
