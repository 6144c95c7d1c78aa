//! What the backends of a pool did in each bucket of a window, in little memory.
//!
//! A cell takes twelve bytes as long as its numbers fit: up to 65,535 connections and 2^48 bytes in a bucket. The first
//! number of a pool that does not fit gives the whole pool cells of twice that size.

use super::window::Sample;

/// What a backend did within one bucket. Numbers that do not fit are cut off: four thousand million connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cell {
    /// Payload bytes, both directions.
    pub(super) bytes: u64,
    /// Connections established.
    pub(super) opened: u32,
    /// Connection attempts failed.
    pub(super) failed: u32,
    /// Open connections, summed over the ticks.
    pub(super) active: u32,
}

impl Cell {
    /// Adds what fits, and gives what was added.
    pub(super) fn add(&mut self, sample: Sample) -> Sample {
        let before = *self;
        let fit = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        self.bytes = before.bytes.saturating_add(sample.bytes);
        self.opened = before.opened.saturating_add(fit(sample.opened));
        self.failed = before.failed.saturating_add(fit(sample.failed));
        self.active = before.active.saturating_add(fit(sample.active));
        Sample {
            bytes: self.bytes - before.bytes,
            opened: u64::from(self.opened - before.opened),
            failed: u64::from(self.failed - before.failed),
            active: u64::from(self.active - before.active),
        }
    }
}

/// A [`Cell`] of small numbers.
#[derive(Clone, Copy, Debug, Default)]
struct Narrow {
    bytes_low: u32,
    bytes_high: u16,
    opened: u16,
    failed: u16,
    active: u16,
}

impl Narrow {
    /// `None` if a number does not fit.
    fn new(cell: Cell) -> Option<Self> {
        Some(Self {
            bytes_low: u32::try_from(cell.bytes & u64::from(u32::MAX)).ok()?,
            bytes_high: u16::try_from(cell.bytes >> 32).ok()?,
            opened: u16::try_from(cell.opened).ok()?,
            failed: u16::try_from(cell.failed).ok()?,
            active: u16::try_from(cell.active).ok()?,
        })
    }

    fn cell(self) -> Cell {
        Cell {
            bytes: u64::from(self.bytes_high) << 32 | u64::from(self.bytes_low),
            opened: self.opened.into(),
            failed: self.failed.into(),
            active: self.active.into(),
        }
    }
}

/// The cells of a window, by place.
#[derive(Clone, Debug)]
pub(super) struct Cells(Width);

#[derive(Clone, Debug)]
enum Width {
    /// All numbers so far were small.
    Narrow(Vec<Narrow>),
    /// Some number was not.
    Wide(Vec<Cell>),
}

impl Cells {
    /// So many cells of zeros.
    pub(super) fn zeros(count: usize) -> Self {
        Self(Width::Narrow(vec![Narrow::default(); count]))
    }

    /// The cell at `place`.
    pub(super) fn get(&self, place: usize) -> Cell {
        match &self.0 {
            Width::Narrow(cells) => cells[place].cell(),
            Width::Wide(cells) => cells[place],
        }
    }

    /// Changes the cell at `place`.
    pub(super) fn set(&mut self, place: usize, cell: Cell) {
        match (&mut self.0, Narrow::new(cell)) {
            (Width::Narrow(cells), Some(narrow)) => cells[place] = narrow,
            (Width::Wide(cells), _) => cells[place] = cell,
            (Width::Narrow(cells), None) => {
                let mut wide: Vec<Cell> = cells.iter().map(|narrow| narrow.cell()).collect();
                wide[place] = cell;
                self.0 = Width::Wide(wide);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_cell_of_small_numbers_takes_twelve_bytes() {
        assert_eq!(size_of::<Narrow>(), 12);
    }

    /// Numbers on both sides of what fits into a narrow cell.
    fn cell() -> impl Strategy<Value = Cell> {
        let number = || prop_oneof![0..10_u32, 65_530..65_545_u32, Just(u32::MAX)];
        let bytes = prop_oneof![
            0..10_u64,
            (u64::from(u32::MAX) - 2)..(u64::from(u32::MAX) + 3),
            ((1 << 48) - 3)..((1 << 48) + 3_u64),
            Just(u64::MAX)
        ];
        (bytes, number(), number(), number()).prop_map(|(bytes, opened, failed, active)| Cell {
            bytes,
            opened,
            failed,
            active,
        })
    }

    proptest! {
        /// Whatever is written is read, and nothing else changes.
        #[test]
        fn cells_are_what_they_were_set_to(writes in proptest::collection::vec((0..4_usize, cell()), 0..20)) {
            let mut cells = Cells::zeros(4);
            let mut expected = [Cell::default(); 4];
            for (place, cell) in writes {
                cells.set(place, cell);
                expected[place] = cell;
                for (place, expected) in expected.iter().enumerate() {
                    prop_assert_eq!(cells.get(place), *expected);
                }
            }
        }
    }
}
