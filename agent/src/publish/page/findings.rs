//! What was found, as the page says it: verdicts in words, and marks at backends.

use std::fmt::{self, Display, Formatter, Write};

use super::html::Text;
use crate::model::{BackendState, PoolState, Side, Signal, Verdict, explanation};

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

/// The signal in which a pool is worst, if its shares are skewed in any.
pub(super) fn skewed_in(pool: &PoolState) -> Option<Signal> {
    let shares = [Signal::Opened, Signal::Active, Signal::Bytes];
    shares.into_iter().find(|signal| {
        let judgement = pool.signals.get(*signal).judgement;
        judgement.is_some_and(|found| found.verdict == Verdict::Skewed)
    })
}

/// The mark of a backend in a signal, or else whether connections to it fail.
pub(super) fn side(backend: &BackendState, signal: Signal) -> Option<(Signal, Side)> {
    [signal, Signal::Failed]
        .into_iter()
        .find_map(|signal| Some((signal, (*backend.skewed.get(signal))?)))
}
