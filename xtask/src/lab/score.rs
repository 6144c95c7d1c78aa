//! What was played before, in a file below cargo's target folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use evenkeel_lab::training::{Level, Scenario};
use serde::{Deserialize, Serialize};

use super::desk::{Ending, Report};
use crate::shell::target;

/// One time that a scenario was played.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Attempt {
    pub(super) solved: bool,
    /// From the symptom to the answer.
    pub(super) seconds: u64,
    pub(super) hints: usize,
    pub(super) wrong: usize,
}

impl Attempt {
    pub(super) fn of(report: &Report, seconds: u64) -> Self {
        Self {
            solved: report.ending == Ending::Solved,
            seconds,
            hints: report.hints,
            wrong: report.wrong,
        }
    }

    /// What it is worth: by how hard the scenario is, a fifth less for each hint, a tenth less for each wrong answer.
    pub(super) fn points(&self, level: Level) -> usize {
        let whole = match level {
            Level::Easy => 100,
            Level::Medium => 200,
            Level::Hard => 300,
        };
        let lost = (20 * self.hints + 10 * self.wrong).min(90);
        if self.solved {
            whole * (100 - lost) / 100
        } else {
            0
        }
    }
}

/// All that was played, by the name of the scenario.
#[derive(Debug, Default)]
pub(super) struct Scores {
    attempts: BTreeMap<String, Vec<Attempt>>,
}

fn file() -> PathBuf {
    target().join("lab-score.json")
}

impl Scores {
    /// Reads the file; there is nothing to read at first.
    pub(super) fn load() -> Result<Self> {
        let file = file();
        if !file.exists() {
            return Ok(Self::default());
        }
        let text = fs::read_to_string(&file);
        let attempts = text
            .map_err(anyhow::Error::from)
            .and_then(|text| Ok(serde_json::from_str(&text)?));
        let attempts = attempts
            .with_context(|| format!("cannot read {}: remove it to begin anew", file.display()))?;
        Ok(Self { attempts })
    }

    /// Adds one, and writes the file.
    pub(super) fn add(mut self, scenario: &Scenario, attempt: &Attempt) -> Result<()> {
        let of_it = self.attempts.entry(scenario.name.to_owned()).or_default();
        of_it.push(attempt.clone());
        let file = file();
        let text = serde_json::to_string_pretty(&self.attempts)?;
        fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))
    }

    /// How often a scenario was played, and the best of it if it was solved.
    pub(super) fn of(&self, scenario: &Scenario) -> (usize, Option<&Attempt>) {
        let attempts = self
            .attempts
            .get(scenario.name)
            .map_or(&[][..], Vec::as_slice);
        let solved = attempts.iter().filter(|attempt| attempt.solved);
        let worth =
            |attempt: &&Attempt| (attempt.points(scenario.level), u64::MAX - attempt.seconds);
        (attempts.len(), solved.max_by_key(worth))
    }
}

#[cfg(test)]
mod tests {
    use evenkeel_lab::training::SCENARIOS;

    use super::*;

    fn attempt(solved: bool, seconds: u64, hints: usize) -> Attempt {
        Attempt {
            solved,
            seconds,
            hints,
            wrong: 0,
        }
    }

    #[test]
    fn the_best_is_that_with_most_points_and_then_the_fastest() {
        let scenario = SCENARIOS[0];
        let all = vec![
            attempt(true, 20, 1),
            attempt(true, 90, 0),
            attempt(true, 60, 0),
            attempt(false, 5, 0),
        ];
        let attempts = BTreeMap::from([(scenario.name.to_owned(), all.clone())]);
        let scores = Scores { attempts };
        assert_eq!(scores.of(scenario), (4, Some(&all[2])));
        assert_eq!(scores.of(SCENARIOS[1]), (0, None));
    }

    #[test]
    fn hints_and_wrong_answers_cost_points() {
        assert_eq!(attempt(true, 1, 0).points(Level::Easy), 100);
        assert_eq!(attempt(true, 1, 2).points(Level::Hard), 180);
        assert_eq!(attempt(true, 1, 9).points(Level::Easy), 10);
        assert_eq!(attempt(false, 1, 0).points(Level::Easy), 0);
    }
}
