//! What a client says and hears on one connection, counted byte by byte.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::{Order, Way};
use crate::backend::wire::{HEADER, Header, Then};
use crate::ledger::{Closed, Failed};
use crate::socket::{connect, mapped, reset};

/// How long a backend may take for anything.
const PATIENCE: Duration = Duration::from_secs(30);

/// Bytes written or read at a time.
const CHUNK: usize = 65_536;

/// Where bytes go to and come from: content does not matter.
pub(super) struct Buffer(Box<[u8]>);

impl Buffer {
    pub(super) fn new() -> Self {
        Self(vec![b'.'; CHUNK].into_boxed_slice())
    }
}

/// What came of a connect.
pub(super) enum Connected {
    Open(Conversation),
    Failed(Failed),
}

/// A connection with the bytes that it has carried.
pub(super) struct Conversation {
    pub(super) stream: TcpStream,
    pub(super) sent: u64,
    pub(super) received: u64,
}

impl Conversation {
    pub(super) fn open(address: SocketAddr, as_v6: bool) -> Result<Connected> {
        match connect(if as_v6 { mapped(address) } else { address }, PATIENCE) {
            Ok(stream) => Ok(Connected::Open(Self {
                stream,
                sent: 0,
                received: 0,
            })),
            Err(error) => match failure(&error) {
                Some(failed) => Ok(Connected::Failed(failed)),
                None => Err(error).with_context(|| format!("cannot connect to {address}")),
            },
        }
    }

    /// Carries out an order and closes. What the backend does against the order is booked as it happened; only a backend
    /// that does nothing for half a minute is an error.
    pub(super) fn carry_out(
        mut self,
        order: &Order,
        buffer: &mut Buffer,
    ) -> Result<(u64, u64, Closed)> {
        let end = match self.follow(order, buffer) {
            Ok(end) => end,
            Err(error) => ending(&error).ok_or(error).with_context(|| {
                format!("a connection to {} ({:?}) broke", order.address, order.way)
            })?,
        };
        let (sent, received) = (self.sent, self.received);
        if end.client_rst > 0 {
            reset(self.stream).context("cannot reset a connection")?;
        }
        Ok((sent, received, end))
    }

    fn follow(&mut self, order: &Order, buffer: &mut Buffer) -> io::Result<Closed> {
        let then = match order.way {
            Way::ClientFin | Way::ClientRst => Then::Listen,
            Way::ServerFin => Then::Close,
            Way::ServerRst => Then::Reset,
            Way::HalfClose => Then::AnswerAtEnd,
        };
        let response = match order.way {
            // An answer must show that the request has been read. One byte, because the reset may overtake its
            // acknowledgement when the two leave from different CPUs.
            Way::ClientRst => 1,
            Way::ServerRst => order.response.max(1),
            Way::ClientFin | Way::ServerFin | Way::HalfClose => order.response,
        };
        let header = Header {
            then,
            request: order.request,
            response,
        };
        self.say(header, buffer)?;
        if order.way == Way::HalfClose {
            self.stream.shutdown(Shutdown::Write)?;
        }
        self.hear(response, buffer)?;
        match order.way {
            Way::ClientFin => Ok(Closed::CLIENT_FIN),
            Way::ClientRst => Ok(Closed::CLIENT_RST),
            Way::ServerFin => self.hear_end(buffer),
            Way::HalfClose => self.hear_end(buffer).map(|_| Closed::HALF_CLOSE),
            Way::ServerRst => {
                self.sent += self.stream.write(b"!")? as u64;
                self.hear_end(buffer)
            }
        }
    }

    /// Sends a request: the header, then as many bytes as it announces.
    pub(super) fn say(&mut self, header: Header, buffer: &mut Buffer) -> io::Result<()> {
        buffer.0[..HEADER].copy_from_slice(&header.encode());
        let mut missing = HEADER as u64 + u64::from(header.request);
        let mut from = 0;
        while missing > 0 {
            let length = usize::try_from(missing)
                .unwrap_or(usize::MAX)
                .min(CHUNK - from);
            let written = self.stream.write(&buffer.0[from..from + length])?;
            self.sent += written as u64;
            missing -= written as u64;
            // Until the header is out, go on where the last write ended; the payload is all the same.
            from = if from + written < HEADER {
                from + written
            } else {
                HEADER
            };
        }
        Ok(())
    }

    /// Reads an answer of exactly `length` bytes.
    pub(super) fn hear(&mut self, length: u32, buffer: &mut Buffer) -> io::Result<()> {
        let mut missing = usize::try_from(length).unwrap_or(usize::MAX);
        while missing > 0 {
            let read = self.stream.read(&mut buffer.0[..missing.min(CHUNK)])?;
            if read == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            self.received += read as u64;
            missing -= read;
        }
        Ok(())
    }

    /// Reads until the backend ends the connection.
    fn hear_end(&mut self, buffer: &mut Buffer) -> io::Result<Closed> {
        loop {
            match self.stream.read(&mut buffer.0)? {
                0 => {
                    return Ok(Closed::SERVER_FIN);
                }
                read => self.received += read as u64,
            }
        }
    }
}

/// How the backend has ended a connection, told by the client's error; none if it has not.
pub(super) fn ending(error: &io::Error) -> Option<Closed> {
    match error.kind() {
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => Some(Closed::SERVER_RST),
        ErrorKind::UnexpectedEof => Some(Closed::SERVER_FIN),
        _ => None,
    }
}

/// How a connect has failed; none if the fault lies with this host (no port, no descriptor, no permission).
pub(super) fn failure(error: &io::Error) -> Option<Failed> {
    match error.kind() {
        ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset => Some(Failed::REFUSED),
        ErrorKind::TimedOut => Some(Failed::TIMED_OUT),
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => Some(Failed::UNREACHABLE),
        _ => None,
    }
}
