//! What was found, as the page says it: verdicts in words, and marks at backends.

use std::fmt::{self, Display, Formatter, Write};

use super::html::Text;
use crate::model::{PoolState, Side, Signal, Verdict, explanation};

/// A mark that can be told without colours: up for too much, down for too little.
pub(super) struct Mark(pub(super) Side);

impl Display for Mark {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Side::Hot => "<b class=\"mark hot\">▲ hot</b>",
            Side::Cold => "<b class=\"mark cold\">▼ cold</b>",
        })
    }
}

/// What is shared, in two words.
pub(super) fn of(signal: Signal) -> &'static str {
    match signal {
        Signal::Opened => "of connections",
        Signal::Active => "of open connections",
        Signal::Bytes => "of bytes",
        Signal::Failed => "of its attempts fail",
    }
}

/// Writes the cell with a pool's verdict and what it means.
pub(super) fn write_verdict(out: &mut impl Write, pool: &PoolState) -> fmt::Result {
    let verdict = pool.verdict;
    write!(
        out,
        "<td class=\"verdict\"><b class=\"{verdict}\">{verdict}</b> <small>{}</small></td>",
        Text(&explanation(pool))
    )
}

/// How bad a verdict is: the worst first.
pub(super) fn rank(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Skewed => 0,
        Verdict::Suspect => 1,
        Verdict::Unknown => 2,
        Verdict::Even => 3,
    }
}
