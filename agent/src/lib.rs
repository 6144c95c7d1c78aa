//! evenkeel: counts connections and bytes per backend in the kernel, and tells how evenly they are spread.
//!
//! The modules follow the flow of one tick: [`kernel`] reads a snapshot, [`engine`] turns it into a
//! [`model::State`], [`publish`] shows it. [`config`] says what is wanted; [`app`] wires them together.

pub mod admin;
pub mod app;
pub mod audit;
pub mod backtest;
pub mod commands;
mod conductor;
pub mod config;
mod counting;
pub mod discovery;
pub mod engine;
mod exported;
mod fleet;
pub mod gate;
pub mod history;
mod http_client;
pub mod kernel;
pub mod model;
pub mod privileges;
mod prometheus;
pub mod publish;
pub mod recording;
pub mod reload;
mod runner;
pub mod running;
mod top;
mod xml;
