//! A TCP server that plays many backends at once and keeps its own ledger per address.

mod connection;
mod http;
mod reactor;
pub(crate) mod wire;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};

use crate::ledger::Ledger;
use crate::netns::Namespace;
use crate::process::raise_file_limit;
use crate::socket::listen;
use reactor::{Reactor, Shared};

/// What a backend speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// The lab's own, in which the client says how long the answer shall be and how the connection shall end.
    Lab,
    /// Minimal HTTP/1.1: every GET gets 200 and the backend's address as the body.
    Http,
}

/// How a backend serves.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// What it speaks.
    pub protocol: Protocol,
    /// Threads; each serves its own part of the addresses.
    pub threads: usize,
    /// Time between a request and its answer: a slow backend.
    pub delay: Duration,
    /// How many answers a thread gives in a second at most, one after the other: a backend with a limit. None without it.
    pub capacity: Option<u32>,
}

impl Options {
    /// Two threads, no delay.
    pub fn new(protocol: Protocol) -> Self {
        Self {
            protocol,
            threads: 2,
            delay: Duration::ZERO,
            capacity: None,
        }
    }
}

/// A running server. Dropping it closes its listeners, so that later connects are refused, and its connections.
pub struct Backend {
    addresses: Vec<SocketAddr>,
    workers: Vec<Worker>,
}

struct Worker {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<Result<()>>>,
}

impl Backend {
    /// Listens on the given addresses in the given namespaces. Port 0 takes a free one; `[::]` accepts IPv4 too, and its
    /// connections are booked under the address that was reached.
    pub fn start(places: &[(&Namespace, Vec<SocketAddr>)], options: &Options) -> Result<Self> {
        raise_file_limit()?;
        let mut listeners = Vec::new();
        for (namespace, addresses) in places {
            let inside = || {
                addresses
                    .iter()
                    .map(|address| listen(*address))
                    .collect::<Result<Vec<_>>>()
            };
            listeners.extend(namespace.enter(inside)??);
        }
        let addresses = listeners
            .iter()
            .map(TcpListener::local_addr)
            .collect::<std::io::Result<_>>()?;
        let threads = options.threads.clamp(1, listeners.len().max(1));
        let mut parts: Vec<Vec<TcpListener>> = (0..threads).map(|_| Vec::new()).collect();
        for (index, listener) in listeners.into_iter().enumerate() {
            parts[index % threads].push(listener);
        }
        let workers = parts
            .into_iter()
            .map(|part| Worker::start(part, options))
            .collect::<Result<_>>()?;
        Ok(Self { addresses, workers })
    }

    /// Listens on one address with two threads.
    pub fn single(namespace: &Namespace, address: SocketAddr, protocol: Protocol) -> Result<Self> {
        Self::start(&[(namespace, vec![address])], &Options::new(protocol))
    }

    /// The addresses on which it listens, in the order of the request, with the true ports.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// What it has seen so far. A client's FIN or RST is booked when it arrives, a little after the client has sent it;
    /// the end of a client's process looks like its FIN.
    pub fn ledger(&self) -> Ledger {
        let mut ledger = Ledger::default();
        self.workers
            .iter()
            .for_each(|worker| ledger.merge(&worker.shared.ledger()));
        ledger
    }

    /// Takes another time for each answer from now on: a backend that begins to hang, or has recovered. Answers that wait
    /// already keep their time.
    pub fn set_delay(&self, delay: Duration) {
        for worker in &self.workers {
            worker.shared.set_delay(delay);
        }
    }

    /// Stops, and returns what was seen.
    pub fn stop(mut self) -> Result<Ledger> {
        self.workers.iter_mut().try_for_each(Worker::stop)?;
        Ok(self.ledger())
    }
}

impl Worker {
    fn start(listeners: Vec<TcpListener>, options: &Options) -> Result<Self> {
        let shared = Arc::new(Shared::new(options.delay)?);
        let mut reactor = Reactor::new(listeners, options, Arc::clone(&shared))?;
        let thread = std::thread::Builder::new()
            .name("lab-backend".to_owned())
            .spawn(move || reactor.run());
        Ok(Self {
            shared,
            thread: Some(thread.context("cannot start a backend's thread")?),
        })
    }

    fn stop(&mut self) -> Result<()> {
        let Some(thread) = self.thread.take() else {
            return Ok(());
        };
        self.shared.stop()?;
        thread
            .join()
            .map_err(|_panic| anyhow!("a backend's thread panicked"))?
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            eprintln!("{error:#}");
        }
    }
}
