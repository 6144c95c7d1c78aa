//! A response body that is rendered while it is read.
//!
//! The renderer runs on a blocking thread and writes into a [`ChunkWriter`], which cuts the text into chunks and hands
//! them to the HTTP connection through a short queue. So a response of any size takes the memory of a few chunks, and
//! a slow reader holds the renderer up instead of piling up buffers, until its time is up.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::{Bytes, HttpBody};
use hyper::body::Frame;
use tokio::runtime::Handle;
use tokio::sync::mpsc::{self, error::TrySendError};

/// Large enough that a chunk costs little beside its bytes.
const CHUNK: usize = 64 * 1024;

/// Chunks that wait for the connection: one being written to the socket, one to follow it.
const QUEUE: usize = 2;

/// How long a reader may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// For one chunk.
    pub(super) chunk: Duration,
    /// For the whole response.
    pub(super) response: Duration,
}

/// What travels from the renderer to the connection.
enum Piece {
    Chunk(Bytes),
    /// The response is complete. Without it the body ends in an error, so that no reader takes a part for the whole.
    End,
}

/// Connects a renderer with a response body.
pub(super) fn pipe(runtime: Handle, patience: Patience) -> (ChunkWriter, ChunkBody) {
    let (sender, receiver) = mpsc::channel(QUEUE);
    let writer = ChunkWriter {
        buffer: Vec::with_capacity(CHUNK),
        sender,
        runtime,
        chunk_patience: patience.chunk,
        deadline: Instant::now() + patience.response,
    };
    (writer, ChunkBody(receiver))
}

/// The reader is gone, or too slow.
#[derive(Debug)]
pub(super) struct ReaderLost;

/// The renderer's end. Blocks while the queue is full, so it belongs on a blocking thread.
pub(super) struct ChunkWriter {
    buffer: Vec<u8>,
    sender: mpsc::Sender<Piece>,
    runtime: Handle,
    chunk_patience: Duration,
    deadline: Instant,
}

impl ChunkWriter {
    /// Sends what is left and marks the response as complete.
    pub(super) fn finish(mut self) -> Result<(), ReaderLost> {
        if !self.buffer.is_empty() {
            self.flush_chunk()?;
        }
        self.send(Piece::End)
    }

    fn append(&mut self, mut bytes: &[u8]) -> Result<(), ReaderLost> {
        loop {
            let room = CHUNK - self.buffer.len();
            if bytes.len() < room {
                self.buffer.extend_from_slice(bytes);
                return Ok(());
            }
            let (fits, rest) = bytes.split_at(room);
            self.buffer.extend_from_slice(fits);
            self.flush_chunk()?;
            bytes = rest;
        }
    }

    fn flush_chunk(&mut self) -> Result<(), ReaderLost> {
        let full = std::mem::replace(&mut self.buffer, Vec::with_capacity(CHUNK));
        self.send(Piece::Chunk(full.into()))
    }

    fn send(&self, piece: Piece) -> Result<(), ReaderLost> {
        match self.sender.try_send(piece) {
            Ok(()) => Ok(()),
            Err(TrySendError::Closed(_)) => Err(ReaderLost),
            Err(TrySendError::Full(piece)) => {
                let left = self.deadline.saturating_duration_since(Instant::now());
                let wait = left.min(self.chunk_patience);
                // The sleep of the timeout must be made where the runtime's clock is known: inside of it.
                self.runtime
                    .block_on(async { self.sender.send_timeout(piece, wait).await })
                    .or(Err(ReaderLost))
            }
        }
    }
}

impl fmt::Write for ChunkWriter {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.append(text.as_bytes()).or(Err(fmt::Error))
    }
}

impl io::Write for ChunkWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.append(bytes)
            .or(Err(io::ErrorKind::BrokenPipe))
            .map(|()| bytes.len())
            .map_err(io::Error::from)
    }

    fn flush(&mut self) -> io::Result<()> {
        // Chunks are sent when they are full; `finish` sends the last one.
        Ok(())
    }
}

/// The connection's end.
pub(super) struct ChunkBody(mpsc::Receiver<Piece>);

/// The renderer gave up before the response was complete.
#[derive(Debug, thiserror::Error)]
#[error("the response was cut short because its reader was too slow")]
pub(super) struct CutShort;

impl HttpBody for ChunkBody {
    type Data = Bytes;
    type Error = CutShort;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CutShort>>> {
        self.0.poll_recv(context).map(|piece| match piece {
            Some(Piece::Chunk(bytes)) => Some(Ok(Frame::data(bytes))),
            Some(Piece::End) => None,
            None => Some(Err(CutShort)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;

    const PATIENCE: Patience = Patience {
        chunk: Duration::from_millis(200),
        response: Duration::from_secs(5),
    };

    /// Runs `render` on a blocking thread, whether it could finish, and what its reader got.
    async fn read(
        render: impl FnOnce(&mut ChunkWriter) -> fmt::Result + Send + 'static,
    ) -> Result<Bytes, axum::Error> {
        let (mut writer, body) = pipe(Handle::current(), PATIENCE);
        let renderer = tokio::task::spawn_blocking(move || {
            if render(&mut writer).is_ok() {
                writer.finish().unwrap();
            }
        });
        let bytes = axum::body::to_bytes(axum::body::Body::new(body), usize::MAX).await;
        renderer.await.unwrap();
        bytes
    }

    #[tokio::test]
    async fn text_of_any_size_arrives_whole() {
        for size in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 5 * CHUNK + 7] {
            let text = "é".repeat(size.div_ceil(2));
            let sent = text.clone();
            let got = read(move |writer| writer.write_str(&sent)).await.unwrap();
            assert_eq!(got, text.as_bytes(), "for {size} bytes");
        }
    }

    #[tokio::test]
    async fn a_part_is_never_taken_for_the_whole() {
        let got = read(|writer| {
            writer.write_str(&"x".repeat(CHUNK))?;
            Err(fmt::Error)
        })
        .await;
        assert!(got.is_err(), "got {got:?}");
    }

    #[tokio::test]
    async fn a_reader_that_takes_nothing_is_given_up() {
        let (mut writer, body) = pipe(Handle::current(), PATIENCE);
        let began = Instant::now();
        let written = tokio::task::spawn_blocking(move || writer.write_str(&"x".repeat(9 * CHUNK)));
        assert_eq!(written.await.unwrap(), Err(fmt::Error));
        assert!(began.elapsed() >= PATIENCE.chunk, "gave up too early");
        drop(body);
    }

    #[tokio::test]
    async fn a_reader_that_left_ends_the_renderer_at_once() {
        let (mut writer, body) = pipe(Handle::current(), PATIENCE);
        drop(body);
        assert!(writer.append(&vec![0; CHUNK]).is_err());
    }
}
