//! `evenkeel top`: what an agent knows, live in a terminal.
//!
//! [`feed`] brings what an agent tells, another one's over HTTP or that of this process; [`world`] keeps what was told last.
//! [`keys`] turns a key into an [`keys::Action`], which changes [`ui`]: what of the world is looked at. [`view`] draws both, as a
//! function without side effects. [`session`] runs all that in the [`screen`]; [`once`] writes a table instead.

pub(crate) mod feed;
mod keys;
pub(crate) mod once;
mod order;
mod plain;
mod screen;
pub(crate) mod session;
mod ui;
mod view;
mod world;

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;

pub(crate) use self::order::{Column, Sort};
pub(crate) use self::screen::NoTerminal;
