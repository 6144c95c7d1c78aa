//! The part of the picture that shows the measures: values, what chance would make of them, and curves over time.

use std::time::Duration;

use super::chart::{Point, column, curve};
use super::frame::Scene;
use super::phase::Phase;
use super::reading::{Gauge, Kind};
use super::text::{Line, Tone};

/// What is drawn; the summary has all.
const SHOWN: [Kind; 2] = [Kind::MaxToMean, Kind::Gini];

/// The column where a measure's value ends.
const NOW: usize = 25;

/// Columns to the left of the curves, for a measure's name and values.
const VALUES: usize = 40;

/// Curves are drawn as if this many times what chance does were the least height, lest noise look like news.
const LEAST_HEIGHT: f64 = 5.0;

impl Scene<'_> {
    /// A row for each measure, and one for the phases below their curves.
    pub(super) fn measures(&self, width: usize) -> Vec<Line> {
        let head = Line::new()
            .add(Tone::Faint, "  measure")
            .add_up_to(NOW, Tone::Faint, "now");
        let mut lines = vec![head.add_up_to(VALUES - 3, Tone::Faint, "by chance")];
        let room = width.saturating_sub(VALUES);
        for kind in SHOWN {
            let mut line = Line::new().add(Tone::Plain, format!("  {}", kind.name()));
            let measures = self.history.latest().and_then(|reading| reading.measures);
            if let Some(gauge) = measures.map(|measures| measures.gauge(kind)) {
                let (tone, arrow) = if gauge.beyond_chance() {
                    (Tone::Alarm, " ▲")
                } else {
                    (Tone::Plain, "")
                };
                line = line
                    .add_up_to(NOW, tone, &kind.text(gauge.now))
                    .add(tone, arrow);
                line = line.add_up_to(VALUES - 3, Tone::Faint, &kind.text(gauge.by_chance));
            }
            lines.push(line.pad(VALUES).join(self.curve(kind, room)));
        }
        lines.push(self.phases(room));
        lines
    }

    fn curve(&self, kind: Kind, room: usize) -> Line {
        let gauges: Vec<(Duration, Gauge)> = self.history.gauges(kind).collect();
        // What chance does is large while there are few connections; that counts from when the window is full.
        let chance = gauges
            .last()
            .map_or(0.0, |(_, gauge)| gauge.excess_by_chance());
        let shown = |gauge: &Gauge| {
            if gauge.beyond_chance() {
                gauge.excess()
            } else {
                gauge.excess().min(chance)
            }
        };
        let highest = gauges
            .iter()
            .map(|(_, gauge)| shown(gauge))
            .fold(LEAST_HEIGHT * chance, f64::max);
        let point = |(at, gauge): &(Duration, Gauge)| Point {
            at: *at,
            height: shown(gauge) / highest.max(f64::MIN_POSITIVE),
            tone: if gauge.beyond_chance() {
                Tone::Over
            } else {
                Tone::Within
            },
        };
        let points: Vec<Point> = gauges.iter().map(point).collect();
        curve(&points, self.script.total(), room)
    }

    /// The names of the phases where they begin on the curves.
    fn phases(&self, room: usize) -> Line {
        Phase::ALL.into_iter().fold(Line::new(), |line, phase| {
            let begin = self.script.begin(phase);
            let start = column(begin.div_duration_f64(self.script.total()), room);
            line.pad(VALUES + start)
                .add(Tone::Faint, format!("└{}", phase.name()))
        })
    }
}
