//! The smallest parts of a recording: numbers, records, and what counters are in it.
//!
//! Numbers in records are LEB128; those that may be negative are zigzag-coded first (0, -1, 1, -2 become 0, 1, 2, 3).
//! A record is a tag and what belongs to it:
//!
//! - `BEGIN`, `PLAN`: length, JSON. A run begins, or was told to watch something else.
//! - `ENDPOINT`: role (0 upstream, 1 local), 4 or 6, the address, the port, the namespace's cookie (0 for none). It gets the
//!   next number, from 0 on.
//! - `MISSED`: how many ticks were not recorded.
//! - `CLIENTS`: from how many connections it is known how many clients there are, and if these are not 0, the bits of that
//!   number, as a double in little-endian. It holds from the next tick on.
//! - `TICK`: by how many nanoseconds it was later than the last one and the interval; how many endpoints changed or appeared,
//!   for each by how much its number is above the one before, a byte that says which counters changed, and by how much;
//!   how many endpoints are gone, for each by how much its number is above the one before.

use crate::kernel::Observed;
use crate::model::{Counters, Endpoint};

/// What a file begins with.
pub(super) const MAGIC: [u8; 8] = *b"evenkrec";
/// The version of the format.
pub(super) const VERSION: u32 = 1;
/// Magic and version, in bytes.
pub(super) const HEADER: u64 = 12;
/// The two lengths in front of a block, in bytes.
pub(super) const BLOCK_HEADER: u64 = 8;
/// The largest block, inflated: the plan of 100,000 backends with labels has a tenth of it.
pub(super) const LARGEST_BLOCK: u32 = 256 << 20;

pub(super) const BEGIN: u8 = 1;
pub(super) const PLAN: u8 = 2;
pub(super) const ENDPOINT: u8 = 3;
pub(super) const MISSED: u8 = 4;
pub(super) const TICK: u8 = 5;
pub(super) const CLIENTS: u8 = 6;

/// How many numbers there are of an endpoint.
pub(super) const FIELDS: usize = 7;

/// The numbers of an endpoint.
pub(super) type Fields = [u64; FIELDS];

/// What of a snapshot is in a recording.
pub(super) fn fields(observed: &Observed) -> Fields {
    let Counters {
        opened,
        failed,
        closed,
        received,
        sent,
        retransmits,
        handshakes: _,
        handshake_micros: _,
    } = observed.counters;
    [
        opened,
        failed,
        closed,
        received,
        sent,
        retransmits,
        observed.active,
    ]
}

/// The snapshot's entry that these numbers were taken of.
pub(super) fn observed(endpoint: Endpoint, fields: &Fields) -> Observed {
    let [opened, failed, closed, received, sent, retransmits, active] = *fields;
    Observed {
        endpoint,
        counters: Counters {
            opened,
            failed,
            closed,
            received,
            sent,
            retransmits,
            ..Counters::default()
        },
        active,
    }
}

/// Appends a number.
pub(super) fn put(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(low_bits(number) | 0x80);
        number >>= 7;
    }
    out.push(low_bits(number));
}

fn low_bits(number: u64) -> u8 {
    number.to_le_bytes()[0] & 0x7f
}

/// Appends by how much `new` differs from `old`, whichever is larger.
pub(super) fn put_change(out: &mut Vec<u8>, old: u64, new: u64) {
    let change = new.wrapping_sub(old).cast_signed();
    put(out, ((change << 1) ^ (change >> 63)).cast_unsigned());
}

/// Reads records; every number is checked to be there.
#[derive(Debug)]
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
}

/// A record that ends too early or says what cannot be.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed(pub(super) &'static str);

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// How many bytes are left.
    pub(super) fn left(&self) -> usize {
        self.rest.len()
    }

    pub(super) fn bytes(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (bytes, rest) = self
            .rest
            .split_at_checked(count)
            .ok_or(Malformed("a record is cut off"))?;
        self.rest = rest;
        Ok(bytes)
    }

    pub(super) fn byte(&mut self) -> Result<u8, Malformed> {
        self.bytes(1).map(|bytes| bytes[0])
    }

    pub(super) fn number(&mut self) -> Result<u64, Malformed> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Malformed("a number has more than 64 bits"))
    }

    /// A number that stands for a count of things in memory.
    pub(super) fn count(&mut self) -> Result<usize, Malformed> {
        usize::try_from(self.number()?).or(Err(Malformed("a count is out of reach")))
    }

    /// The number that differs from `old` as is written here.
    pub(super) fn changed(&mut self, old: u64) -> Result<u64, Malformed> {
        let coded = self.number()?;
        let change = (coded >> 1) ^ (coded & 1).wrapping_neg();
        Ok(old.wrapping_add(change))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_come_back(number: u64, old: u64) {
            let mut bytes = Vec::new();
            put(&mut bytes, number);
            put_change(&mut bytes, old, number);
            let mut cursor = Cursor::new(&bytes);
            prop_assert_eq!(cursor.number(), Ok(number));
            prop_assert_eq!(cursor.changed(old), Ok(number));
            prop_assert_eq!(cursor.left(), 0);
        }
    }

    #[test]
    fn small_changes_are_short_and_broken_numbers_are_errors() {
        for (old, new) in [(7, 7), (1000, 1063), (1000, 937), (u64::MAX, 0)] {
            let mut bytes = Vec::new();
            put_change(&mut bytes, old, new);
            assert_eq!(bytes.len(), 1, "{old} {new}");
        }
        assert!(Cursor::new(&[0x80]).number().is_err());
        assert!(Cursor::new(&[0xff; 11]).number().is_err());
    }
}
