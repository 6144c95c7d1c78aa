//! Where the picture is shown: a terminal, in which it is drawn anew in place, or anything else, which gets it from time
//! to time as plain text.

use std::io::{IsTerminal as _, Write as _, stdout};
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::frame::Scene;
use super::text::Line;

/// Another screen, so that the user's is as it was afterwards; and no cursor.
const ENTER: &str = "\x1b[?1049h\x1b[?25l";
const LEAVE: &str = "\x1b[?25h\x1b[?1049l";

/// Bounds of the time between two pictures in plain text, which is a twelfth of the demo.
const PLAIN_EVERY: (Duration, Duration) = (Duration::from_secs(3), Duration::from_secs(5));

/// Columns of plain text, and of terminals that do not tell.
const USUAL_WIDTH: usize = 80;

/// Rows of terminals that do not tell.
const USUAL_HEIGHT: usize = 24;

/// Where the picture is shown. Dropping it restores the terminal.
pub(super) enum Screen {
    /// Drawn in place.
    Terminal {
        /// Whether colours are wanted.
        colours: bool,
    },
    /// Written one after the other.
    Plain {
        /// When the next picture is due, once there was one.
        next: Option<Duration>,
    },
}

impl Screen {
    /// Standard output, in the way that it can show.
    pub(super) fn open() -> Result<Self> {
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb" || term.is_empty());
        if dumb || !stdout().is_terminal() {
            return Ok(Self::Plain { next: None });
        }
        let colours = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let screen = Self::Terminal { colours };
        write(ENTER)?;
        Ok(screen)
    }

    /// Shows the moment, if it is time to.
    pub(super) fn show(&mut self, scene: &Scene<'_>) -> Result<()> {
        match self {
            Self::Terminal { colours } => {
                let (width, height) = size();
                // A character in the last column would leave the cursor on it, for the rest of the line to be cleared.
                write(&redraw(
                    &scene.lines(width.saturating_sub(1)),
                    height,
                    *colours,
                ))
            }
            Self::Plain { next } => {
                let every = (scene.script.total() / 12).clamp(PLAIN_EVERY.0, PLAIN_EVERY.1);
                if scene.now < next.unwrap_or(every) {
                    return Ok(());
                }
                *next = Some(next.unwrap_or(every) + every);
                write(&block(&scene.lines(USUAL_WIDTH)))
            }
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if matches!(self, Self::Terminal { .. }) {
            // A terminal that is gone needs no restoring.
            drop(write(LEAVE));
        }
    }
}

/// Columns and rows of the terminal.
fn size() -> (usize, usize) {
    let told = rustix::termios::tcgetwinsize(stdout());
    let told = told.ok().filter(|size| size.ws_col > 0 && size.ws_row > 0);
    told.map_or((USUAL_WIDTH, USUAL_HEIGHT), |size| {
        (size.ws_col.into(), size.ws_row.into())
    })
}

/// Writes at once, so that no half picture is seen.
fn write(text: &str) -> Result<()> {
    let mut out = stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .context("cannot write to standard output")
}

/// The lines over what is on the screen, as many as there are rows; the last has no line feed, which would scroll.
fn redraw(lines: &[Line], height: usize, colours: bool) -> String {
    let shown = lines.iter().take(height);
    let shown = shown.map(|line| if colours { line.coloured() } else { line.plain() } + "\x1b[K");
    format!("\x1b[H{}\x1b[J", shown.collect::<Vec<_>>().join("\r\n"))
}

/// The lines as plain text, with an empty one behind.
fn block(lines: &[Line]) -> String {
    lines
        .iter()
        .map(|line| line.plain() + "\n")
        .chain(["\n".to_owned()])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::text::Tone;

    fn lines() -> Vec<Line> {
        vec![
            Line::new().add(Tone::Strong, "one"),
            Line::new(),
            Line::new().add(Tone::Over, "██"),
        ]
    }

    #[test]
    fn plain_text_has_no_escape_codes() {
        assert_eq!(block(&lines()), "one\n\n██\n\n");
    }

    #[test]
    fn a_terminal_is_drawn_over_from_its_corner_without_scrolling() {
        assert_eq!(
            redraw(&lines(), 24, false),
            "\x1b[Hone\x1b[K\r\n\x1b[K\r\n██\x1b[K\x1b[J"
        );
        assert_eq!(
            redraw(&lines(), 1, true),
            "\x1b[H\x1b[1mone\x1b[0m\x1b[K\x1b[J"
        );
    }
}
