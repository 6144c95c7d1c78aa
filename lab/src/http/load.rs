//! Requests to one server, with a count of who answered.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::ops::AddAssign;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};

use super::{Client, Response};
use crate::netns::Namespace;
use crate::pace::await_turn;

/// Requests to one server, usually a balancer before backends that put their address into the body.
#[derive(Clone, Debug)]
pub struct HttpLoad {
    /// Where to.
    pub target: SocketAddr,
    /// How many requests; `u64::MAX` goes on until stopped.
    pub requests: u64,
    /// Threads, spread over the sources; each has one request at a time.
    pub threads: usize,
    /// Requests per second over all threads, as long as the answers come in time; as fast as possible without it.
    pub per_second: Option<u32>,
    /// Whether a thread uses one connection for all its requests, or one for each.
    pub keepalive: bool,
    /// How many different paths are asked for, in turn: keys for balancers that hash them.
    pub paths: u64,
    /// Addresses of this host that requests come from, in turn; as the system chooses if there are none.
    pub from: Vec<IpAddr>,
    /// A cookie that is sent with every request.
    pub cookie: Option<String>,
    /// For how many requests a thread sends back the cookie that it was given, as a visitor does: 0 for none.
    pub session: u64,
}

/// What came back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpCounts {
    /// Answers by the backend that gave them.
    pub by_backend: BTreeMap<SocketAddr, u64>,
    /// Answers by status.
    pub statuses: BTreeMap<u16, u64>,
    /// Requests without an answer: connections that were refused or broke.
    pub broken: u64,
}

impl AddAssign for HttpCounts {
    fn add_assign(&mut self, other: Self) {
        for (backend, count) in other.by_backend {
            *self.by_backend.entry(backend).or_default() += count;
        }
        for (status, count) in other.statuses {
            *self.statuses.entry(status).or_default() += count;
        }
        self.broken += other.broken;
    }
}

impl HttpLoad {
    /// Eight threads, a connection for each request, a single path, as fast as possible.
    pub fn new(target: SocketAddr, requests: u64) -> Self {
        Self {
            target,
            requests,
            threads: 8,
            per_second: None,
            keepalive: false,
            paths: 1,
            from: Vec::new(),
            cookie: None,
            session: 0,
        }
    }

    /// As many requests per second, until stopped.
    pub fn steady(target: SocketAddr, per_second: u32) -> Self {
        Self {
            per_second: Some(per_second),
            ..Self::new(target, u64::MAX)
        }
    }

    /// Makes the requests from the given namespaces.
    pub fn run(&self, sources: &[&Namespace]) -> Result<HttpCounts> {
        self.start(sources)?.wait()
    }

    /// Begins to make the requests from the given namespaces.
    pub fn start(&self, sources: &[&Namespace]) -> Result<HttpTraffic> {
        ensure!(!sources.is_empty(), "load needs a namespace to come from");
        let mut traffic = HttpTraffic {
            stop: Arc::default(),
            books: Vec::new(),
            threads: Vec::new(),
        };
        let began = Instant::now();
        for (number, source) in (0..self.threads.max(1)).zip(sources.iter().cycle()) {
            let book = Arc::<Book>::default();
            let (load, stop, theirs) = (self.clone(), Arc::clone(&traffic.stop), Arc::clone(&book));
            let builder = std::thread::Builder::new().name("lab-client".to_owned());
            // A thread begins in the namespace of the thread that starts it.
            let thread = source
                .enter(|| builder.spawn(move || load.part(number, began, &stop, &theirs)))?
                .context("cannot start a client's thread")?;
            traffic.books.push(book);
            traffic.threads.push(thread);
        }
        Ok(traffic)
    }

    fn part(&self, number: usize, began: Instant, stop: &AtomicBool, book: &Book) {
        let mut client = None;
        let mut session = Session::default();
        for index in (number as u64..self.requests).step_by(self.threads.max(1)) {
            if !await_turn(index, began, self.per_second, stop) {
                break;
            }
            let path = format!("/{}", index % self.paths.max(1));
            let cookie = self.cookie.as_deref().or(session.cookie.as_deref());
            let answer = self.request(&mut client, index, &path, cookie);
            let mut counts = book.lock();
            let Ok(response) = answer else {
                counts.broken += 1;
                client = None;
                continue;
            };
            *counts.statuses.entry(response.status).or_default() += 1;
            session.go_on(response.cookie, self.session);
            if let Ok(backend) = response.body.trim().parse() {
                *counts.by_backend.entry(backend).or_default() += 1;
            }
        }
    }

    fn request(
        &self,
        client: &mut Option<Client>,
        index: u64,
        path: &str,
        cookie: Option<&str>,
    ) -> Result<Response> {
        let mut current = match client.take() {
            Some(client) => client,
            None => Client::open(self.target, self.source(index))?,
        };
        let response = current.get(path, self.keepalive, cookie)?;
        *client = response.keep.then_some(current);
        Ok(response)
    }

    /// Where request number `index` comes from.
    fn source(&self, index: u64) -> Option<IpAddr> {
        let turn = index % (self.from.len() as u64).max(1);
        self.from.get(usize::try_from(turn).ok()?).copied()
    }
}

/// The cookie of one visitor.
#[derive(Default)]
struct Session {
    cookie: Option<String>,
    requests: u64,
}

impl Session {
    /// One more request was answered; the visit ends after `length`.
    fn go_on(&mut self, cookie: Option<String>, length: u64) {
        self.requests += 1;
        if self.requests >= length {
            *self = Self::default();
        } else if cookie.is_some() {
            self.cookie = cookie;
        }
    }
}

/// The counts of one thread.
#[derive(Default)]
struct Book(Mutex<HttpCounts>);

impl Book {
    fn lock(&self) -> MutexGuard<'_, HttpCounts> {
        // Counts are whole after every statement, also after a panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A load under way. Dropping it stops it.
pub struct HttpTraffic {
    stop: Arc<AtomicBool>,
    books: Vec<Arc<Book>>,
    threads: Vec<JoinHandle<()>>,
}

impl HttpTraffic {
    /// What came back so far.
    pub fn counts(&self) -> HttpCounts {
        let mut total = HttpCounts::default();
        for book in &self.books {
            total += book.lock().clone();
        }
        total
    }

    /// Waits until all requests are made.
    pub fn wait(mut self) -> Result<HttpCounts> {
        self.join()?;
        Ok(self.counts())
    }

    /// Begins no further request, waits for those under way, and returns what came back.
    pub fn stop(self) -> Result<HttpCounts> {
        self.stop.store(true, Ordering::Relaxed);
        self.wait()
    }

    fn join(&mut self) -> Result<()> {
        let ended = self.threads.drain(..).map(JoinHandle::join);
        // All of them, before one that panicked is told of.
        let ended: Vec<_> = ended.collect();
        ensure!(ended.iter().all(Result::is_ok), "a client panicked");
        Ok(())
    }
}

impl Drop for HttpTraffic {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Err(error) = self.join() {
            eprintln!("{error:#}");
        }
    }
}
