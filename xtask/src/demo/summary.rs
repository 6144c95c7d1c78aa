//! What was seen, in the end; and whether it is what must be seen.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use super::history::History;
use super::phase::{Phase, Script};
use super::reading::{Kind, Measures, Reading};
use crate::shell::root;

/// A phase at the moment that tells most.
#[derive(Clone, Copy, Debug)]
struct Moment {
    measures: Measures,
    /// Connections opened per second, over all backends.
    rate: f64,
}

/// What was seen.
#[derive(Debug)]
pub(super) struct Summary {
    before: Moment,
    during: Moment,
    after: Moment,
    /// From the reload with the wrong weight until the picture was beyond chance.
    seen_after: Duration,
}

impl Summary {
    /// What was seen; an error if the measures did not move with the weight.
    pub(super) fn of(history: &History) -> Result<Self> {
        let last = |phase| {
            history
                .during(phase)
                .rev()
                .find_map(|reading| moment(history, reading))
        };
        let before = last(Phase::Even).context("the agent told nothing of the even traffic")?;
        let during = last(Phase::Wrong).context("the agent told nothing of the wrong weight")?;
        let after = last(Phase::Repaired).context("the agent told nothing of the repair")?;
        let value = |moment: &Moment| moment.measures.max_to_mean;
        let gauge = during.measures.gauge(Kind::MaxToMean);
        ensure!(
            gauge.beyond_chance() && value(&during) > 1.5 * value(&before),
            "the wrong weight was not seen: max/mean was {:.2} before and {:.2} with it",
            value(&before),
            value(&during)
        );
        ensure!(
            2.0 * (value(&after) - 1.0) < value(&during) - 1.0,
            "the repair was not seen: max/mean was {:.2} with the wrong weight and {:.2} in the end",
            value(&during),
            value(&after)
        );
        Ok(Self {
            before,
            during,
            after,
            seen_after: seen_after(history).context("the skew was never seen")?,
        })
    }

    /// In words, with what to do next.
    pub(super) fn text(&self, script: &Script, program: &Path, made: u64, counted: u64) -> String {
        let by_chance = Kind::Gini.text(self.before.measures.gini_by_chance);
        let program = program.strip_prefix(root()).unwrap_or(program).display();
        [
            self.table(),
            format!(
                "The skew was beyond chance {:.1} s after the reload.",
                self.seen_after.as_secs_f64()
            ),
            format!(
                "The pool's total did not show it: {:.0} connections/s before, {:.0} with it.",
                self.before.rate, self.during.rate
            ),
            format!(
                "In {} s of this traffic a fair random balancer would show a Gini of {by_chance}.",
                script.window().as_secs()
            ),
            format!("The clients made {made} connections; the agent counted {counted}."),
            "This version measures. It does not decide or alarm yet. Nothing is left behind."
                .to_owned(),
            String::new(),
            "Next:".to_owned(),
            format!("  {program} run                 count here; pools are found by port"),
            format!("  {program} run --config FILE   count your pools, with their weights"),
            format!("  {program} check-config FILE   check a configuration"),
            "  README.md has the rest.".to_owned(),
            String::new(),
        ]
        .join("\n")
    }

    /// A row for each phase.
    fn table(&self) -> String {
        let [max_to_mean, gini, wasted] = Kind::ALL.map(Kind::name);
        let mut text = format!(
            "{:14}{max_to_mean:>10}{gini:>9}{wasted:>18}{:>11}\n",
            "", "opened/s"
        );
        let rows = Phase::ALL
            .into_iter()
            .zip([self.before, self.during, self.after]);
        for (phase, Moment { measures, rate }) in rows {
            let [max_to_mean, gini, wasted] =
                Kind::ALL.map(|kind| kind.text(measures.gauge(kind).now));
            let row = format!(
                "{:14}{max_to_mean:>10}{gini:>9}{wasted:>18}{rate:>11.0}\n",
                phase.name()
            );
            text.push_str(&row);
        }
        text
    }
}

fn moment(history: &History, reading: &Reading) -> Option<Moment> {
    let rate = history.rates(reading)?.iter().sum();
    Some(Moment {
        measures: reading.measures?,
        rate,
    })
}

fn seen_after(history: &History) -> Option<Duration> {
    let reloaded = history.entered(Phase::Wrong)?;
    let beyond = |reading: &&Reading| {
        reading
            .measures
            .is_some_and(|measures| measures.gauge(Kind::MaxToMean).beyond_chance())
    };
    history
        .during(Phase::Wrong)
        .find(beyond)?
        .at
        .checked_sub(reloaded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::history::tests::{minute, reading};

    #[test]
    fn a_skew_that_came_and_went_is_told_with_figures() {
        let script = Script::lasting(Duration::from_secs(60));
        let summary = Summary::of(&minute(60)).unwrap();
        let text = summary.text(&script, Path::new("target/debug/evenkeel"), 18_000, 18_000);
        let table = "                max/mean     Gini   wasted capacity   opened/s\n\
                     even                1.00    0.000               0 %        300\n\
                     wrong weight        3.33    0.467              70 %        300\n\
                     repaired            1.00    0.000               0 %        300\n";
        assert!(text.starts_with(table), "{text}");
        assert!(
            text.contains("beyond chance 0.0 s after the reload"),
            "{text}"
        );
        assert!(
            text.contains("made 18000 connections; the agent counted 18000"),
            "{text}"
        );
    }

    #[test]
    fn measures_that_did_not_move_are_an_error() {
        let mut history = History::default();
        for (phase, begin) in Phase::ALL.into_iter().zip([0, 20, 45]) {
            history.enter(phase, Duration::from_secs(begin));
            (begin..begin + 15).for_each(|second| history.add(reading(second, 0.2)));
        }
        assert!(
            Summary::of(&history)
                .unwrap_err()
                .to_string()
                .contains("the wrong weight was not seen")
        );
    }

    #[test]
    fn a_skew_that_stays_is_an_error() {
        let mut history = minute(44);
        history.enter(Phase::Repaired, Duration::from_secs(45));
        (45..60).for_each(|second| history.add(reading(second, 0.6)));
        assert!(
            Summary::of(&history)
                .unwrap_err()
                .to_string()
                .contains("the repair was not seen")
        );
    }

    #[test]
    fn a_demo_that_was_cut_short_is_an_error() {
        assert!(Summary::of(&minute(10)).is_err());
    }
}
