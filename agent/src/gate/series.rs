//! What was counted during a run, tick by tick, in bounded memory: of a run that is too long, neighbouring ticks become one.

use std::collections::HashMap;

use crate::kernel::Observed;
use crate::model::{Counters, Endpoint};

/// Ticks that are kept; when there are twice as many, each two become one. Of many endpoints fewer ticks are kept, so that
/// all together are no more than `MOST_LOADS`, of 24 bytes each.
const TICKS: usize = 512;
const FEWEST_TICKS: usize = 32;
const MOST_LOADS: usize = 4_000_000;

/// The counts of a run.
#[derive(Clone, Debug, Default)]
pub struct Series {
    index: HashMap<Endpoint, usize>,
    tracks: Vec<Track>,
    ticks: Vec<Vec<Load>>,
    /// So many ticks are one entry.
    stride: usize,
    /// Ticks in the last entry.
    filled: usize,
    started: bool,
}

/// One endpoint.
#[derive(Clone, Copy, Debug)]
struct Track {
    endpoint: Endpoint,
    first: Observed,
    last: Observed,
    /// Connections open when the command ended.
    at_end: u64,
}

/// What one endpoint got in a tick.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Connections opened.
    pub opened: u64,
    /// Connections open, summed over the ticks.
    pub open: u64,
    /// Payload bytes, both directions.
    pub bytes: u64,
}

/// What one endpoint got in the whole run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// What was counted since the start.
    pub counters: Counters,
    /// Connections open at the start.
    pub open_at_start: u64,
    /// Connections open when the command ended.
    pub open_at_end: u64,
    /// Summed over all ticks.
    pub load: Load,
}

impl Series {
    /// Takes what was read. The first time, it is what everything after is compared with.
    pub fn tick(&mut self, snapshot: &[Observed]) {
        let begun = std::mem::replace(&mut self.started, true);
        let mut loads = vec![Load::default(); self.tracks.len()];
        for observed in snapshot {
            let place = self.place(observed, begun);
            let track = &mut self.tracks[place];
            if place >= loads.len() {
                loads.resize(place + 1, Load::default());
            }
            let (new, old) = (&observed.counters, &track.last.counters);
            let bytes = |counters: &Counters| counters.received + counters.sent;
            loads[place] = Load {
                opened: new.opened.saturating_sub(old.opened),
                open: observed.active,
                bytes: bytes(new).saturating_sub(bytes(old)),
            };
            track.last = *observed;
        }
        if begun {
            self.keep(loads);
        }
    }

    /// Notes that the command has ended: what is open now has stayed open to the end.
    pub fn command_ended(&mut self) {
        for track in &mut self.tracks {
            track.at_end = track.last.active;
        }
    }

    /// How many ticks there were.
    pub fn length(&self) -> usize {
        self.ticks.len().saturating_sub(1) * self.stride + self.filled
    }

    /// The endpoints that were seen, in no order.
    pub fn endpoints(&self) -> impl Iterator<Item = Endpoint> {
        self.tracks.iter().map(|track| track.endpoint)
    }

    /// What an endpoint got in the whole run.
    pub fn total(&self, endpoint: &Endpoint) -> Total {
        let Some(&place) = self.index.get(endpoint) else {
            return Total::default();
        };
        let track = &self.tracks[place];
        let mut load = Load::default();
        for tick in &self.ticks {
            if let Some(part) = tick.get(place) {
                load.add(part);
            }
        }
        Total {
            counters: since(&track.first.counters, &track.last.counters),
            open_at_start: track.first.active,
            open_at_end: track.at_end,
            load,
        }
    }

    /// What each of the endpoints got, tick by tick.
    pub fn ticks(&self, endpoints: &[Endpoint], load: impl Fn(&Load) -> u64) -> Vec<Vec<f64>> {
        let places: Vec<Option<usize>> = endpoints
            .iter()
            .map(|endpoint| self.index.get(endpoint).copied())
            .collect();
        let of = |tick: &Vec<Load>, place: &Option<usize>| {
            let found = place.and_then(|place| tick.get(place));
            found.map_or(0.0, |found| load(found) as f64)
        };
        self.ticks
            .iter()
            .map(|tick| places.iter().map(|place| of(tick, place)).collect())
            .collect()
    }

    /// The place of an endpoint. One that comes later was watched from its first connection on, so it begins with nothing.
    fn place(&mut self, observed: &Observed, begun: bool) -> usize {
        if let Some(&place) = self.index.get(&observed.endpoint) {
            return place;
        }
        let nothing = Observed {
            counters: Counters::default(),
            active: 0,
            ..*observed
        };
        let first = if begun { nothing } else { *observed };
        self.index.insert(observed.endpoint, self.tracks.len());
        self.tracks.push(Track {
            endpoint: observed.endpoint,
            first,
            last: first,
            at_end: 0,
        });
        self.tracks.len() - 1
    }

    /// How many ticks are kept.
    fn kept(&self) -> usize {
        let room = MOST_LOADS / 2 / self.tracks.len().max(1);
        room.clamp(FEWEST_TICKS, TICKS)
    }

    fn keep(&mut self, loads: Vec<Load>) {
        self.stride = self.stride.max(1);
        match self.ticks.last_mut() {
            Some(last) if self.filled < self.stride => {
                add(last, &loads);
                self.filled += 1;
            }
            _ => {
                self.ticks.push(loads);
                self.filled = 1;
            }
        }
        if self.ticks.len() >= 2 * self.kept() && self.filled == self.stride {
            self.ticks = self
                .ticks
                .chunks(2)
                .map(|pair| {
                    let mut sum = pair[0].clone();
                    pair[1..].iter().for_each(|other| add(&mut sum, other));
                    sum
                })
                .collect();
            self.stride *= 2;
            self.filled = self.stride;
        }
    }
}

impl Load {
    fn add(&mut self, other: &Self) {
        self.opened += other.opened;
        self.open += other.open;
        self.bytes += other.bytes;
    }
}

fn add(sums: &mut Vec<Load>, loads: &[Load]) {
    if sums.len() < loads.len() {
        sums.resize(loads.len(), Load::default());
    }
    for (sum, load) in sums.iter_mut().zip(loads) {
        sum.add(load);
    }
}

fn since(first: &Counters, last: &Counters) -> Counters {
    let part = |of: fn(&Counters) -> u64| of(last).saturating_sub(of(first));
    Counters {
        opened: part(|counters| counters.opened),
        failed: part(|counters| counters.failed),
        closed: part(|counters| counters.closed),
        received: part(|counters| counters.received),
        sent: part(|counters| counters.sent),
        retransmits: part(|counters| counters.retransmits),
        handshakes: part(|counters| counters.handshakes),
        handshake_micros: part(|counters| counters.handshake_micros),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{NetnsCookie, Role};

    fn observed(last: u8, opened: u64, active: u64) -> Observed {
        let address = format!("192.0.2.{last}:80").parse().unwrap();
        Observed {
            endpoint: Endpoint::new(Role::Upstream, address, NetnsCookie(1)),
            counters: Counters {
                opened,
                ..Counters::default()
            },
            active,
        }
    }

    #[test]
    fn what_was_before_does_not_count_and_what_comes_later_does() {
        let mut series = Series::default();
        series.tick(&[observed(1, 100, 7)]);
        series.tick(&[observed(1, 103, 5), observed(2, 4, 1)]);
        series.command_ended();
        series.tick(&[observed(1, 104, 0), observed(2, 4, 0)]);
        let [one, two] = [observed(1, 0, 0), observed(2, 0, 0)].map(|one| one.endpoint);
        let total = series.total(&one);
        assert_eq!(total.counters.opened, 4);
        assert_eq!((total.open_at_start, total.open_at_end), (7, 5));
        assert_eq!((total.load.opened, total.load.open), (4, 5));
        assert_eq!(series.total(&two).counters.opened, 4);
        let ticks = series.ticks(&[one, two], |load| load.opened);
        assert_eq!(ticks, [vec![3.0, 4.0], vec![1.0, 0.0]]);
        assert_eq!(series.total(&observed(9, 0, 0).endpoint), Total::default());
    }

    #[test]
    fn a_long_run_is_kept_in_few_ticks_and_loses_nothing() {
        let mut series = Series::default();
        let ticks = 9_999;
        for tick in 0..=ticks {
            series.tick(&[observed(1, tick, 1)]);
        }
        let one = observed(1, 0, 0).endpoint;
        let kept = series.ticks(&[one], |load| load.opened);
        assert!(
            kept.len() < 2 * TICKS && kept.len() >= TICKS,
            "{}",
            kept.len()
        );
        assert!((kept.iter().flatten().sum::<f64>() - ticks as f64).abs() < 0.5);
        assert_eq!(series.length() as u64, ticks);
        assert_eq!(series.total(&one).load.open, ticks);
        // All of them but the last are of the same length.
        assert!(
            kept[..kept.len() - 1]
                .windows(2)
                .all(|pair| pair[0] == pair[1])
        );
    }
}
