//! What goes out: over HTTP `/metrics`, the JSON API and the page; alerts to their receivers; the log; signs of life to
//! the service manager.
//!
//! Everything here reads the state that the engine published last and changes nothing. Responses are rendered outside
//! of the async runtime while they are read, so that a large or slow one delays neither a tick nor another response.

mod access;
pub mod alerts;
pub mod api;
mod connection;
mod control;
mod headers;
mod health;
mod hour;
mod limits;
mod live;
pub(crate) mod log;
pub mod page;
pub mod prometheus;
mod render;
mod routes;
mod server;
mod shared;
mod shown;
mod stream;
mod supervisor;
mod tap;
mod traffic;

pub use access::{Access, AccessError, AccessHandle};
pub use limits::Limits;
pub use server::{BindError, Server};
pub(crate) use supervisor::Supervisor;
pub(crate) use tap::Tap;
pub use traffic::TrafficSample;
