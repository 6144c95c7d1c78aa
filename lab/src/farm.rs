//! Backends of one pool, each of which can be stopped, started and made slow by itself.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::backend::{Backend, Options};
use crate::ledger::Ledger;
use crate::netns::Namespace;

/// Backends that serve alike, with a ledger of what all of them have seen. They end when this value is dropped.
pub struct Farm<'a> {
    host: &'a Namespace,
    options: Options,
    addresses: Vec<SocketAddr>,
    backends: Vec<Option<Backend>>,
    /// What backends saw that are gone.
    past: Ledger,
}

impl<'a> Farm<'a> {
    /// Starts a backend on each address.
    pub fn start(
        host: &'a Namespace,
        addresses: Vec<SocketAddr>,
        options: Options,
    ) -> Result<Self> {
        let mut farm = Self {
            host,
            options,
            backends: addresses.iter().map(|_| None).collect(),
            addresses,
            past: Ledger::default(),
        };
        for backend in 0..farm.addresses.len() {
            farm.resume(backend)?;
        }
        Ok(farm)
    }

    /// Where each of them serves.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Ends a backend's process, so to say: connections to it are refused. Nothing happens to one that is stopped.
    pub fn stop(&mut self, backend: usize) -> Result<()> {
        let running = self.backends.get_mut(backend).context(NONE)?.take();
        if let Some(running) = running {
            self.past.merge(&running.stop()?);
        }
        Ok(())
    }

    /// Starts a backend that was stopped.
    pub fn resume(&mut self, backend: usize) -> Result<()> {
        let address = *self.addresses.get(backend).context(NONE)?;
        let started = Backend::start(&[(self.host, vec![address])], &self.options)?;
        if let Some(place) = self.backends.get_mut(backend) {
            *place = Some(started);
        }
        Ok(())
    }

    /// Sets how long a backend takes for an answer.
    pub fn delay(&self, backend: usize, delay: Duration) -> Result<()> {
        let running = self.backends.get(backend).and_then(Option::as_ref);
        running.context(NONE)?.set_delay(delay);
        Ok(())
    }

    /// What all backends have seen.
    pub fn ledger(&self) -> Ledger {
        let mut ledger = self.past.clone();
        for backend in self.backends.iter().flatten() {
            ledger.merge(&backend.ledger());
        }
        ledger
    }
}

const NONE: &str = "the farm has no such backend that runs";
