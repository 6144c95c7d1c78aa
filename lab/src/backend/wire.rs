//! The lab's protocol: each request says how long it is, how long the answer shall be, and what the backend does then.

use std::ops::ControlFlow;

/// Bytes of a request's header.
pub(crate) const HEADER: usize = 12;

const MAGIC: [u8; 3] = *b"EK1";

/// What the backend does after its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    /// Wait for the next request, or for the client to close.
    Listen,
    /// Send FIN.
    Close,
    /// Wait for one more byte, which shows that the answer has been read, then send RST.
    Reset,
    /// Answer only after the client's FIN, then close.
    AnswerAtEnd,
}

const THENS: [Then; 4] = [Then::Listen, Then::Close, Then::Reset, Then::AnswerAtEnd];

/// A request's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) then: Then,
    /// Bytes that follow the header.
    pub(crate) request: u32,
    /// Bytes of the answer.
    pub(crate) response: u32,
}

impl Header {
    pub(crate) fn encode(self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[..3].copy_from_slice(&MAGIC);
        bytes[3] = THENS
            .iter()
            .zip(0..)
            .find(|(then, _)| **then == self.then)
            .map_or(0, |(_, code)| code);
        bytes[4..8].copy_from_slice(&self.request.to_be_bytes());
        bytes[8..].copy_from_slice(&self.response.to_be_bytes());
        bytes
    }

    /// None if these bytes are not of this protocol.
    pub(crate) fn decode(bytes: [u8; HEADER]) -> Option<Self> {
        let number = |bytes: &[u8]| {
            bytes
                .iter()
                .fold(0, |number, byte| number << 8 | u32::from(*byte))
        };
        let then = *THENS.get(usize::from(bytes[3]))?;
        (bytes[..3] == MAGIC).then(|| Self {
            then,
            request: number(&bytes[4..8]),
            response: number(&bytes[8..]),
        })
    }
}

/// Recognises requests in a stream of bytes.
#[derive(Default)]
pub(crate) struct Parser {
    partial: [u8; HEADER],
    filled: usize,
    current: Option<(Header, u32)>,
}

impl Parser {
    /// Takes bytes that have arrived. Breaks with a request that is complete, or with none if the bytes make no sense;
    /// a client sends nothing more before it has the answer.
    pub(crate) fn take(&mut self, mut bytes: &[u8]) -> ControlFlow<Option<Header>> {
        if self.current.is_none() {
            let length = bytes.len().min(HEADER - self.filled);
            self.partial[self.filled..self.filled + length].copy_from_slice(&bytes[..length]);
            self.filled += length;
            bytes = &bytes[length..];
            if self.filled < HEADER {
                return ControlFlow::Continue(());
            }
            match Header::decode(self.partial) {
                Some(header) => self.current = Some((header, header.request)),
                None => return ControlFlow::Break(None),
            }
        }
        let Some((header, missing)) = &mut self.current else {
            return ControlFlow::Break(None);
        };
        let Some(rest) = u32::try_from(bytes.len())
            .ok()
            .and_then(|length| missing.checked_sub(length))
        else {
            return ControlFlow::Break(None);
        };
        *missing = rest;
        if rest > 0 {
            return ControlFlow::Continue(());
        }
        let header = *header;
        *self = Self::default();
        ControlFlow::Break(Some(header))
    }
}

#[cfg(test)]
mod tests {
    use super::{Header, Parser, THENS};
    use std::ops::ControlFlow;

    #[test]
    fn requests_are_recognised_however_they_are_cut() {
        for then in THENS {
            let header = Header {
                then,
                request: 5,
                response: 70_000,
            };
            let bytes = [&header.encode()[..], b"hello"].concat();
            for cut in 0..bytes.len() {
                let mut parser = Parser::default();
                assert_eq!(parser.take(&bytes[..cut]), ControlFlow::Continue(()));
                assert_eq!(parser.take(&bytes[cut..]), ControlFlow::Break(Some(header)));
            }
        }
    }

    #[test]
    fn other_bytes_are_not_a_request() {
        assert_eq!(
            Parser::default().take(b"GET / HTTP/1.1"),
            ControlFlow::Break(None)
        );
        let header = Header {
            then: THENS[0],
            request: 1,
            response: 1,
        };
        assert_eq!(
            Parser::default().take(&[&header.encode()[..], b"xx"].concat()),
            ControlFlow::Break(None)
        );
    }
}
