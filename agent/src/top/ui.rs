//! What of the world is looked at, and how actions change that.

use std::cmp::Ordering;
use std::time::{Duration, Instant};

use super::feed::Mark;
use super::feed::told::{Backend, Pool};
use super::keys::Action;
use super::order::{Sort, Words, ordered};
use super::world::World;
use crate::model::Signal;

/// The order follows figures no faster than this: rows that jump cannot be read. Verdicts are followed at once.
const SETTLE: Duration = Duration::from_secs(5);

/// A row that is chosen in a list, or the first line of a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cursor {
    pub(super) at: usize,
    /// The first row that was shown.
    pub(super) top: usize,
}

impl Cursor {
    /// The same where there are `count` rows and room for `height`.
    pub(super) fn within(self, count: usize, height: usize) -> Self {
        let at = self.at.min(count.saturating_sub(1));
        let lowest = (at + 1).saturating_sub(height);
        let highest = at.min(count.saturating_sub(height));
        Self {
            at,
            top: self.top.clamp(lowest.min(highest), highest),
        }
    }

    /// The same for a text: no further than its last line.
    pub(super) fn of_text(self, count: usize, height: usize) -> Self {
        let at = self.at.min(count.saturating_sub(height));
        Self { at, top: at }
    }
}

/// What was drawn, for the next move.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) cursor: Cursor,
    /// Rows that there are.
    pub(super) count: usize,
    /// Rows that there is room for.
    pub(super) height: usize,
}

/// Where the user is, beside the list of pools.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Pool(PoolPlace),
    Incidents(Cursor),
    /// An incident by its id.
    Incident(String, Cursor),
    Help(Cursor),
}

/// One pool is looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PoolPlace {
    pub(super) name: String,
    /// `None` for the one that the agent shows.
    pub(super) signal: Option<Signal>,
    pub(super) among: Among,
    pub(super) reversed: bool,
    pub(super) filter: String,
    pub(super) cursor: Cursor,
    /// Whether what is beside the shares is read.
    pub(super) facts: bool,
    pub(super) facts_cursor: Cursor,
}

/// What backends are ordered by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Among {
    /// Those furthest from their share first, and the marked before all.
    #[default]
    Off,
    Name,
    Share,
    Active,
    Bytes,
    Failed,
    Handshake,
}

/// What the session has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    None,
    Quit,
    Suspend,
    Redraw,
}

/// What of the world is looked at.
#[derive(Debug)]
pub(super) struct Ui {
    pub(super) sort: Sort,
    pub(super) filter: String,
    /// Names of pools in the order in which they are shown.
    pub(super) order: Vec<String>,
    pub(super) cursor: Cursor,
    /// Whether keys are letters of what is looked for.
    pub(super) typing: bool,
    /// The pool that was chosen by moving to it; without one the first is.
    chosen: Option<String>,
    places: Vec<Place>,
    seen: Seen,
    ordered: Option<Instant>,
}

impl Ui {
    pub(super) fn new(sort: Sort, filter: String) -> Self {
        Self {
            sort,
            filter,
            order: Vec::new(),
            cursor: Cursor::default(),
            typing: false,
            chosen: None,
            places: Vec::new(),
            seen: Seen::default(),
            ordered: None,
        }
    }

    /// Where the user is; `None` is the list of pools.
    pub(super) fn place(&self) -> Option<&Place> {
        self.places.last()
    }

    /// The pool that is to be told of in full.
    pub(super) fn subject(&self) -> Option<&str> {
        self.places.iter().rev().find_map(|place| match place {
            Place::Pool(pool) => Some(pool.name.as_str()),
            _ => None,
        })
    }

    /// Takes what was drawn.
    pub(super) fn saw(&mut self, seen: Seen) {
        self.seen = seen;
        *self.cursor_mut() = seen.cursor;
    }

    /// Finds the order of pools again, if figures may have changed it long enough ago, or if it is `urgent`.
    pub(super) fn follow(&mut self, world: &World, urgent: bool, now: Instant) {
        let settled = self
            .ordered
            .is_none_or(|then| now.duration_since(then) >= SETTLE);
        if !urgent && !settled {
            return;
        }
        self.ordered = Some(now);
        let rows = ordered(world, self.sort, &self.filter);
        self.order = rows.iter().map(|row| row.name.clone()).collect();
        let chosen = self.chosen.as_ref();
        let place = chosen.and_then(|name| self.order.iter().position(|other| other == name));
        if let Some(place) = place {
            self.cursor.at = place;
        } else if chosen.is_none() {
            self.cursor = Cursor::default();
        }
    }

    fn cursor_mut(&mut self) -> &mut Cursor {
        match self.places.last_mut() {
            None => &mut self.cursor,
            Some(Place::Pool(pool)) => {
                if pool.facts {
                    &mut pool.facts_cursor
                } else {
                    &mut pool.cursor
                }
            }
            Some(Place::Incidents(cursor) | Place::Incident(_, cursor) | Place::Help(cursor)) => {
                cursor
            }
        }
    }

    /// Does what a key asked for.
    pub(super) fn act(&mut self, action: Action, world: &World, now: Instant) -> Effect {
        match action {
            Action::Quit => return Effect::Quit,
            Action::Suspend => return Effect::Suspend,
            Action::Redraw => return Effect::Redraw,
            Action::Move(by) => self.move_by(by),
            Action::Page(halves) => {
                let half = (self.seen.height / 2).max(1).cast_signed();
                self.move_by(half * halves);
            }
            Action::First => self.move_by(isize::MIN / 2),
            Action::Last => self.move_by(isize::MAX / 2),
            Action::Open => self.open(world),
            Action::Back => self.back(),
            Action::Help => self.toggle(Place::Help(Cursor::default())),
            Action::Incidents => self.toggle(Place::Incidents(Cursor::default())),
            Action::Sort(column) => self.sort.choose(column),
            Action::SortBy(by) => self.sort.shift(by),
            Action::Reverse => self.reverse(),
            Action::Among(among) => self.order_among(among),
            Action::Signal => self.next_signal(world),
            Action::Pane => {
                if let Some(Place::Pool(pool)) = self.places.last_mut() {
                    pool.facts = !pool.facts;
                }
            }
            Action::Search => {
                self.typing = matches!(self.place(), None | Some(Place::Pool(_)));
            }
            Action::Type(letter) => self.filter_mut().push(letter),
            Action::Erase => drop(self.filter_mut().pop()),
            Action::EraseAll => self.filter_mut().clear(),
            Action::Keep => self.typing = false,
            Action::Forget => {
                self.filter_mut().clear();
                self.typing = false;
            }
        }
        if self.places.is_empty() && !matches!(action, Action::Move(_) | Action::Page(_)) {
            self.follow(world, true, now);
        }
        Effect::None
    }

    fn filter_mut(&mut self) -> &mut String {
        match self.places.last_mut() {
            Some(Place::Pool(pool)) => &mut pool.filter,
            _ => &mut self.filter,
        }
    }

    fn move_by(&mut self, by: isize) {
        let last = self.seen.count.saturating_sub(1);
        let at = self.cursor_mut();
        at.at = at.at.saturating_add_signed(by).min(last);
        let at = at.at;
        if self.places.is_empty() {
            // The first row is whichever is worst; others are followed wherever they go.
            self.chosen = (at > 0).then(|| self.order.get(at).cloned()).flatten();
        }
    }

    fn open(&mut self, world: &World) {
        let next = match self.places.last() {
            None => self.order.get(self.cursor.at).map(|name| pool(name)),
            Some(Place::Incidents(cursor)) => {
                let incident = world.incidents.get(cursor.at);
                incident.map(|one| Place::Incident(one.id.clone(), Cursor::default()))
            }
            Some(Place::Incident(id, _)) => world.incident(id).map(|one| pool(&one.pool)),
            Some(Place::Pool(_) | Place::Help(_)) => None,
        };
        if let Some(Place::Pool(pool)) = &next {
            // Back where one has been already, rather than ever deeper.
            let known =
                |place: &Place| matches!(place, Place::Pool(known) if known.name == pool.name);
            if let Some(depth) = self.places.iter().position(known) {
                self.places.truncate(depth + 1);
                return;
            }
        }
        self.places.extend(next);
    }

    fn back(&mut self) {
        if let Some(Place::Pool(pool)) = self.places.last_mut()
            && !pool.filter.is_empty()
        {
            pool.filter.clear();
            return;
        }
        if self.places.pop().is_none() {
            self.filter.clear();
        }
    }

    /// Goes there, or back if one is there.
    fn toggle(&mut self, place: Place) {
        let there = self
            .places
            .last()
            .is_some_and(|last| std::mem::discriminant(last) == std::mem::discriminant(&place));
        if there {
            self.places.pop();
        } else {
            self.places.push(place);
        }
    }

    fn reverse(&mut self) {
        match self.places.last_mut() {
            Some(Place::Pool(pool)) => pool.reversed = !pool.reversed,
            _ => self.sort.reversed = !self.sort.reversed,
        }
    }

    fn order_among(&mut self, among: Among) {
        if let Some(Place::Pool(pool)) = self.places.last_mut() {
            pool.reversed = pool.among == among && !pool.reversed;
            pool.among = among;
        }
    }

    fn next_signal(&mut self, world: &World) {
        let Some(Place::Pool(pool)) = self.places.last_mut() else {
            return;
        };
        let now = pool.signal.or_else(|| {
            let row = world.rows.get(&pool.name);
            row.map(|row| row.signal)
        });
        let place = Signal::ALL.iter().position(|signal| Some(*signal) == now);
        let next = place.map_or(0, |place| (place + 1) % Signal::ALL.len());
        pool.signal = Some(Signal::ALL[next]);
    }
}

fn pool(name: &str) -> Place {
    Place::Pool(PoolPlace {
        name: name.to_owned(),
        ..PoolPlace::default()
    })
}

impl PoolPlace {
    /// The backends that have all words of the filter, in order.
    pub(super) fn ordered<'a>(&self, pool: &'a Pool, signal: Signal) -> Vec<&'a Backend> {
        let words = Words::new(&self.filter);
        let fits = |backend: &&Backend| {
            let labels = backend.labels.iter();
            let labels: Vec<String> = labels
                .map(|(key, value)| format!("{key}={value}"))
                .collect();
            let mut texts: Vec<&str> = labels.iter().map(String::as_str).collect();
            texts.push(&backend.address);
            words.are_in(&texts)
        };
        let mut backends: Vec<&Backend> = pool.backends.iter().filter(fits).collect();
        backends.sort_by(|one, other| {
            let ordering = self.among.compare(one, other, signal);
            if self.reversed {
                ordering.reverse()
            } else {
                ordering
            }
        });
        backends
    }
}

impl Among {
    fn compare(self, one: &Backend, other: &Backend, signal: Signal) -> Ordering {
        let off = |backend: &Backend| (backend.relative(signal) - 1.0).abs();
        let marked = |backend: &Backend| backend.mark(signal) != Mark::None;
        let share = |backend: &Backend| backend.share.get(signal).unwrap_or(-1.0);
        let bytes = |backend: &Backend| backend.bytes.received + backend.bytes.sent;
        let handshake = |backend: &Backend| backend.handshake.mean_seconds.unwrap_or(-1.0);
        match self {
            Self::Off => marked(other)
                .cmp(&marked(one))
                .then(off(other).total_cmp(&off(one))),
            Self::Name => one.address.cmp(&other.address),
            Self::Share => share(other).total_cmp(&share(one)),
            Self::Active => other.connections.active.cmp(&one.connections.active),
            Self::Bytes => bytes(other).cmp(&bytes(one)),
            Self::Failed => other.connections.failed.cmp(&one.connections.failed),
            Self::Handshake => handshake(other).total_cmp(&handshake(one)),
        }
    }
}
