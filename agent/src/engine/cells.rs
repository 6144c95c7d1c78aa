//! What the backends of a pool did in each bucket of a window, in little memory.
//!
//! A cell takes eight bytes as long as its numbers fit: up to 65,535 connections, 4 GiB, and no failed attempt in a bucket. The
//! first number of a pool that does not fit gives the whole pool larger cells.

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

impl From<Cell> for Sample {
    fn from(cell: Cell) -> Self {
        Self {
            opened: cell.opened.into(),
            failed: cell.failed.into(),
            bytes: cell.bytes,
            active: cell.active.into(),
        }
    }
}

/// A [`Cell`] in less memory.
trait Packed: Copy {
    /// `None` if a number does not fit.
    fn pack(cell: Cell) -> Option<Self>;

    fn cell(self) -> Cell;
}

/// Of a backend without failures.
#[derive(Clone, Copy, Debug, Default)]
struct Small {
    bytes: u32,
    opened: u16,
    active: u16,
}

impl Packed for Small {
    fn pack(cell: Cell) -> Option<Self> {
        Some(Self {
            bytes: u32::try_from(cell.bytes).ok()?,
            opened: u16::try_from(cell.opened).ok()?,
            active: u16::try_from(cell.active).ok()?,
        })
        .filter(|_| cell.failed == 0)
    }

    fn cell(self) -> Cell {
        Cell {
            bytes: self.bytes.into(),
            opened: self.opened.into(),
            failed: 0,
            active: self.active.into(),
        }
    }
}

/// Up to 2^48 bytes.
#[derive(Clone, Copy, Debug, Default)]
struct Narrow {
    bytes_low: u32,
    bytes_high: u16,
    opened: u16,
    failed: u16,
    active: u16,
}

impl Packed for Narrow {
    fn pack(cell: Cell) -> Option<Self> {
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

impl Packed for Cell {
    fn pack(cell: Cell) -> Option<Self> {
        Some(cell)
    }

    fn cell(self) -> Cell {
        self
    }
}

/// The cells of a window, by place.
#[derive(Clone, Debug)]
pub(super) struct Cells(Width);

/// The smallest that all numbers so far fitted into.
#[derive(Clone, Debug)]
enum Width {
    Small(Vec<Small>),
    Narrow(Vec<Narrow>),
    Wide(Vec<Cell>),
}

impl Cells {
    /// So many cells of zeros.
    pub(super) fn zeros(count: usize) -> Self {
        Self(Width::Small(vec![Small::default(); count]))
    }

    /// The cell at `place`.
    pub(super) fn get(&self, place: usize) -> Cell {
        match &self.0 {
            Width::Small(cells) => cells[place].cell(),
            Width::Narrow(cells) => cells[place].cell(),
            Width::Wide(cells) => cells[place],
        }
    }

    /// Changes the cell at `place`.
    pub(super) fn set(&mut self, place: usize, cell: Cell) {
        while !self.put(place, cell) {
            self.widen();
        }
    }

    /// `false` if it does not fit; it always fits into the widest.
    fn put(&mut self, place: usize, cell: Cell) -> bool {
        fn put<P: Packed>(cells: &mut [P], place: usize, cell: Cell) -> bool {
            P::pack(cell).map(|packed| cells[place] = packed).is_some()
        }
        match &mut self.0 {
            Width::Small(cells) => put(cells, place, cell),
            Width::Narrow(cells) => put(cells, place, cell),
            Width::Wide(cells) => put(cells, place, cell),
        }
    }

    fn widen(&mut self) {
        fn widened<P: Packed, Q: Packed>(cells: &[P]) -> Vec<Q> {
            let all = cells.iter().map(|packed| packed.cell());
            // What fitted into less fits into more.
            all.filter_map(Q::pack).collect()
        }
        self.0 = match &self.0 {
            Width::Small(cells) => Width::Narrow(widened(cells)),
            Width::Narrow(cells) => Width::Wide(widened(cells)),
            Width::Wide(_) => return,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn cells_take_eight_and_twelve_bytes() {
        assert_eq!((size_of::<Small>(), size_of::<Narrow>()), (8, 12));
    }

    /// Numbers on both sides of what fits into small and narrow cells.
    fn cell() -> impl Strategy<Value = Cell> {
        let number = || prop_oneof![0..10_u32, 65_530..65_545_u32, Just(u32::MAX)];
        let bytes = prop_oneof![
            0..10_u64,
            (u64::from(u32::MAX) - 2)..(u64::from(u32::MAX) + 3),
            ((1 << 48) - 3)..((1 << 48) + 3_u64),
            Just(u64::MAX)
        ];
        let failed = prop_oneof![Just(0), number()];
        (bytes, number(), failed, number()).prop_map(|(bytes, opened, failed, active)| Cell {
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
