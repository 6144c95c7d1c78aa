//! A balancer whose connections stay open for a while: event by event, because where one goes may depend on all others.

use super::random::{Random, Table, whole};

/// Time goes on in steps of so many per tick; within one, connections end before others begin.
const STEPS: usize = 8;

/// No connection stays longer than so many times the mean.
const LONGEST: f64 = 20.0;

/// How long connections stay open, in ticks.
#[derive(Clone, Copy, Debug)]
pub(super) enum Hold {
    /// With this mean.
    Exponential(f64),
    /// With this mean; most are short and a few are very long (a standard deviation of 1.5 of the logarithm).
    Lognormal(f64),
}

const SIGMA: f64 = 1.5;

impl Hold {
    fn mean(self) -> f64 {
        let (Self::Exponential(mean) | Self::Lognormal(mean)) = self;
        mean
    }

    fn draw(self, random: &mut Random) -> f64 {
        match self {
            Self::Exponential(mean) => random.exponential(mean),
            Self::Lognormal(mean) => mean * (SIGMA * random.normal() - SIGMA * SIGMA / 2.0).exp(),
        }
    }
}

/// Where the next connection goes.
#[derive(Clone, Debug)]
pub(super) enum Choice {
    /// To the backend with the fewest open ones; of several such, in turn.
    Least,
    /// At random, by these shares.
    Random(Table),
}

/// A pool behind a balancer.
#[derive(Clone, Debug)]
pub(super) struct Balancer {
    choice: Choice,
    arrivals: Table,
    /// How many connections a client opens at once, to one backend and for the same time.
    clump: Option<Table>,
    hold: Hold,
    active: Vec<u64>,
    /// The backends whose connections end, by step, in a ring.
    ends: Vec<Vec<usize>>,
    now: usize,
    turn: usize,
}

impl Balancer {
    /// `rate` connections a tick over so many backends, in clumps of `clump` on average if given.
    pub(super) fn new(
        backends: usize,
        rate: f64,
        choice: Choice,
        hold: Hold,
        clump: Option<f64>,
    ) -> Self {
        Self {
            choice,
            arrivals: Table::poisson(rate / clump.unwrap_or(1.0) / STEPS as f64),
            clump: clump.map(Table::geometric),
            hold,
            active: vec![0; backends],
            ends: vec![Vec::new(); whole(hold.mean() * LONGEST * STEPS as f64) + 2],
            now: 0,
            turn: 0,
        }
    }

    /// One tick; adds the connections that were opened.
    pub(super) fn tick(&mut self, random: &mut Random, opened: &mut [u64]) {
        for _ in 0..STEPS {
            self.now = (self.now + 1) % self.ends.len();
            for backend in self.ends[self.now].drain(..) {
                self.active[backend] -= 1;
            }
            for _ in 0..self.arrivals.draw(random) {
                self.open(random, opened);
            }
        }
    }

    /// The connections that are open now.
    pub(super) fn active(&self) -> &[u64] {
        &self.active
    }

    fn open(&mut self, random: &mut Random, opened: &mut [u64]) {
        let size = self.clump.as_ref().map_or(1, |clump| clump.draw(random));
        let backend = match &self.choice {
            Choice::Random(shares) => shares.draw(random),
            Choice::Least => self.least(),
        };
        opened[backend] += size as u64;
        self.active[backend] += size as u64;
        let steps = whole(self.hold.draw(random) * STEPS as f64) + 1;
        let end = (self.now + steps.min(self.ends.len() - 1)) % self.ends.len();
        self.ends[end].extend(std::iter::repeat_n(backend, size));
    }

    fn least(&mut self) -> usize {
        let (before, from) = self.active.split_at(self.turn);
        let fewest = |part: &[u64]| {
            let places = part.iter().copied().enumerate();
            places.min_by_key(|(_, active)| *active)
        };
        let later = fewest(from).map(|(place, active)| (place + self.turn, active));
        let chosen = match (later, fewest(before)) {
            (Some(later), Some(early)) if early.1 < later.1 => early.0,
            (Some(later), _) => later.0,
            (None, early) => early.map_or(0, |early| early.0),
        };
        self.turn = (chosen + 1) % self.active.len();
        chosen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(balancer: &mut Balancer, ticks: usize) -> (Vec<u64>, f64) {
        let mut random = Random::new(3, 0);
        let mut opened = vec![0; balancer.active.len()];
        let mut active = 0.0;
        for _ in 0..ticks {
            balancer.tick(&mut random, &mut opened);
            active += balancer.active().iter().sum::<u64>() as f64;
        }
        (opened, active / ticks as f64)
    }

    /// Little's law: those open are the rate times the mean time.
    #[test]
    fn as_many_are_open_as_arrive_and_stay() {
        for (choice, hold, clump) in [
            (Choice::Least, Hold::Exponential(5.0), None),
            (
                Choice::Random(Table::new(0, &[1.0; 4])),
                Hold::Exponential(20.0),
                Some(8.0),
            ),
            (
                Choice::Random(Table::new(0, &[1.0; 4])),
                Hold::Lognormal(5.0),
                None,
            ),
        ] {
            let mut balancer = Balancer::new(4, 20.0, choice, hold, clump);
            let (opened, active) = run(&mut balancer, 20_000);
            let rate = opened.iter().sum::<u64>() as f64 / 20_000.0;
            assert!((rate / 20.0 - 1.0).abs() < 0.03, "{rate} a tick");
            let expected = 20.0 * hold.mean();
            assert!(
                (active / expected - 1.0).abs() < 0.08,
                "{active}, not {expected}"
            );
        }
    }

    #[test]
    fn the_least_loaded_gets_the_next() {
        let mut balancer = Balancer::new(5, 50.0, Choice::Least, Hold::Exponential(10.0), None);
        let (opened, _) = run(&mut balancer, 2_000);
        let spread =
            |values: &[u64]| values.iter().max().unwrap_or(&0) - values.iter().min().unwrap_or(&0);
        assert!(spread(balancer.active()) <= 12, "{:?}", balancer.active());
        assert!(spread(&opened) < 1_000, "{opened:?}");
        let mut turns = Balancer::new(3, 0.0, Choice::Least, Hold::Exponential(1.0), None);
        assert_eq!(
            [turns.least(), turns.least(), turns.least(), turns.least()],
            [0, 1, 2, 0]
        );
        turns.active = vec![1, 1, 0];
        assert_eq!([turns.least(), turns.least()], [2, 2]);
    }
}
