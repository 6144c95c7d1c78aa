//! What a pool was found to be, over time, in bounded memory.

use std::time::{Duration, SystemTime};

use crate::model::{PerVerdict, Verdict};

/// Cells that a line has at most; beyond that two become one.
const MOST: usize = 512;

/// The verdicts and the max/mean of a pool over time.
#[derive(Clone, Debug, PartialEq)]
pub struct Timeline {
    start: Option<SystemTime>,
    /// How long a cell is.
    width: Duration,
    cells: Vec<Cell>,
}

/// A stretch of time, in ticks.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Cell {
    verdicts: PerVerdict<u32>,
    /// The sum of max/mean over the ticks that have one, and how many these are.
    max_to_mean: (f64, u32),
}

/// A stretch of time as it is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Column {
    /// `skewed` if the pool was so at any time, otherwise what it was most of the time; `None` if there was no tick.
    pub verdict: Option<Verdict>,
    /// The mean of max/mean over the stretch; `None` without traffic.
    pub max_to_mean: Option<f64>,
}

impl Timeline {
    /// An empty line of ticks that are `interval` apart.
    pub(super) fn new(interval: Duration) -> Self {
        Self {
            start: None,
            width: interval.max(Duration::from_millis(1)),
            cells: Vec::new(),
        }
    }

    /// Adds a tick. Time may pass in jumps, but not go back before the first tick.
    pub(super) fn add(&mut self, time: SystemTime, verdict: Verdict, max_to_mean: Option<f64>) {
        let start = *self.start.get_or_insert(time);
        let since = time.duration_since(start).unwrap_or_default();
        while self.place(since) >= MOST {
            self.halve();
        }
        let place = self.place(since);
        if place >= self.cells.len() {
            self.cells.resize(place + 1, Cell::default());
        }
        let cell = &mut self.cells[place];
        *cell.verdicts.get_mut(verdict) += 1;
        if let Some(ratio) = max_to_mean {
            cell.max_to_mean.0 += ratio;
            cell.max_to_mean.1 += 1;
        }
    }

    fn place(&self, since: Duration) -> usize {
        usize::try_from(since.as_nanos() / self.width.as_nanos()).unwrap_or(usize::MAX)
    }

    /// Makes one cell of each two.
    fn halve(&mut self) {
        self.width *= 2;
        let pairs = self.cells.chunks(2);
        self.cells = pairs
            .map(|pair| pair.iter().fold(Cell::default(), Cell::and))
            .collect();
    }

    /// The line between two moments in so many columns of equal length.
    pub fn columns(&self, from: SystemTime, to: SystemTime, count: usize) -> Vec<Column> {
        let length = to.duration_since(from).unwrap_or_default();
        let edge = |column: usize| from + length.mul_f64(column as f64 / count.max(1) as f64);
        (0..count)
            .map(|column| self.between(edge(column), edge(column + 1)))
            .collect()
    }

    /// The cells that begin in a stretch of time, or the one that the stretch is within.
    fn between(&self, from: SystemTime, to: SystemTime) -> Column {
        let Some(start) = self.start else {
            return Column::default();
        };
        let Ok(end) = to.duration_since(start) else {
            return Column::default();
        };
        let first = from
            .duration_since(start)
            .map_or(0, |since| self.place(since));
        let last = self.place(end).max(first + 1);
        let cells = self.cells.iter().take(last).skip(first);
        cells.fold(Cell::default(), Cell::and).column()
    }
}

impl Cell {
    fn and(mut self, other: &Self) -> Self {
        for verdict in Verdict::ALL {
            *self.verdicts.get_mut(verdict) += other.verdicts.get(verdict);
        }
        self.max_to_mean.0 += other.max_to_mean.0;
        self.max_to_mean.1 += other.max_to_mean.1;
        self
    }

    fn column(self) -> Column {
        let ticks = |verdict: &Verdict| *self.verdicts.get(*verdict);
        let met = Verdict::ALL
            .into_iter()
            .filter(|verdict| ticks(verdict) > 0);
        let verdict = if self.verdicts.skewed > 0 {
            Some(Verdict::Skewed)
        } else {
            met.max_by_key(ticks)
        };
        let (sum, count) = self.max_to_mean;
        Column {
            verdict,
            max_to_mean: (count > 0).then(|| sum / f64::from(count)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn at(second: u32) -> SystemTime {
        SystemTime::UNIX_EPOCH + SECOND * second
    }

    #[test]
    fn a_long_line_keeps_its_size_and_a_short_skew_is_not_lost() {
        let mut line = Timeline::new(SECOND);
        for second in 0..100_000 {
            let verdict = match second {
                70_000 => Verdict::Skewed,
                0..50_000 => Verdict::Unknown,
                _ => Verdict::Even,
            };
            line.add(at(second), verdict, Some(1.5));
        }
        assert!(line.cells.len() <= MOST);
        let columns = line.columns(at(0), at(100_000), 10);
        let verdicts: Vec<_> = columns.iter().filter_map(|column| column.verdict).collect();
        let mut expected = [Verdict::Unknown; 10];
        expected[5..].fill(Verdict::Even);
        expected[7] = Verdict::Skewed;
        assert_eq!(verdicts, expected);
        assert!(
            columns
                .iter()
                .all(|column| column.max_to_mean.is_some_and(|x| (x - 1.5).abs() < 1e-9))
        );
    }

    #[test]
    fn a_gap_is_empty_and_a_short_line_fills_its_columns() {
        let mut line = Timeline::new(SECOND);
        line.add(at(0), Verdict::Even, None);
        line.add(at(9), Verdict::Suspect, None);
        let verdicts: Vec<_> = line
            .columns(at(0), at(10), 5)
            .iter()
            .map(|column| column.verdict)
            .collect();
        let (even, suspect) = (Some(Verdict::Even), Some(Verdict::Suspect));
        assert_eq!(verdicts, [even, None, None, None, suspect]);
        let doubled = line.columns(at(0), at(10), 20);
        assert_eq!((doubled[0].verdict, doubled[1].verdict), (even, even));
        assert_eq!(line.columns(at(20), at(30), 1), [Column::default()]);
    }
}
