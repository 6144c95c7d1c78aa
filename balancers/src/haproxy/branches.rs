//! Which lines between `.if` and `.endif` are read.

use crate::source::Place;

/// The `.if`s that are open.
#[derive(Default)]
pub(super) struct Branches {
    open: Vec<Open>,
    /// How many branches there were of which it is not known whether they are taken.
    unknown: u32,
}

/// A `.if` that is not ended.
struct Open {
    place: Place,
    state: State,
    /// Of the current branch, if it is not known whether it is taken; else 0.
    number: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// This branch is taken.
    Taken,
    /// No branch is taken so far.
    Waiting,
    /// One was taken: the rest is passed over.
    Over,
    /// Not known: all branches are read.
    Unknown,
    /// Not known for branches before, but this one is not taken.
    Not,
}

impl State {
    /// The state of a branch with a condition that follows one with this state.
    fn then(self, holds: Option<bool>) -> Self {
        match (self, holds) {
            (Self::Taken | Self::Over, _) => Self::Over,
            (Self::Waiting, Some(true)) => Self::Taken,
            (Self::Waiting, Some(false)) => Self::Waiting,
            (Self::Unknown | Self::Not, Some(false)) => Self::Not,
            _ => Self::Unknown,
        }
    }
}

impl Branches {
    /// How deep lines are.
    pub(super) fn depth(&self) -> usize {
        self.open.len()
    }

    /// `.if`, with what is known of its condition.
    pub(super) fn begin(&mut self, place: Place, holds: Option<bool>) {
        let state = State::Waiting.then(holds);
        let number = self.number(state);
        self.open.push(Open {
            place,
            state,
            number,
        });
    }

    /// `.elif`, or `.else`, which always holds; false without `.if`.
    pub(super) fn next(&mut self, holds: Option<bool>) -> bool {
        let Some(state) = self.open.last().map(|open| open.state.then(holds)) else {
            return false;
        };
        let number = self.number(state);
        if let Some(open) = self.open.last_mut() {
            (open.state, open.number) = (state, number);
        }
        true
    }

    /// `.endif`; false without `.if`.
    pub(super) fn end(&mut self) -> bool {
        self.open.pop().is_some()
    }

    /// The first `.if` that is not ended.
    pub(super) fn left_open(&self) -> Option<Place> {
        self.open.first().map(|open| open.place)
    }

    /// Whether lines are read here.
    pub(super) fn is_read(&self) -> bool {
        let read = |open: &Open| matches!(open.state, State::Taken | State::Unknown);
        self.open.iter().all(read)
    }

    /// The innermost branch of which it is not known whether it is taken; 0: none.
    pub(super) fn current(&self) -> u32 {
        let mut numbers = self.open.iter().rev().map(|open| open.number);
        numbers.find(|number| *number > 0).unwrap_or(0)
    }

    fn number(&mut self, state: State) -> u32 {
        if state != State::Unknown {
            return 0;
        }
        self.unknown += 1;
        self.unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether each of three branches is read, and whether that is certain.
    fn read(conditions: [Option<bool>; 3]) -> [(bool, bool); 3] {
        let place = Place::top(crate::source::Sources::default().add("", ""));
        let mut branches = Branches::default();
        let mut first = true;
        conditions.map(|holds| {
            if std::mem::take(&mut first) {
                branches.begin(place, holds);
            } else {
                assert!(branches.next(holds));
            }
            (branches.is_read(), branches.current() == 0)
        })
    }

    #[test]
    fn one_branch_is_read_or_all_that_may_be() {
        const YES: (bool, bool) = (true, true);
        const NO: (bool, bool) = (false, true);
        const MAYBE: (bool, bool) = (true, false);
        assert_eq!(read([Some(true), Some(true), Some(true)]), [YES, NO, NO]);
        assert_eq!(read([Some(false), Some(true), Some(true)]), [NO, YES, NO]);
        assert_eq!(read([Some(false), Some(false), Some(true)]), [NO, NO, YES]);
        assert_eq!(read([None, Some(false), Some(true)]), [MAYBE, NO, MAYBE]);
        assert_eq!(read([Some(false), None, Some(true)]), [NO, MAYBE, MAYBE]);
        assert_eq!(read([Some(true), None, Some(true)]), [YES, NO, NO]);
    }

    #[test]
    fn what_has_no_beginning_has_no_end() {
        let mut branches = Branches::default();
        assert!(!branches.next(None) && !branches.end() && branches.is_read());
    }
}
