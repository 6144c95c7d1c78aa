//! Addresses for tests: numbered, and nobody listens there.

use std::net::SocketAddr;

use super::copy::Places;

/// Backends from port 1001 up, entries from 2001 up; one number for both.
#[derive(Default)]
pub(super) struct Numbered(u16);

impl Numbered {
    fn next(&mut self, base: u16) -> SocketAddr {
        self.0 += 1;
        SocketAddr::from(([127, 0, 0, 1], base + self.0))
    }
}

impl Places for Numbered {
    fn backend(&mut self) -> std::io::Result<SocketAddr> {
        Ok(self.next(1000))
    }

    fn entry(&mut self) -> std::io::Result<SocketAddr> {
        Ok(self.next(2000))
    }
}
