//! What the copy of a balancer's configuration is, whichever product it is for.
//!
//! Of the configuration it takes the pools with all that belongs to them, what they may choose by, and how the balancer speaks
//! to them. In place of what listens stands one entry per pool; in place of the backends stand listeners of the gate's own.
//! So nothing in the copy leads to another machine, needs a certificate, or asks for a password.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use evenkeel_balancers::model::Traffic;
use evenkeel_balancers::source::{Files as _, HostFiles, Limits};
use evenkeel_balancers::{Product, detect};

use super::traffic::Keys;
use super::{HermeticError, envoy, haproxy, nginx};

/// Gives addresses of the gate's own.
pub(super) trait Places {
    /// Where a listener stands for a backend.
    fn backend(&mut self) -> io::Result<SocketAddr>;
    /// Where the balancer may listen.
    fn entry(&mut self) -> io::Result<SocketAddr>;
}

/// The copy.
pub(super) struct Copy {
    pub(super) pools: Vec<CopiedPool>,
    /// What was left out that may matter.
    pub(super) notes: Vec<String>,
    /// What requests have to differ in.
    pub(super) keys: Keys,
    pub(super) configuration: Box<dyn Configuration>,
}

/// A pool in the copy.
#[derive(Clone, Debug)]
pub(super) struct CopiedPool {
    pub(super) name: String,
    pub(super) traffic: Traffic,
    /// Where it is reached.
    pub(super) entry: SocketAddr,
    /// The listener that stands for each server, with what is written in the configuration.
    pub(super) servers: BTreeMap<SocketAddr, String>,
    /// What was left out of it that may matter.
    pub(super) notes: Vec<String>,
}

/// The copied configuration of a product, and how the product runs with it.
pub(super) trait Configuration {
    /// Whose it is.
    fn product(&self) -> Product;

    /// The program, and where it is on many hosts though not in everybody's `PATH`.
    fn program(&self) -> (&'static str, &'static str);

    /// The name of the file that it stands in.
    fn file(&self) -> &'static str;

    /// Its text; without a site, as far as it decides who gets traffic.
    fn text(&self, site: Option<&Site<'_>>) -> Result<String, HermeticError>;

    /// The command that runs it in the foreground, with its log in standard error.
    fn run(&self, site: &Site<'_>) -> Command;

    /// The command that says whether the product takes it.
    fn check(&self, site: &Site<'_>) -> Command;

    /// The word that marks the lines in which `check` says what is wrong.
    fn complaint(&self) -> &'static str;
}

/// Where the product runs.
pub(super) struct Site<'a> {
    pub(super) program: &'a Path,
    /// A folder of its own.
    pub(super) folder: &'a Path,
}

impl Site<'_> {
    /// Where the copy is.
    pub(super) fn file(&self, configuration: &dyn Configuration) -> std::path::PathBuf {
        self.folder.join(configuration.file())
    }
}

/// Copies those pools of the configuration at `path` that `wants` names.
pub(super) fn copy(
    product: Option<Product>,
    path: &Path,
    wants: &dyn Fn(&str) -> bool,
    places: &mut dyn Places,
) -> Result<Copy, HermeticError> {
    let product = match product {
        Some(product) => product,
        None => detected(path)?,
    };
    match product {
        Product::Nginx => nginx::copy(path, wants, places),
        Product::Haproxy => haproxy::copy(path, wants, places),
        Product::Envoy => envoy::copy(path, wants, places),
        other => Err(HermeticError::Product(other.title())),
    }
}

fn detected(path: &Path) -> Result<Product, HermeticError> {
    let shown = || path.display().to_string();
    let bytes = HostFiles
        .read(path, Limits::default().file_bytes)
        .map_err(|error| HermeticError::Unreadable(shown(), error.to_string()))?;
    let text = String::from_utf8_lossy(&bytes);
    detect(path, &text).ok_or_else(|| HermeticError::Unrecognised(shown()))
}
