//! Server-sent events out of bytes: <https://html.spec.whatwg.org/multipage/server-sent-events.html>, as far as the agent uses them.

use super::told::{History, Incidents, Late, PoolEvent, Pools, Status};

/// The largest event that is taken, in bytes: a pool with a hundred thousand backends fits.
const LARGEST: usize = 128 << 20;

/// What came.
#[derive(Debug)]
pub(crate) enum Event {
    Pools(Pools),
    Pool(Box<PoolEvent>),
    History(History),
    Incidents(Incidents),
    Status(Box<Status>),
    Late(Late),
}

/// Bytes that are no events of an agent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EventError {
    #[error("its event {name:?} is not understood: {error}")]
    Data {
        name: String,
        error: serde_json::Error,
    },
    #[error("it sends an event larger than {} MiB", LARGEST >> 20)]
    TooLarge,
}

/// Puts events together from the pieces in which they come.
#[derive(Debug, Default)]
pub(super) struct Parser {
    /// What is not yet an event.
    rest: Vec<u8>,
    /// How much of `rest` holds no end of an event.
    seen: usize,
}

impl Parser {
    /// Takes bytes, and gives the events that they complete. Events of unknown names are left out.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<Vec<Event>, EventError> {
        self.rest.extend_from_slice(bytes);
        let mut events = Vec::new();
        let mut begin = 0;
        while let Some(length) = end(&self.rest[begin.max(self.seen)..]) {
            let end = begin.max(self.seen) + length;
            events.extend(parse(&self.rest[begin..end])?);
            begin = end;
            self.seen = end;
        }
        self.rest.drain(..begin);
        // The end may be half there.
        self.seen = self.rest.len().saturating_sub(1);
        if self.rest.len() > LARGEST {
            return Err(EventError::TooLarge);
        }
        Ok(events)
    }
}

/// How many bytes there are up to and with the empty line that ends an event.
fn end(bytes: &[u8]) -> Option<usize> {
    let found = bytes.windows(2).position(|two| two == b"\n\n");
    found.map(|place| place + 2)
}

fn parse(lines: &[u8]) -> Result<Option<Event>, EventError> {
    let (mut name, mut data) = (String::new(), &b""[..]);
    for line in lines.split(|byte| *byte == b'\n') {
        if let Some(value) = line.strip_prefix(b"event: ") {
            name = String::from_utf8_lossy(value).into_owned();
        } else if let Some(value) = line.strip_prefix(b"data: ") {
            data = value;
        }
    }
    let event = match name.as_str() {
        "pools" => serde_json::from_slice(data).map(Event::Pools),
        "pool" => serde_json::from_slice(data).map(Event::Pool),
        "history" => serde_json::from_slice(data).map(Event::History),
        "incidents" => serde_json::from_slice(data).map(Event::Incidents),
        "status" => serde_json::from_slice(data).map(Event::Status),
        "late" => serde_json::from_slice(data).map(Event::Late),
        _ => return Ok(None),
    };
    event
        .map(Some)
        .map_err(|error| EventError::Data { name, error })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_in_pieces_of_any_size() {
        let text = b"retry: 2000\nevent: late\ndata: {\"age_seconds\":7.5}\n\nevent: news\ndata: {}\n\n\
                     event: incidents\ndata: {\"taken\":\"2026-03-14T09:31:22Z\",\"incidents\":[]}\n\n";
        for size in 1..text.len() {
            let mut parser = Parser::default();
            let mut events = Vec::new();
            for piece in text.chunks(size) {
                events.extend(parser.take(piece).unwrap());
            }
            let [Event::Late(late), Event::Incidents(_)] = events.as_slice() else {
                panic!("{size}: {events:?}");
            };
            assert_eq!(late.age(), std::time::Duration::from_millis(7500));
        }
    }

    #[test]
    fn what_is_no_event_is_named() {
        let mut parser = Parser::default();
        let error = parser.take(b"event: late\ndata: soon\n\n").unwrap_err();
        assert!(error.to_string().contains("\"late\""), "{error}");
    }
}
