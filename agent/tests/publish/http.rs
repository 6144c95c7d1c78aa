//! A server that runs, and a client that speaks to it in bytes.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use evenkeel::model::State;
use evenkeel::publish::{Access, AccessHandle, Limits, Server};
use evenkeel::reload::{ReloadHandle, ReloadStatus, Request};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

/// Within it, everything that is waited for must have happened.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// A server on a thread of its own, stopped when dropped.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) states: watch::Sender<Arc<State>>,
    pub(crate) reloads: mpsc::Receiver<Request>,
    pub(crate) reload_status: watch::Sender<ReloadStatus>,
    shutdown: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    pub(crate) fn start(state: State) -> Self {
        Self::start_with(state, Limits::default())
    }

    pub(crate) fn start_with(state: State, limits: Limits) -> Self {
        Self::start_guarded(state, limits, Access::default())
    }

    /// One that lets in whom `access` says.
    pub(crate) fn start_guarded(state: State, limits: Limits, access: Access) -> Self {
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self::start_at(any_port, state, limits, access)
    }

    pub(crate) fn start_at(
        listen: SocketAddr,
        state: State,
        limits: Limits,
        access: Access,
    ) -> Self {
        let (states, receiver) = watch::channel(Arc::new(state));
        let (handle, reloads, reload_status) = ReloadHandle::channel();
        let door = AccessHandle::default();
        door.replace(access);
        let server = Server::bind(listen, receiver, handle)
            .unwrap()
            .with_access(door)
            .with_limits(limits);
        let address = server.local_addr();
        let shutdown = CancellationToken::new();
        let serving = server.serve(shutdown.clone());
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(serving).unwrap();
        });
        Self {
            address,
            states,
            reloads,
            reload_status,
            shutdown,
            thread: Some(thread),
        }
    }

    /// Asks the server to stop, without waiting for it.
    pub(crate) fn begin_stop(&self) {
        self.shutdown.cancel();
    }

    /// Waits until the server has stopped.
    pub(crate) fn join(&mut self) {
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }

    /// A connection whose reads and writes fail at the deadline.
    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        stream
    }

    /// The answer to `request`, which is sent as it is.
    pub(crate) fn send(&self, request: &str) -> Answer {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).unwrap();
        read_answer(&mut stream)
    }

    /// The head of a request after which the server closes, with `headers` of the form `name: value`.
    pub(crate) fn head(&self, method: &str, path: &str, headers: &[&str]) -> String {
        let host = format!("host: {}", self.address);
        let request = format!("{method} {path} HTTP/1.1");
        let fixed = [request.as_str(), &host, "connection: close"];
        [&fixed[..], headers, &["", ""]].concat().join("\r\n")
    }

    /// The answer to a request without a body, with `headers` of the form `name: value`.
    pub(crate) fn ask(&self, method: &str, path: &str, headers: &[&str]) -> Answer {
        self.send(&self.head(method, path, headers))
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[])
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shutdown.cancel();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
            && !std::thread::panicking()
        {
            panic!("the server's thread panicked");
        }
    }
}

/// An HTTP response.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
    /// Whether the body came to the end that it announced.
    pub(crate) complete: bool,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Reads until the server closes, and takes the response apart.
pub(crate) fn read_answer(stream: &mut impl Read) -> Answer {
    let mut bytes = Vec::new();
    // A server that closes with unread input resets the connection; what it said before counts.
    let outcome = stream.read_to_end(&mut bytes);
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
    let Some(end) = end else {
        let text = String::from_utf8_lossy(&bytes);
        panic!("no answer: {text:?}, {outcome:?}");
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let body = &bytes[end + 4..];
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap();
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let (body, complete) = match headers.get("transfer-encoding").map(String::as_str) {
        Some("chunked") => unchunk(body),
        _ => (body.to_owned(), true),
    };
    // A body that was cut short may end within a letter.
    let body = match String::from_utf8(body) {
        Ok(body) => body,
        Err(error) if complete => panic!("{error}"),
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    };
    Answer {
        status: status.parse().unwrap(),
        headers,
        body,
        complete,
    }
}

fn unchunk(mut rest: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    while let Some(end) = rest.windows(2).position(|two| two == b"\r\n") {
        let size = std::str::from_utf8(&rest[..end]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            return (body, true);
        }
        let Some((chunk, after)) = rest[end + 2..].split_at_checked(size) else {
            break;
        };
        body.extend_from_slice(chunk);
        rest = after.strip_prefix(b"\r\n").unwrap_or_default();
    }
    (body, false)
}

/// Waits until `condition` gives something, and gives that.
pub(crate) fn wait_for<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = condition() {
            return found;
        }
        assert!(began.elapsed() < DEADLINE, "{what} did not happen in time");
        std::thread::sleep(Duration::from_millis(10));
    }
}
