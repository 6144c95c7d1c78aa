//! What standard output is: how wide, and whether it shows colours.

use std::io::{self, IsTerminal as _};

/// How wide text is that nobody looks at on a terminal.
const USUAL: usize = 100;
/// What a narrow terminal gets all the same, and what a wide one has no use for.
const LIMITS: (usize, usize) = (40, 200);

/// How text is to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Terminal {
    /// Characters in a line.
    pub(super) width: usize,
    /// Whether colours are shown.
    pub(super) colour: bool,
}

impl Terminal {
    /// The one at standard output: colour only on a terminal, and not if `NO_COLOR` or `TERM=dumb` forbids it.
    pub(super) fn of_stdout() -> Self {
        let width = rustix::termios::tcgetwinsize(io::stdout())
            .map(|size| usize::from(size.ws_col))
            .ok()
            .filter(|width| *width > 0);
        Self {
            width: width.map_or(USUAL, |width| width.clamp(LIMITS.0, LIMITS.1)),
            colour: io::stdout().is_terminal() && colours_are_wanted(),
        }
    }
}

/// Whether nobody forbids colours.
pub(super) fn colours_are_wanted() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}
