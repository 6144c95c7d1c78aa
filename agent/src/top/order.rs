//! Which pools are shown, and in what order.

use std::cmp::Ordering;

use clap::ValueEnum;

use super::feed::told::Row;
use super::world::{World, rank};

/// What pools are ordered by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Column {
    /// The worst verdict first, and of these the most uneven.
    #[default]
    Verdict,
    /// By name.
    Name,
    /// The hottest backend's load, relative to its expected share.
    MaxMean,
    /// The Gini coefficient.
    Gini,
    /// New connections per second.
    Opened,
    /// Open connections.
    Active,
    /// How many backends there are.
    Backends,
}

impl Column {
    const ALL: [Self; 7] = [
        Self::Verdict,
        Self::Name,
        Self::MaxMean,
        Self::Gini,
        Self::Opened,
        Self::Active,
        Self::Backends,
    ];
}

/// An order of pools.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sort {
    /// By what.
    pub(crate) by: Column,
    /// The other way round: verdicts and names ascend, figures descend otherwise.
    pub(crate) reversed: bool,
}

impl Sort {
    /// By that column; once more, the other way round.
    pub(super) fn choose(&mut self, column: Column) {
        if self.by == column {
            self.reversed = !self.reversed;
        } else {
            *self = Self {
                by: column,
                reversed: false,
            };
        }
    }

    /// By the column so many further.
    pub(super) fn shift(&mut self, by: isize) {
        let all = Column::ALL.len().cast_signed();
        let now = Column::ALL.iter().position(|column| *column == self.by);
        let next = (now.unwrap_or(0).cast_signed() + by).rem_euclid(all);
        self.by = Column::ALL[next.cast_unsigned()];
        self.reversed = false;
    }

    fn compare(self, one: &Row, other: &Row) -> Ordering {
        let figures = |one: Option<f64>, other: Option<f64>| {
            other.unwrap_or(-1.0).total_cmp(&one.unwrap_or(-1.0))
        };
        let ordering = match self.by {
            Column::Verdict => by_verdict(one, other),
            Column::Name => one.name.cmp(&other.name),
            Column::MaxMean => figures(one.max_to_mean, other.max_to_mean),
            Column::Gini => figures(one.gini, other.gini),
            Column::Opened => other.rate.total_cmp(&one.rate),
            Column::Active => other.active.cmp(&one.active),
            Column::Backends => other.backends.cmp(&one.backends),
        };
        let ordering = if self.reversed {
            ordering.reverse()
        } else {
            ordering
        };
        ordering.then_with(|| one.name.cmp(&other.name))
    }
}

/// As the page has it: pools without traffic are last.
fn by_verdict(one: &Row, other: &Row) -> Ordering {
    let idle = |row: &Row| row.max_to_mean.is_none() && rank(row.verdict) == 2;
    let uneven = |row: &Row| row.max_to_mean.unwrap_or(0.0);
    idle(one)
        .cmp(&idle(other))
        .then(rank(one.verdict).cmp(&rank(other.verdict)))
        .then(uneven(other).total_cmp(&uneven(one)))
}

/// Words that are looked for; all must be found.
#[derive(Clone, Debug, Default)]
pub(super) struct Words(Vec<String>);

impl Words {
    pub(super) fn new(text: &str) -> Self {
        Self(text.split_whitespace().map(str::to_lowercase).collect())
    }

    /// Whether each word is in one of the texts.
    pub(super) fn are_in(&self, texts: &[&str]) -> bool {
        self.0.iter().all(|word| {
            texts
                .iter()
                .any(|text| text.to_lowercase().contains(word.as_str()))
        })
    }
}

/// The pools that have all words of `filter`, in order.
pub(super) fn ordered<'a>(world: &'a World, sort: Sort, filter: &str) -> Vec<&'a Row> {
    let words = Words::new(filter);
    let fits = |row: &&Row| {
        let worst = row.worst.as_ref().map_or("", |worst| &worst.address);
        let (verdict, signal) = (row.verdict.as_str(), row.signal.as_str());
        words.are_in(&[&row.name, &row.role, &row.source, verdict, signal, worst])
    };
    let mut rows: Vec<&Row> = world.rows.values().filter(fits).collect();
    rows.sort_by(|one, other| sort.compare(one, other));
    rows
}
