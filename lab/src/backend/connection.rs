//! One accepted connection: what it has said, what it is still owed, how it ends.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::ops::ControlFlow;
use std::os::fd::OwnedFd;
use std::time::Instant;

use anyhow::{Context as _, Result};
use rustix::event::epoll::{self, EventData, EventFlags};

use super::wire::Then;
use super::{Protocol, http, wire};
use crate::ledger::Closed;
use crate::socket::reset;

/// What answers are made of where content does not matter.
static FILLER: [u8; 65_536] = [b'.'; 65_536];

/// What the reactor shall wait for next.
pub(super) enum Wish {
    /// Bytes, FIN or RST from the client.
    Input,
    /// Room for more output.
    Output,
    /// The moment at which a slow backend answers.
    Time,
    /// Nothing; it has ended in this way.
    Ended(Closed),
}

/// An answer on its way: text, then filler.
struct Answer {
    text: Vec<u8>,
    filler: u64,
    then: Then,
}

impl Answer {
    fn is_sent(&self) -> bool {
        self.text.is_empty() && self.filler == 0
    }

    /// What to send next.
    fn next(&self) -> &[u8] {
        let filler = usize::try_from(self.filler)
            .unwrap_or(usize::MAX)
            .min(FILLER.len());
        if self.text.is_empty() {
            &FILLER[..filler]
        } else {
            &self.text
        }
    }

    /// Takes note that so many bytes of [`Self::next`] are sent.
    fn advance(&mut self, length: usize) {
        if self.text.is_empty() {
            self.filler -= length as u64;
        } else {
            self.text.drain(..length);
        }
    }
}

enum State {
    /// Recognising a request.
    Listening,
    /// A request is complete; its answer waits for the client's FIN.
    UntilEnd(Answer),
    /// A request is complete; its answer waits for the delay.
    Waiting(Answer),
    /// Sending.
    Answering(Answer),
    /// Waiting for the byte that confirms an answer.
    Unconfirmed,
}

enum Speech {
    Lab(wire::Parser),
    Http(http::Parser),
}

pub(super) struct Connection {
    stream: Option<TcpStream>,
    state: State,
    speech: Speech,
    /// Whether the client has sent its FIN.
    half_closed: bool,
    /// The address that the client has reached.
    pub(super) address: SocketAddr,
    /// Index of the address' tally.
    pub(super) slot: usize,
    /// Bytes read since they were last booked.
    pub(super) received: u64,
    /// Bytes written since they were last booked.
    pub(super) sent: u64,
    /// When a slow backend's answer is due.
    pub(super) due: Option<Instant>,
    /// What epoll looks for.
    interest: EventFlags,
}

impl Connection {
    pub(super) fn new(
        stream: TcpStream,
        protocol: Protocol,
        address: SocketAddr,
        slot: usize,
    ) -> Self {
        let speech = match protocol {
            Protocol::Lab => Speech::Lab(wire::Parser::default()),
            Protocol::Http => Speech::Http(http::Parser::default()),
        };
        Self {
            stream: Some(stream),
            state: State::Listening,
            speech,
            half_closed: false,
            address,
            slot,
            received: 0,
            sent: 0,
            due: None,
            interest: EventFlags::IN,
        }
    }

    /// Tells `epoll` what to look for, if that has changed.
    pub(super) fn look_for(
        &mut self,
        epoll: &OwnedFd,
        token: EventData,
        interest: EventFlags,
    ) -> Result<()> {
        if let Some(stream) = &self.stream
            && interest != self.interest
        {
            epoll::modify(epoll, stream, token, interest)
                .context("cannot change what epoll looks for")?;
            self.interest = interest;
        }
        Ok(())
    }

    /// Goes on after the reactor has seen what was wished for.
    pub(super) fn proceed(&mut self, buffer: &mut [u8], slow: bool) -> Wish {
        match std::mem::replace(&mut self.state, State::Listening) {
            State::Waiting(answer) | State::Answering(answer) => self.send(answer),
            state => {
                self.state = state;
                self.receive(buffer, slow)
            }
        }
    }

    fn receive(&mut self, buffer: &mut [u8], slow: bool) -> Wish {
        let Some(stream) = &mut self.stream else {
            return self.end_by_client();
        };
        match stream.read(buffer) {
            Ok(0) => self.at_end(),
            Ok(length) => {
                self.received += length as u64;
                self.hear(&buffer[..length], slow)
            }
            Err(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) =>
            {
                Wish::Input
            }
            Err(_) => self.end(Closed::CLIENT_RST),
        }
    }

    fn hear(&mut self, bytes: &[u8], slow: bool) -> Wish {
        match self.state {
            State::Unconfirmed => return self.reset(),
            // More than was announced.
            State::UntilEnd(_) => return self.close(),
            _ => {}
        }
        let heard = match &mut self.speech {
            Speech::Lab(parser) => parser.take(bytes).map_break(|request| {
                let answer =
                    |header: wire::Header| (Vec::new(), u64::from(header.response), header.then);
                request.map(answer)
            }),
            Speech::Http(parser) => parser
                .take(bytes, self.address)
                .map_break(|answer| answer.map(|(text, then)| (text, 0, then))),
        };
        let answer = match heard {
            ControlFlow::Continue(()) => return Wish::Input,
            ControlFlow::Break(None) => return self.close(),
            ControlFlow::Break(Some((text, filler, then))) => Answer { text, filler, then },
        };
        if answer.then == Then::AnswerAtEnd {
            self.state = State::UntilEnd(answer);
            Wish::Input
        } else if slow {
            self.state = State::Waiting(answer);
            Wish::Time
        } else {
            self.send(answer)
        }
    }

    /// The client's FIN has come.
    fn at_end(&mut self) -> Wish {
        match std::mem::replace(&mut self.state, State::Listening) {
            State::UntilEnd(answer) => {
                self.half_closed = true;
                self.send(answer)
            }
            _ => self.end_by_client(),
        }
    }

    fn send(&mut self, mut answer: Answer) -> Wish {
        let Some(stream) = &mut self.stream else {
            return self.end_by_client();
        };
        while !answer.is_sent() {
            match stream.write(answer.next()) {
                Ok(length) => {
                    answer.advance(length);
                    self.sent += length as u64;
                }
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) =>
                {
                    self.state = State::Answering(answer);
                    return Wish::Output;
                }
                Err(_) => return self.end(Closed::CLIENT_RST),
            }
        }
        match answer.then {
            Then::Listen => Wish::Input,
            Then::Close | Then::AnswerAtEnd => self.close(),
            Then::Reset => {
                self.state = State::Unconfirmed;
                Wish::Input
            }
        }
    }

    fn close(&mut self) -> Wish {
        self.end(if self.half_closed {
            Closed::HALF_CLOSE
        } else {
            Closed::SERVER_FIN
        })
    }

    fn reset(&mut self) -> Wish {
        // A reset that fails leaves nothing to reset.
        drop(self.stream.take().map(reset));
        self.end(Closed::SERVER_RST)
    }

    fn end_by_client(&mut self) -> Wish {
        self.end(Closed::CLIENT_FIN)
    }

    fn end(&mut self, end: Closed) -> Wish {
        self.stream = None;
        Wish::Ended(end)
    }
}
