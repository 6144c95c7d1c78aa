//! Listeners that stand for the balancer's backends: they count what they accept, and answer each request with nothing.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// No backend's answer is kept by a cache.
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nCache-Control: no-store\r\n\r\n";
/// Requests are the gate's own, and short; what is longer is none.
const LONGEST_REQUEST: usize = 64 * 1024;

/// What one listener has seen.
#[derive(Debug, Default)]
pub(super) struct Seen {
    accepted: AtomicU64,
    requests: AtomicU64,
}

impl Seen {
    /// Connections accepted.
    pub(super) fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Requests answered.
    pub(super) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }
}

/// Serves a listener until the runtime ends.
pub(super) fn serve(listener: std::net::TcpListener) -> io::Result<(SocketAddr, Arc<Seen>)> {
    let address = listener.local_addr()?;
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    let seen = Arc::new(Seen::default());
    let counted = Arc::clone(&seen);
    tokio::spawn(async move {
        loop {
            // One that went away before it was accepted is none.
            if let Ok((stream, _)) = listener.accept().await {
                seen.accepted.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(converse(stream, Arc::clone(&seen)));
            }
        }
    });
    Ok((address, counted))
}

/// Answers requests until the other side closes, or asks to be closed. A connection that breaks ends here.
async fn converse(mut stream: TcpStream, seen: Arc<Seen>) {
    let mut request = Vec::new();
    while matches!(stream.read_buf(&mut request).await, Ok(1..)) {
        while let Some(end) = end_of_head(&request) {
            let closes = asks_to_close(&request[..end]);
            request.drain(..end);
            seen.requests.fetch_add(1, Ordering::Relaxed);
            if stream.write_all(ANSWER).await.is_err() || closes {
                return;
            }
        }
        if request.len() > LONGEST_REQUEST {
            return;
        }
    }
}

/// Where the head of a request ends.
fn end_of_head(bytes: &[u8]) -> Option<usize> {
    const END: &[u8] = b"\r\n\r\n";
    let found = bytes.windows(END.len()).position(|window| window == END);
    found.map(|at| at + END.len())
}

fn asks_to_close(head: &[u8]) -> bool {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let kept = head.contains("\r\nconnection: keep-alive");
    head.contains("\r\nconnection: close") || (head.contains(" http/1.0\r\n") && !kept)
}
