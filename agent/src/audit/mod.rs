//! What load balancers were told: their configuration, from files, folders or a stream.
//!
//! Parsing, shares and rules are those of `evenkeel_balancers`; here is what needs a host: folders, standard input. The
//! configurations of the processes that run on this host are found by [`crate::running`].

mod folder;
mod inputs;
mod instances;

use std::time::SystemTime;

use anyhow::Context as _;
use evenkeel_balancers::Date;

use crate::model::rfc3339;

pub(crate) use inputs::unreadable;
pub use inputs::{Inputs, root_name};

/// Today in UTC: the day by which comments that allow findings expire.
pub(crate) fn today() -> anyhow::Result<Date> {
    let now = rfc3339(SystemTime::now()).to_string();
    let (day, _) = now.split_once('T').context("the clock gives no day")?;
    day.parse().context("the clock gives no day; use --date")
}
