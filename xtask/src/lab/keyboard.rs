//! Lines that the trainee types, without missing Ctrl-C, the end of input, or the end of the time.

use std::io::{BufRead as _, BufReader, Read};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::stop::Stop;

/// How long a trainee may take: traffic shall not run for ever on a machine that somebody has left.
const LIMIT: Duration = Duration::from_secs(60 * 60);

/// Time between two looks at whether somebody wants the end.
const NAP: Duration = Duration::from_millis(50);

/// What comes from the trainee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// A line, without blanks around it.
    Line(String),
    /// There is no more input.
    Nothing,
    /// The time is over.
    TooLate,
}

/// Where lines come from.
pub(super) trait Trainee {
    /// The next line. An error ends the session.
    fn listen(&mut self) -> Result<Said>;
}

/// Standard input.
pub(super) struct Keyboard<'a> {
    lines: Receiver<String>,
    until: Instant,
    stop: &'a Stop,
}

impl<'a> Keyboard<'a> {
    /// Reads from `input` on a thread of its own, which ends with this program at the latest: reading cannot be interrupted.
    pub(super) fn open(input: impl Read + Send + 'static, stop: &'a Stop) -> Result<Self> {
        let (sender, lines) = channel();
        let read = move || {
            for line in BufReader::new(input).lines() {
                let Ok(line) = line else { break };
                if sender.send(line).is_err() {
                    break;
                }
            }
        };
        let builder = std::thread::Builder::new().name("keyboard".to_owned());
        builder.spawn(read).context("cannot read standard input")?;
        Ok(Self {
            lines,
            until: Instant::now() + LIMIT,
            stop,
        })
    }
}

impl Trainee for Keyboard<'_> {
    fn listen(&mut self) -> Result<Said> {
        loop {
            self.stop.check()?;
            match self.lines.recv_timeout(NAP) {
                Ok(line) => return Ok(Said::Line(line.trim().to_owned())),
                Err(RecvTimeoutError::Disconnected) => return Ok(Said::Nothing),
                Err(RecvTimeoutError::Timeout) if Instant::now() > self.until => {
                    return Ok(Said::TooLate);
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }
}
