//! What was seen, in the end; and whether it is what must be seen.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use super::finding::{Incident, Verdict};
use super::frame::percent;
use super::history::History;
use super::phase::{Phase, Script, clock};
use super::reading::{Kind, Measures, Reading};
use super::stage::HOT;
use super::text::wrapped;
use crate::shell::root;

/// Columns of what is wrapped.
const WIDTH: usize = 76;

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
    /// From the reload with the wrong weight until the agent called the pool skewed.
    detected_after: Duration,
    /// What the agent said of it in the end.
    incident: Incident,
    /// All verdicts, with their moments.
    verdicts: Vec<(Duration, Verdict)>,
}

impl Summary {
    /// What was seen; an error if measures or verdicts did not move with the weight, or another backend was named.
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
        ensure!(
            value(&during) > 1.5 * value(&before),
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
            detected_after: history
                .detected_after()
                .context("the agent did not find the skew")?,
            incident: incident(history)?,
            verdicts: history.verdicts(),
        })
    }

    /// In words, with what to do next.
    pub(super) fn text(&self, script: &Script, program: &Path, made: u64, counted: u64) -> String {
        let by_chance = Kind::Gini.text(self.before.measures.gini_by_chance);
        let program = program.strip_prefix(root()).unwrap_or(program).display();
        [
            self.table(),
            self.story(),
            format!(
                "The pool's total did not show it: {:.0} connections/s before, {:.0} with it.",
                self.before.rate, self.during.rate
            ),
            format!(
                "In {} s of this traffic a fair random balancer would show a Gini of {by_chance}.",
                script.window().as_secs()
            ),
            format!("The clients made {made} connections; the agent counted {counted}."),
            settings(script),
            "Nothing is left behind.".to_owned(),
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

    /// What the agent said, and when.
    fn story(&self) -> String {
        let verdicts = self.verdicts.iter();
        let verdicts: Vec<String> = verdicts
            .map(|(at, verdict)| format!("{} from {}", verdict.name(), clock(*at)))
            .collect();
        let Incident { hot, cause, .. } = &self.incident;
        let signal = self.incident.noun();
        let verdicts = format!("Verdicts: {}.", verdicts.join(", "));
        let mut lines = wrapped(&verdicts, WIDTH);
        lines.push(format!(
            "The agent called the pool skewed {:.1} s after the reload, and named:",
            self.detected_after.as_secs_f64()
        ));
        lines.extend(hot.iter().map(|hot| {
            let (observed, expected) = (percent(hot.observed_share), percent(hot.expected_share));
            format!(
                "  {} has {observed} of {signal} instead of {expected}",
                hot.backend
            )
        }));
        let cause = wrapped(&format!("{}: {}", cause.id, cause.text), WIDTH - 2);
        lines.extend(cause.into_iter().map(|line| format!("  {line}")));
        if self
            .verdicts
            .last()
            .is_some_and(|(_, last)| *last != Verdict::Even)
        {
            lines.push(
                "The time after the repair was too short to show the pool even again.".to_owned(),
            );
        }
        lines.join("\n")
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

/// What the demo sets otherwise than a user would.
fn settings(script: &Script) -> String {
    let text = format!(
        "Set for the demo: counters are read every 0.5 s, and the window is {} s. The rest is as usual: a tolerance of 25 %, and a \
         false alarm of a pool once in 90 days.",
        script.window().as_secs()
    );
    wrapped(&text, WIDTH).join("\n")
}

/// The incident as it was known at the end of the wrong weight; an error if it is not about the backend that had it, or if
/// there was one before.
fn incident(history: &History) -> Result<Incident> {
    let mut before = history.during(Phase::Even);
    ensure!(
        !before.any(|reading| reading.verdict == Verdict::Skewed),
        "the agent called the even traffic skewed"
    );
    let known =
        |reading: &Reading| Some((reading.incident.clone()?, reading.loads.get(HOT)?.address));
    let last = history.during(Phase::Wrong).rev().find_map(known);
    let (incident, wrong) = last.context("the agent has no incident for the skew")?;
    let named = incident.hot.first().map(|hot| hot.backend);
    ensure!(
        named == Some(wrong),
        "the agent named {named:?} and not {wrong}, which had the wrong weight"
    );
    Ok(incident)
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
        let story = "Verdicts: unknown from 0:00, even from 0:09, skewed from 0:22, even from\n0:53.\n\
                     The agent called the pool skewed 2.0 s after the reload, and named:\n  \
                     127.0.0.13:8080 has 66.7 % of new connections instead of 20.0 %\n  \
                     weights_differ: The shares fit the weights 1, 1, 8, 1, 1";
        assert!(text.contains(story), "{text}");
        assert!(text.contains("and the window is 6 s"), "{text}");
        assert!(!text.contains("too short"), "{text}");
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
    fn a_skew_that_the_agent_does_not_find_is_an_error() {
        let mut history = History::default();
        for (phase, begin) in Phase::ALL.into_iter().zip([0, 20, 45]) {
            history.enter(phase, Duration::from_secs(begin));
            let hot = if phase == Phase::Wrong { 0.6 } else { 0.2 };
            (begin..begin + 15).for_each(|second| history.add(reading(second, hot)));
        }
        let error = Summary::of(&history).unwrap_err().to_string();
        assert!(error.contains("did not find the skew"), "{error}");
    }

    #[test]
    fn a_skew_before_there_is_one_and_a_wrong_name_are_errors() {
        let mut early = History::default();
        early.enter(Phase::Even, Duration::ZERO);
        let skewed = minute(30).latest().cloned().unwrap();
        early.add(skewed.clone());
        let error = incident(&early).unwrap_err().to_string();
        assert!(error.contains("called the even traffic skewed"), "{error}");

        let mut wrong = History::default();
        wrong.enter(Phase::Wrong, Duration::ZERO);
        let mut blamed = skewed;
        let other = blamed.loads[0].address;
        if let Some(incident) = &mut blamed.incident {
            incident.hot[0].backend = other;
        }
        wrong.add(blamed);
        let error = incident(&wrong).unwrap_err().to_string();
        assert!(error.contains("not 127.0.0.13:8080"), "{error}");
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
