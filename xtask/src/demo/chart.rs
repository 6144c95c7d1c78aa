//! Bars and curves made of characters.

use std::time::Duration;

use super::text::{Line, Tone};

/// Eighths of a character's width, from the left.
const EIGHTHS_WIDE: [&str; 9] = [" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"];

/// Eighths of a character's height, from the bottom. Even the lowest is seen.
const EIGHTHS_HIGH: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/// A bar of `share` with a mark at `expected`, in `width` columns that stand for `full`. What goes beyond the mark has
/// another tone.
pub(super) fn bar(share: f64, expected: f64, full: f64, width: usize) -> Line {
    let mark = column(expected / full, width);
    (0..width).fold(Line::new(), |line, number| {
        let filled = (share / full * width as f64 - number as f64).clamp(0.0, 1.0);
        if number == mark {
            let upon_bar = filled >= 0.5;
            return line.add(if upon_bar { Tone::Mark } else { Tone::Faint }, "│");
        }
        let tone = if number < mark {
            Tone::Within
        } else {
            Tone::Over
        };
        line.add(tone, EIGHTHS_WIDE[nearest(filled, 8)])
    })
}

/// A point of a curve.
#[derive(Clone, Copy, Debug)]
pub(super) struct Point {
    pub(super) at: Duration,
    /// 0 is the lowest, 1 the highest that is drawn.
    pub(super) height: f64,
    pub(super) tone: Tone,
}

/// A curve in `width` columns that stand for `total`, up to the last point. Each column shows the highest of its points;
/// one that has none goes on as the column before, and the first ones as the first point.
pub(super) fn curve(points: &[Point], total: Duration, width: usize) -> Line {
    let place = |point: &Point| column(point.at.div_duration_f64(total), width);
    let end = points.last().map_or(0, |last| place(last) + 1);
    let mut line = Line::new();
    let mut before = points.first();
    for number in 0..end.min(width) {
        let here = points.iter().filter(|point| place(point) == number);
        let highest = here
            .max_by(|one, other| one.height.total_cmp(&other.height))
            .or(before);
        line = match highest {
            Some(point) => line.add(point.tone, EIGHTHS_HIGH[nearest(point.height, 7)]),
            None => line.add(Tone::Plain, " "),
        };
        before = highest;
    }
    line
}

/// The column in which a part of `width` columns ends: the first is 0, and `width` is behind the last.
pub(super) fn column(part: f64, width: usize) -> usize {
    let position = part * width as f64;
    (1..=width)
        .take_while(|column| *column as f64 <= position)
        .count()
}

/// Which of `steps` steps, beside 0, a part of 1 is next to.
fn nearest(part: f64, steps: u8) -> usize {
    (0..steps)
        .filter(|step| part * f64::from(steps) >= f64::from(*step) + 0.5)
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_its_share_and_marked_where_it_should_end() {
        assert_eq!(bar(0.1, 0.2, 1.0, 20).plain(), "██  │");
        assert_eq!(bar(0.2, 0.2, 1.0, 20).plain(), "████│");
        assert_eq!(bar(0.5, 0.2, 1.0, 20).plain(), "████│█████");
        assert_eq!(bar(0.131, 0.2, 1.0, 20).plain(), "██▋ │");
        assert_eq!(bar(7.0, 0.2, 1.0, 20).width(), 20);
        assert_eq!(bar(0.0, 0.2, 1.0, 20).plain(), "    │");
    }

    #[test]
    fn only_what_is_beyond_the_mark_is_over() {
        let bar = bar(0.5, 0.2, 1.0, 20);
        let tones: Vec<_> = bar
            .spans
            .iter()
            .map(|span| (span.tone, span.text.chars().count()))
            .collect();
        assert_eq!(
            tones,
            [(Tone::Within, 4), (Tone::Mark, 1), (Tone::Over, 15)]
        );
    }

    #[test]
    fn a_curve_shows_the_highest_of_each_column_up_to_now() {
        let point = |second, height| Point {
            at: Duration::from_secs(second),
            height,
            tone: Tone::Within,
        };
        let points = [point(1, 0.0), point(2, 0.2), point(3, 1.0), point(8, 0.5)];
        assert_eq!(curve(&points, Duration::from_secs(20), 10).plain(), "▁███▅");
        assert_eq!(curve(&[], Duration::from_secs(20), 10).plain(), "");
    }
}
