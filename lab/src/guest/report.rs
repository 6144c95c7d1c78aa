//! What a virtual machine says on its console, one line each: written by its init, read by the host that started it.

use std::fmt;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

/// What every line for the host contains; what follows is JSON. The kernel's own messages share the console.
const MARK: &str = "evenkeel-guest: ";

/// What is checked in every virtual machine, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// `evenkeel doctor` finds everything that the agent can use.
    Doctor,
    /// Connections older than the agent are active from the first tick, and never opened.
    Older,
    /// Bytes of connections that stay open appear while they do.
    OpenBytes,
    /// Short connections are counted exactly, however they end and over whichever address family.
    Traffic,
    /// Connections that end with their process, and older ones that close, leave nothing behind.
    Closing,
    /// The agent follows SIGTERM and leaves nothing in the kernel.
    Terminated,
    /// The agent learns endpoints that nobody configured.
    Learned,
    /// The agent leaves nothing in the kernel when it is killed.
    Killed,
    /// Without the kernel's type information the agent says so, and counts exactly at close.
    AtClose,
    /// The kernel itself has nothing to complain of.
    Untainted,
}

impl Check {
    /// All of them, in order.
    pub const ALL: [Self; 10] = [
        Self::Doctor,
        Self::Older,
        Self::OpenBytes,
        Self::Traffic,
        Self::Closing,
        Self::Terminated,
        Self::Learned,
        Self::Killed,
        Self::AtClose,
        Self::Untainted,
    ];
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Doctor => "doctor",
            Self::Older => "older connections",
            Self::OpenBytes => "bytes while open",
            Self::Traffic => "traffic",
            Self::Closing => "closing",
            Self::Terminated => "SIGTERM",
            Self::Learned => "learning",
            Self::Killed => "SIGKILL",
            Self::AtClose => "without BTF",
            Self::Untainted => "kernel untainted",
        })
    }
}

/// A line for the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// A check has ended.
    Ended {
        /// Which.
        check: Check,
        /// How long it took.
        took: Duration,
        /// What was found, or what is wrong.
        outcome: Outcome,
    },
    /// The last line: the machine is about to turn itself off.
    Verdict {
        /// Why the machine gave up, if it did.
        error: Option<String>,
    },
}

/// What came of a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It held; in words, what was looked at.
    Passed(String),
    /// It did not, or could not be made.
    Failed(String),
}

impl Line {
    /// The line as text, without its end.
    pub fn encode(&self) -> Result<String> {
        let json = serde_json::to_string(self).context("a line for the host cannot be written")?;
        Ok(format!("{MARK}{json}"))
    }

    /// Reads a line of the console; none if it is not for the host.
    pub fn decode(console: &str) -> Result<Option<Self>> {
        let Some((_, json)) = console.split_once(MARK) else {
            return Ok(None);
        };
        let line = serde_json::from_str(json.trim());
        line.map(Some)
            .with_context(|| format!("not a line for the host: {console:?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::{Check, Line, Outcome};
    use std::time::Duration;

    #[test]
    fn lines_survive_the_console() {
        let lines = [
            Line::Ended {
                check: Check::Traffic,
                took: Duration::from_millis(1500),
                outcome: Outcome::Failed("two\nlines, \"quoted\"".to_owned()),
            },
            Line::Verdict { error: None },
        ];
        for line in lines {
            let text = line.encode().unwrap();
            assert!(!text.contains('\n'));
            // Serial lines end in CR LF, and the kernel may have left the cursor behind its last message.
            let console = format!("[    1.2] random: ready {text}\r");
            assert_eq!(Line::decode(&console).unwrap(), Some(line));
        }
    }

    #[test]
    fn the_kernels_messages_are_nobodys_and_torn_lines_are_errors() {
        assert_eq!(Line::decode("[    0.0] Linux version 6.1").unwrap(), None);
        assert!(Line::decode("evenkeel-guest: {\"verdict\":{\"err").is_err());
    }
}
