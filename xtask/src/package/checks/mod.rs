//! What an administrator relies on, from installing to purging.

mod installing;
mod leaving;
mod running;
mod traffic;

pub(super) use installing::{archive, install};
pub(super) use leaving::{purge, remove, upgrade};
pub(super) use running::{documented_settings, hang, reload, wrong_configuration};
pub(super) use traffic::count;
