//! What was the load balancer told, and what in it skews traffic?
//!
//! [`read`] takes a product's configuration and gives a [`Configuration`]: pools with their servers, weights, states and
//! the share that each server is expected to get, computed by the algorithm's own formula ([`shares`]); and what a
//! look at it finds ([`Configuration::audit`]), each [`Finding`] with its place, what will happen in numbers, and the fix.
//!
//! Pure but for [`HostFiles`](source::HostFiles): no clock, no network, no name is resolved. Unknown directives are
//! passed over; what breaks a product's grammar is an error with its place; any bytes give one or the other, in time
//! proportional to their number.
//!
//! ```
//! use std::path::Path;
//! use evenkeel_balancers::{Date, Options, Product, read};
//! use evenkeel_balancers::source::MemoryFiles;
//!
//! let text = "http { upstream shop { server 192.0.2.1:80 weight=8; server 192.0.2.2:80; server 192.0.2.3:80; } }";
//! let files = MemoryFiles::new().with("nginx.conf", text);
//! let configuration = read(Product::Nginx, &files, Path::new("nginx.conf"), &Options::default())?;
//!
//! let shares = configuration.pools[0].shares.exact().expect("no DNS names");
//! assert_eq!(shares, [0.8, 0.1, 0.1]);
//!
//! let audit = configuration.audit("2026-11-22".parse()?);
//! assert_eq!(audit.findings[0].rule.id, "NGX-001");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # To add a product
//!
//! 1. `product.rs`: a variant of [`Product`]. The compiler then names the matches to extend (`configuration.rs`).
//! 2. A folder of its own, `src/<product>/`, with two functions as in `nginx/mod.rs`:
//!    `recognises(name, text) -> bool`, and `read(files, path, options) -> Result<Configuration, ReadError>`. `read` makes a
//!    [`Loader`](source::Loader), turns texts into tokens with places, tokens into the product's own types, and those into
//!    [`model::Pool`]s, which begin as `Pool::new` and `Server::new`. Rules look at the product's types and pools and add to
//!    a `Report`.
//! 3. Formulas of expected shares that are the product's own: a file in `src/shares/`, pure functions that name the
//!    product's source file, and a variant of [`shares::Formula`]; with a test against known values and one against the real product in `tests/`.
//! 4. Each rule: a line in the product's `define_rules!` (whose `RULES` are listed in `finding/rule.rs`), a page `docs/audit/<ID>.md`
//!    with the sections that the others have, and `tests/<product>/<ID>/bad.conf` and `good.conf` with a snapshot. A
//!    test holds all of these to be there, and the real product to accept the configurations. `tests/common` has what the
//!    tests of all products share: rules, any bytes, and traffic through the real product.
//! 5. Comments go through `Comment::suppression`, with the lines that they cover: their own if something stands before
//!    them, else the whole of the next statement or block.

mod apache;
mod caddy;
mod configuration;
mod date;
mod diff;
mod envoy;
mod error;
mod finding;
pub mod fleet;
mod go;
mod haproxy;
mod kubernetes;
pub mod live;
pub mod model;
mod nginx;
mod product;
pub mod shares;
pub mod source;
mod text;
mod traefik;
mod version;
mod yaml;

pub use configuration::{Configuration, Options, Unresolved, detect, read, read_any, read_haproxy};
pub use date::{Date, NoDate};
pub use diff::{PoolChange, Presence, ServerChange, diff};
pub use envoy::{EnvoyText, envoy_text};
pub use error::{Position, ReadError, Why};
pub use finding::{Allowed, Audit, Finding, Rule, Severity, rule, rules};
pub use haproxy::{HaproxyLine, HaproxyProxy, HaproxyText, haproxy_text};
pub use nginx::{NginxStatement, NginxText, nginx_text};
pub use product::Product;
pub use version::Version;
