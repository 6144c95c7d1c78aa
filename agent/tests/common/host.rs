//! A host for each test, with nobody else's traffic on it.

use std::net::SocketAddr;

use evenkeel_lab::netns::Namespace;

use crate::common::alone;

/// Runs a test on a host that it has for itself.
pub(crate) fn on_own_host(test: impl FnOnce(&Namespace) + Send) {
    let _alone = alone();
    let host = Namespace::create("host").unwrap();
    // A thread inside takes the namespace for the current one, and so do all that it starts.
    host.enter(|| test(&Namespace::current())).unwrap();
}

/// An address, as text.
pub(crate) fn at(address: &str) -> SocketAddr {
    address.parse().unwrap()
}
