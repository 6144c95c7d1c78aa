//! Tells the host how the checks go.

use std::io::Write as _;
use std::time::Instant;

use anyhow::{Context as _, Result};

use super::report::{Check, Line, Outcome};

/// Writes one line to the console.
pub(super) fn say(line: &Line) -> Result<()> {
    let text = line.encode()?;
    let mut console = std::io::stdout().lock();
    writeln!(console, "{text}")
        .and_then(|()| console.flush())
        .context("cannot write to the console")
}

/// What was looked at in a check, in words; stays empty if there is nothing to tell.
pub(super) type Note = String;

/// Makes a check and tells the host of it. A check that failed is told in full, and is an error that ends the run: the
/// later ones build on it.
pub(super) fn check<T>(check: Check, work: impl FnOnce(&mut Note) -> Result<T>) -> Result<T> {
    let began = Instant::now();
    let mut note = Note::new();
    let done = work(&mut note);
    let outcome = match &done {
        Ok(_) => Outcome::Passed(note),
        Err(error) => Outcome::Failed(format!("{error:#}")),
    };
    say(&Line::Ended {
        check,
        took: began.elapsed(),
        outcome,
    })?;
    done.with_context(|| format!("{check}"))
}
