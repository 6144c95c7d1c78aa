//! Pictures made of characters.

use ratatui_core::style::Style;
use ratatui_core::text::{Line, Span};

use super::styles;
use crate::top::feed::Mark;
use crate::top::feed::told::Bar;

/// Eighths of a character's height, from the bottom.
const HIGH: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
/// Eighths of a character's width, from the left.
const WIDE: [&str; 7] = ["▏", "▎", "▍", "▌", "▋", "▊", "▉"];
/// A backend that gets nothing.
const EMPTY: &str = "·";

/// How high a share stands relative to what it should be: half is as expected, the whole is twice as much and more.
fn height(relative: f64) -> &'static str {
    if relative <= 0.0 {
        return EMPTY;
    }
    HIGH[steps(relative * 4.0, HIGH.len()).saturating_sub(1)]
}

/// The nearest of so many steps.
fn steps(value: f64, most: usize) -> usize {
    (0..most).filter(|step| value >= *step as f64 + 0.5).count()
}

/// A pool in small: a column for each backend.
pub(super) fn pool(bars: &[Bar], room: usize) -> Line<'static> {
    let fits = bars.len() <= room;
    let shown = if fits {
        bars.len()
    } else {
        room.saturating_sub(1)
    };
    let mut line = Line::default();
    for Bar(share, expected, mark) in &bars[..shown] {
        let relative = f64::from(*share) / f64::from(*expected).max(1.0);
        line.push_span(Span::styled(height(relative), styles::bar(*mark)));
    }
    if !fits && room > 0 {
        line.push_span(Span::styled("…", styles::FAINT));
    }
    line
}

/// How a backend's share was over time, relative to what it should be; the latest is on the right, and what is not known is blank.
pub(super) fn trace(
    shares: &[Option<f64>],
    expected: f64,
    room: usize,
    style: Style,
) -> Line<'static> {
    let columns = room.min(shares.len());
    let mut text = " ".repeat(room - columns);
    for column in 0..columns {
        let begin = column * shares.len() / columns;
        let end = ((column + 1) * shares.len() / columns).max(begin + 1);
        let known: Vec<f64> = shares[begin..end].iter().copied().flatten().collect();
        if known.is_empty() {
            text.push(' ');
        } else {
            let mean = known.iter().sum::<f64>() / known.len() as f64;
            text.push_str(height(mean / expected));
        }
    }
    Line::styled(text, style)
}

/// A share against what it should be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gauge {
    pub(super) share: f64,
    pub(super) expected: f64,
    pub(super) tolerance: f64,
    pub(super) mark: Mark,
}

impl Gauge {
    /// The least width of a picture, as a share, in which all of this one is seen.
    pub(super) fn reach(self) -> f64 {
        self.share.max(self.expected * (1.0 + self.tolerance))
    }

    /// The share as a bar, a line where it should end, and a band where it may end; `full` is the share at the right edge.
    pub(super) fn picture(self, full: f64, room: usize) -> Line<'static> {
        let at = |share: f64| share / full.max(f64::MIN_POSITIVE) * room as f64;
        let line_at = column(at(self.expected), room);
        let low = column(at(self.expected * (1.0 - self.tolerance)), room);
        let high = column(at(self.expected * (1.0 + self.tolerance)), room);
        let style = styles::bar(self.mark);
        let mut line = Line::default();
        for place in 0..room {
            let filled = (at(self.share) - place as f64).clamp(0.0, 1.0);
            let eighths = steps(filled * 8.0, 8);
            let span = if place == line_at {
                let shape = if eighths >= 4 { "┃" } else { "│" };
                Span::styled(shape, styles::STRONG)
            } else if eighths > 0 {
                Span::styled(
                    if eighths == 8 {
                        "█"
                    } else {
                        WIDE[eighths - 1]
                    },
                    style,
                )
            } else if (low..=high).contains(&place) {
                Span::styled("░", styles::FAINT)
            } else {
                Span::styled(" ", styles::PLAIN)
            };
            line.push_span(span);
        }
        line
    }
}

/// The column in which a position lies; the last for what is beyond.
fn column(position: f64, room: usize) -> usize {
    (1..room)
        .take_while(|column| *column as f64 <= position)
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(line: &Line<'_>) -> String {
        line.spans
            .iter()
            .map(|span| span.content.as_ref())
            .collect()
    }

    #[test]
    fn half_the_height_is_as_expected() {
        let bars = [
            (200, Mark::None),
            (0, Mark::Cold),
            (100, Mark::Cold),
            (900, Mark::Hot),
            (50, Mark::Cold),
        ]
        .map(|(share, mark)| Bar(share, 200, mark));
        assert_eq!(text(&pool(&bars, 9)), "▄·▂█▁");
        assert_eq!(text(&pool(&bars, 3)), "▄·…");
        assert_eq!(text(&pool(&bars, 0)), "");
    }

    #[test]
    fn a_share_is_drawn_with_its_line_and_its_band() {
        let gauge = |share| Gauge {
            share,
            expected: 0.2,
            tolerance: 0.25,
            mark: Mark::None,
        };
        assert_eq!(
            text(&gauge(0.2).picture(1.0, 40)),
            format!("████████│░░{}", " ".repeat(29))
        );
        assert_eq!(
            text(&gauge(0.08).picture(1.0, 40)),
            format!("███▎  ░░│░░{}", " ".repeat(29))
        );
        assert_eq!(
            text(&gauge(0.5).picture(1.0, 40)),
            format!("████████┃███████████{}", " ".repeat(20))
        );
        assert_eq!(text(&gauge(7.0).picture(1.0, 3)).chars().count(), 3);
        assert_eq!(text(&gauge(f64::NAN).picture(0.0, 3)).chars().count(), 3);
    }

    #[test]
    fn a_trace_ends_with_the_latest() {
        let shares = [Some(0.2), None, Some(0.4), Some(0.1)];
        assert_eq!(text(&trace(&shares, 0.2, 6, styles::BAR)), "  ▄ █▂");
        assert_eq!(text(&trace(&shares, 0.2, 2, styles::BAR)), "▄▅");
        assert_eq!(text(&trace(&[], 0.2, 2, styles::BAR)), "  ");
    }
}
