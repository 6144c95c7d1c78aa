//! The picture of one moment: what was done, how the backends share the connections, and what the measures say.

use std::time::Duration;

use super::agent::POOL;
use super::chart::bar;
use super::finding::Side;
use super::history::History;
use super::phase::{Phase, Script, clock};
use super::reading::Reading;
use super::stage::HOT;
use super::text::{Line, Tone};

/// The share that a bar of full length stands for: a little more than the wrong weight gives, 8 of 12.
const FULL_SHARE: f64 = 0.75;

/// Columns of a backend's address.
const NAMES: usize = 17;

/// Columns to the right of the bars, for share, rate and active connections.
const FIGURES: usize = 27;

/// Bounds of the picture's width: narrower it would not be read, wider it falls apart.
const WIDTHS: (usize, usize) = (64, 120);

/// A moment of the demo.
#[derive(Clone, Copy)]
pub(super) struct Scene<'a> {
    pub(super) script: &'a Script,
    pub(super) history: &'a History,
    pub(super) now: Duration,
    /// The address of the agent's page.
    pub(super) page: &'a str,
}

impl Scene<'_> {
    /// The picture for a terminal of that width: 24 lines.
    pub(super) fn lines(&self, width: usize) -> Vec<Line> {
        let wide = width.clamp(WIDTHS.0, WIDTHS.1);
        let mut lines = vec![self.title(wide)];
        lines.extend(self.story());
        lines.push(Line::new());
        lines.extend(self.backends(wide));
        lines.push(Line::new());
        lines.extend(self.measures(wide));
        lines.push(Line::new());
        lines.extend(self.verdict(wide));
        lines.push(self.footer(wide));
        lines.iter().map(|line| line.clip(width)).collect()
    }

    fn title(&self, width: usize) -> Line {
        let time = format!("{} of {}", clock(self.now), clock(self.script.total()));
        Line::new()
            .add(Tone::Strong, "  evenkeel demo")
            .add(
                Tone::Faint,
                format!("   pool {POOL}: nginx before five backends"),
            )
            .add_up_to(width, Tone::Strong, &time)
    }

    /// What was done and what comes.
    fn story(&self) -> impl Iterator<Item = Line> {
        Phase::ALL.into_iter().map(|phase| {
            let line = Line::new();
            let hot = self
                .history
                .latest()
                .and_then(|reading| reading.loads.get(HOT));
            let (Some(at), Some(hot)) = (self.history.entered(phase), hot) else {
                let at = clock(self.script.begin(phase));
                return line.add(Tone::Faint, format!("  {at}  {}", phase.plan()));
            };
            let text = format!("{}  {}", clock(at), phase.story(hot.address));
            let current = self.history.phase() == Some(phase);
            let (mark, tone) = if current {
                ("▶ ", Tone::Strong)
            } else {
                ("  ", Tone::Plain)
            };
            line.add(tone, mark).add(tone, text)
        })
    }

    /// A row for each backend.
    fn backends(&self, width: usize) -> Vec<Line> {
        let room = width.saturating_sub(2 + NAMES + FIGURES);
        let window = format!(
            "share of new connections, last {} s",
            self.script.window().as_secs()
        );
        let head = Line::new()
            .add(Tone::Faint, "  backend")
            .pad(2 + NAMES)
            .add(Tone::Faint, window);
        let mut lines = vec![
            head.add_up_to(width - 8, Tone::Faint, "opened/s")
                .add_up_to(width, Tone::Faint, "active"),
        ];
        let Some(reading) = self.history.latest() else {
            return lines;
        };
        let rates = self.history.rates(reading);
        for (number, load) in reading.loads.iter().enumerate() {
            let share = load.share.unwrap_or_default();
            let line = Line::new()
                .add(Tone::Plain, format!("  {}", load.address))
                .pad(2 + NAMES);
            let line = line.join(bar(share, load.expected, FULL_SHARE, room));
            let part = load.share.map_or_else(|| "-".to_owned(), percent);
            let (tone, mark) = match load.side {
                Some(Side::Hot) => (Tone::Alarm, " ▲"),
                Some(Side::Cold) => (Tone::Calm, " ▼"),
                None => (Tone::Plain, ""),
            };
            let line = line.add_up_to(width - 18, tone, &part).add(tone, mark);
            let rate = rates.as_ref().and_then(|rates| rates.get(number));
            lines.push(figures(line, width, rate.copied(), load.active));
        }
        lines.push(self.total(reading, width));
        lines
    }

    /// The row of the whole pool: what a graph of its traffic would show.
    fn total(&self, reading: &Reading, width: usize) -> Line {
        let line = Line::new().add(Tone::Faint, "  all five").pad(2 + NAMES);
        let line = line.add(Tone::Faint, "│ is the expected share, 20 %");
        let rate = self.history.rates(reading).map(|rates| rates.iter().sum());
        figures(
            line,
            width,
            rate,
            reading.loads.iter().map(|load| load.active).sum(),
        )
    }

    fn footer(&self, width: usize) -> Line {
        let line = Line::new()
            .add(Tone::Faint, "  page ")
            .add(Tone::Link, self.page);
        line.add_up_to(width, Tone::Faint, "Ctrl-C ends and cleans up")
    }
}

fn figures(line: Line, width: usize, rate: Option<f64>, active: u64) -> Line {
    let rate = rate.map_or_else(|| "-".to_owned(), |rate| format!("{rate:.0}"));
    line.add_up_to(width - 8, Tone::Plain, &rate)
        .add_up_to(width, Tone::Plain, &active.to_string())
}

/// A share as it is shown.
pub(super) fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::history::tests::minute;

    fn picture(seconds: u64, width: usize) -> Vec<Line> {
        let script = Script::lasting(Duration::from_secs(60));
        let history = minute(seconds);
        let now = Duration::from_secs(seconds);
        Scene {
            script: &script,
            history: &history,
            now,
            page: "http://127.0.0.1:9797/",
        }
        .lines(width)
    }

    fn text(lines: &[Line]) -> String {
        lines.iter().map(|line| line.plain() + "\n").collect()
    }

    #[test]
    fn even_traffic() {
        assert_eq!(text(&picture(10, 80)), include_str!("even.txt"));
    }

    #[test]
    fn a_wrong_weight() {
        assert_eq!(text(&picture(40, 80)), include_str!("wrong.txt"));
    }

    #[test]
    fn every_terminal_gets_lines_that_fit() {
        for width in [1, 20, 64, 80, 120, 300] {
            for seconds in [0, 10, 40, 60] {
                let lines = picture(seconds, width);
                assert_eq!(lines.len(), 24, "{width} columns at {seconds} s");
                assert!(
                    lines.iter().all(|line| line.width() <= width),
                    "{width} columns at {seconds} s"
                );
            }
        }
    }

    #[test]
    fn before_the_first_tick_there_is_a_picture_too() {
        let script = Script::lasting(Duration::from_secs(60));
        let history = History::default();
        let scene = Scene {
            script: &script,
            history: &history,
            now: Duration::ZERO,
            page: "http://127.0.0.1:9797/",
        };
        assert!(text(&scene.lines(80)).contains("  The first connections are on their way."));
    }
}
