//! What users have today: alerting rules over scraped counters, evaluated as Prometheus does.
//!
//! Every 15 s the counters are scraped and the rules evaluated. `rate(x[5m])` sees the 20 samples of the last 5 minutes and
//! takes the difference of the last and the first, over 285 s; what it extrapolates is the same factor for all backends of a
//! scrape and cancels out. An alert with `for: 5m` fires when its expression was true in 21 evaluations in a row.
//!
//! Each rule tells the threshold up to which it would fire now, so that one simulation tells all thresholds.

/// Seconds between scrapes, and between evaluations.
pub(super) const SCRAPE: usize = 15;

/// Samples in five minutes, in one, and in an hour.
const FIVE_MINUTES: usize = 20;
const ONE_MINUTE: usize = 4;
const HOUR: usize = 240;

/// Evaluations in a row that make `for: 5m` and `for: 1m`.
const FOR_FIVE: usize = 21;
const FOR_ONE: usize = 5;

/// A rule that users have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// `max(rate(x[5m])) / avg(rate(x[5m])) > 1.5`, `for: 5m`.
    MaxToMean,
    /// `abs(s - avg_over_time(s[1h])) / stddev_over_time(s[1h]) > 3`, `for: 1m`, where s is the recorded
    /// `rate(x[1m]) / sum(rate(x[1m]))` of a backend.
    ZScore,
    /// `rate(x[5m]) / avg(rate(x[5m])) > 2 or ... < 1 / 2`, `for: 5m`, of a backend.
    Limits,
}

impl Rule {
    pub(super) const ALL: [Self; 3] = [Self::MaxToMean, Self::ZScore, Self::Limits];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::MaxToMean => "max/avg over 5 min, for 5 min",
            Self::ZScore => "z-score of a share over 1 h, for 1 min",
            Self::Limits => "a backend above c or below 1/c of the average over 5 min, for 5 min",
        }
    }

    /// The threshold as users configure it.
    pub(super) fn threshold(self) -> f64 {
        match self {
            Self::MaxToMean => 1.5,
            Self::ZScore => 3.0,
            Self::Limits => 2.0,
        }
    }
}

/// A rule being evaluated.
#[derive(Clone, Debug)]
pub(super) struct Evaluation {
    rule: Rule,
    counters: Counters,
    /// The expression over the last evaluations: of the pool, or of each backend and side.
    held: Vec<Held>,
    /// The recorded shares of each backend.
    recorded: Vec<Recorded>,
}

impl Evaluation {
    pub(super) fn new(rule: Rule, backends: usize) -> Self {
        let (samples, series, evaluations) = match rule {
            Rule::MaxToMean => (FIVE_MINUTES, 1, FOR_FIVE),
            Rule::ZScore => (ONE_MINUTE, backends, FOR_ONE),
            Rule::Limits => (FIVE_MINUTES, 2 * backends, FOR_FIVE),
        };
        let recorded = if rule == Rule::ZScore { backends } else { 0 };
        Self {
            rule,
            counters: Counters::new(samples, backends),
            held: vec![Held::new(evaluations); series],
            recorded: vec![Recorded::default(); recorded],
        }
    }

    /// One scrape and evaluation: the alert fires at every threshold below the answer.
    pub(super) fn scraped(&mut self, counters: &[u64]) -> f64 {
        let Some((increases, total)) = self.counters.push(counters) else {
            return f64::NEG_INFINITY;
        };
        let mean = total / increases.len() as f64;
        match self.rule {
            // 0 / 0 is no number and never above a threshold.
            _ if total <= 0.0 => self
                .held
                .iter_mut()
                .for_each(|held| held.push(f64::NEG_INFINITY)),
            Rule::MaxToMean => {
                let most = increases.iter().copied().fold(0.0, f64::max);
                self.held[0].push(most / mean);
            }
            Rule::ZScore => {
                let series = self.held.iter_mut().zip(&mut self.recorded);
                for ((held, recorded), increase) in series.zip(increases) {
                    held.push(recorded.deviate(increase / total));
                }
            }
            Rule::Limits => {
                for (sides, increase) in self.held.chunks_exact_mut(2).zip(increases) {
                    sides[0].push(increase / mean);
                    sides[1].push(mean / increase);
                }
            }
        }
        self.held
            .iter()
            .map(Held::least)
            .fold(f64::NEG_INFINITY, f64::max)
    }
}

/// Counters over the range of a `rate`.
#[derive(Clone, Debug)]
struct Counters {
    samples: usize,
    ring: Vec<Vec<u64>>,
    increases: Vec<f64>,
}

impl Counters {
    fn new(samples: usize, backends: usize) -> Self {
        Self {
            samples,
            ring: Vec::with_capacity(samples),
            increases: vec![0.0; backends],
        }
    }

    /// Increases from the first to the last sample of the range, and their sum; none before the range is full.
    fn push(&mut self, counters: &[u64]) -> Option<(&[f64], f64)> {
        if self.ring.len() < self.samples {
            self.ring.push(counters.to_vec());
        } else {
            self.ring.rotate_left(1);
            self.ring[self.samples - 1].copy_from_slice(counters);
        }
        if self.ring.len() < self.samples {
            return None;
        }
        let mut total = 0.0;
        let samples = counters.iter().zip(&self.ring[0]);
        for (increase, (last, first)) in self.increases.iter_mut().zip(samples) {
            *increase = (last - first) as f64;
            total += *increase;
        }
        Some((&self.increases, total))
    }
}

/// The values of an expression in the last evaluations.
#[derive(Clone, Debug)]
struct Held {
    ring: Vec<f64>,
    next: usize,
}

impl Held {
    fn new(evaluations: usize) -> Self {
        Self {
            ring: vec![f64::NEG_INFINITY; evaluations],
            next: 0,
        }
    }

    fn push(&mut self, value: f64) {
        self.ring[self.next] = value;
        self.next = (self.next + 1) % self.ring.len();
    }

    fn least(&self) -> f64 {
        self.ring.iter().copied().fold(f64::INFINITY, f64::min)
    }
}

/// A recorded series, over an hour.
#[derive(Clone, Debug, Default)]
struct Recorded {
    ring: Vec<f64>,
    next: usize,
    sum: f64,
    squares: f64,
}

impl Recorded {
    /// Records a value; gives its distance from the mean of the hour that ends with it, in standard deviations. Not before
    /// there was an hour.
    fn deviate(&mut self, value: f64) -> f64 {
        self.sum += value;
        self.squares += value * value;
        if self.ring.len() < HOUR {
            self.ring.push(value);
            if self.ring.len() < HOUR {
                return f64::NEG_INFINITY;
            }
        } else {
            let oldest = std::mem::replace(&mut self.ring[self.next], value);
            self.next = (self.next + 1) % HOUR;
            self.sum -= oldest;
            self.squares -= oldest * oldest;
        }
        let mean = self.sum / HOUR as f64;
        let variance = self.squares / HOUR as f64 - mean * mean;
        // What is left of rounding when all values are the same is no deviation.
        if variance > 1e-12 {
            (value - mean).abs() / variance.sqrt()
        } else {
            f64::NEG_INFINITY
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a rule answers to scrapes of counters that grow by `steps`, at the end.
    fn after(
        evaluation: &mut Evaluation,
        counters: &mut [u64],
        steps: &[u64],
        scrapes: usize,
    ) -> f64 {
        let mut answer = f64::NEG_INFINITY;
        for _ in 0..scrapes {
            for (counter, step) in counters.iter_mut().zip(steps) {
                *counter += step;
            }
            answer = evaluation.scraped(counters);
        }
        answer
    }

    fn never(answer: f64) -> bool {
        answer.is_infinite() && answer < 0.0
    }

    #[test]
    fn max_to_mean_fires_five_minutes_after_five_minutes() {
        let (mut rule, mut counters) = (Evaluation::new(Rule::MaxToMean, 2), [0; 2]);
        assert!(never(after(&mut rule, &mut counters, &[10, 30], 39)));
        assert!((after(&mut rule, &mut counters, &[10, 30], 1) - 1.5).abs() < 1e-12);
        // The range is 19 increases; 21 evaluations have to have seen the new ones alone.
        let soon = after(&mut rule, &mut counters, &[0, 40], 38);
        assert!(soon > 1.5 && soon < 2.0, "{soon}");
        assert!((after(&mut rule, &mut counters, &[0, 40], 1) - 2.0).abs() < 1e-12);
    }

    #[test]
    fn without_traffic_nothing_fires() {
        for rule in Rule::ALL {
            let (mut rule, mut counters) = (Evaluation::new(rule, 2), [0; 2]);
            assert!(never(after(&mut rule, &mut counters, &[0, 0], 600)));
        }
    }

    #[test]
    fn limits_see_hot_and_cold() {
        for (steps, expected) in [([10, 30], 2.0), ([20, 28], 1.2), ([0, 5], f64::INFINITY)] {
            let (mut rule, mut counters) = (Evaluation::new(Rule::Limits, 2), [0; 2]);
            let answer = after(&mut rule, &mut counters, &steps, 60);
            let near = (answer - expected).abs() < 1e-12;
            assert!(
                near || answer.is_infinite() && expected.is_infinite(),
                "{steps:?}: {answer}"
            );
        }
    }

    /// By hand: 240 shares, of which all but the last five are 0.4 or 0.6 in turn and those are 1.
    #[test]
    fn z_score_is_that_of_the_definition() {
        let mut recorded = Recorded::default();
        let mut answer = 0.0;
        for index in 0..HOUR + 100 {
            let old = if index % 2 == 0 { 0.4 } else { 0.6 };
            answer = recorded.deviate(if index >= HOUR + 95 { 1.0 } else { old });
        }
        let values = (0..HOUR).map(|index| match index {
            235.. => 1.0,
            index if index % 2 == 0 => 0.4,
            _ => 0.6,
        });
        let mean = values.clone().sum::<f64>() / 240.0;
        let variance = values.map(|value: f64| (value - mean).powi(2)).sum::<f64>() / 240.0;
        assert!(
            (answer - (1.0 - mean) / variance.sqrt()).abs() < 1e-6,
            "{answer}"
        );
    }

    #[test]
    fn z_score_needs_a_change_that_lasts_a_minute() {
        let (mut rule, mut counters) = (Evaluation::new(Rule::ZScore, 2), [0; 2]);
        for _ in 0..200 {
            after(&mut rule, &mut counters, &[9, 11], 1);
            after(&mut rule, &mut counters, &[11, 9], 1);
        }
        // Three increases to fill the range, then five evaluations.
        assert!(after(&mut rule, &mut counters, &[2, 18], 4) < 3.0);
        assert!(after(&mut rule, &mut counters, &[2, 18], 4) > 3.0);
    }
}
