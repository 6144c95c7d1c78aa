//! A Kubernetes API server for tests: real enough for clients that list and watch. It speaks HTTP/1.1 over TLS to those who have its
//! token, pages lists, streams changes with bookmarks, forgets old versions (410 Gone), can be slow, broken or away, and keeps a
//! ledger of what it was asked.
//!
//! The protocol: <https://kubernetes.io/docs/reference/using-api/api-concepts/>.

mod connection;
mod credentials;
mod faults;
mod listing;
mod objects;
mod request;
mod selector;
mod store;
mod watching;

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::Value;

pub use self::faults::{Faults, GoneAs};
pub use self::objects::{Endpoint, Ready, endpoint_slice, pod, service};
pub use self::request::{Asked, Verb};

use self::credentials::Credentials;
use self::store::Store;
use crate::netns::Namespace;

/// How often the listener looks whether it is to stop.
const LOOK: Duration = Duration::from_millis(20);

/// A running API server. It ends, with all connections, when this value is dropped.
pub struct ApiServer {
    address: SocketAddr,
    credentials: Arc<Credentials>,
    store: Arc<Store>,
    running: Option<Running>,
}

/// The thread that accepts.
struct Running {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl ApiServer {
    /// Listens in `namespace` at `address`; port 0 is any.
    pub fn start(namespace: &Namespace, address: SocketAddr) -> Result<Self> {
        let listener = bind(namespace, address)?;
        let address = listener.local_addr()?;
        let mut server = Self {
            address,
            credentials: Arc::new(Credentials::make(address.ip())?),
            store: Arc::new(Store::default()),
            running: None,
        };
        server.accept(listener);
        Ok(server)
    }

    fn accept(&mut self, listener: TcpListener) {
        let stop = Arc::new(AtomicBool::new(false));
        let (store, credentials) = (Arc::clone(&self.store), Arc::clone(&self.credentials));
        let thread = {
            let stop = Arc::clone(&stop);
            std::thread::spawn(move || serve(&listener, &store, &credentials, &stop))
        };
        self.running = Some(Running { stop, thread });
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Goes away: nothing listens any longer, and connections are cut.
    pub fn stop(&mut self) {
        if let Some(Running { stop, thread }) = self.running.take() {
            stop.store(true, Ordering::Relaxed);
            self.store.cut();
            // A panic of its own would have been printed.
            drop(thread.join());
        }
    }

    /// Comes back, at the same address, with the objects that it had.
    pub fn resume(&mut self, namespace: &Namespace) -> Result<()> {
        self.stop();
        self.accept(bind(namespace, self.address)?);
        Ok(())
    }

    /// Creates an object, or replaces it; those who watch are told.
    pub fn apply(&self, object: Value) -> Result<()> {
        self.store.apply(object)
    }

    /// Deletes an object by its kind, namespace and name.
    pub fn delete(&self, kind: &str, namespace: &str, name: &str) -> Result<()> {
        self.store.delete(kind, namespace, name)
    }

    /// Changes what goes wrong.
    pub fn faults(&self, change: impl FnOnce(&mut Faults)) {
        self.store.faults(change);
    }

    /// Cuts all connections, those that watch in the midst of an event.
    pub fn cut(&self) {
        self.store.cut();
    }

    /// Forgets all versions but the present one: watches cannot go on from others.
    pub fn compact(&self) {
        self.store.compact();
    }

    /// What it was asked so far.
    pub fn ledger(&self) -> Vec<Asked> {
        self.store.ledger()
    }

    /// Watches that are on.
    pub fn watches(&self) -> usize {
        self.store.watches()
    }

    /// Writes what a pod has in `/var/run/secrets/kubernetes.io/serviceaccount`: `token`, `ca.crt` and `namespace`.
    pub fn write_service_account(&self, directory: &Path) -> Result<()> {
        self.credentials.write_service_account(directory)
    }

    /// Writes a kubeconfig.
    pub fn write_kubeconfig(&self, path: &Path) -> Result<()> {
        self.credentials.write_kubeconfig(self.address, path)
    }
}

impl Drop for ApiServer {
    fn drop(&mut self) {
        self.stop();
    }
}

fn bind(namespace: &Namespace, address: SocketAddr) -> Result<TcpListener> {
    let bound = namespace.enter(|| TcpListener::bind(address))?;
    let listener = bound.with_context(|| format!("cannot listen on {address}"))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn serve(
    listener: &TcpListener,
    store: &Arc<Store>,
    credentials: &Arc<Credentials>,
    stop: &AtomicBool,
) {
    while !stop.load(Ordering::Relaxed) {
        let Ok((stream, _)) = listener.accept() else {
            std::thread::sleep(LOOK);
            continue;
        };
        let (store, credentials) = (Arc::clone(store), Arc::clone(credentials));
        std::thread::spawn(move || talk(stream, &store, &credentials));
    }
}

fn talk(stream: TcpStream, store: &Store, credentials: &Credentials) {
    // A client that goes away is no error.
    drop(connection::talk(stream, store, credentials));
}
