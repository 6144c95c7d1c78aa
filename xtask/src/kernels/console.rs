//! What a machine said, and whether it is good.

use std::fmt::Write as _;

use anyhow::{Result, bail};
use evenkeel_lab::guest::{Check, Line, Outcome};

use super::seconds;

/// How many of the console's last lines are shown if something is wrong.
const TAIL: usize = 40;

/// Everything from a machine's console.
#[derive(Debug, Default)]
pub(super) struct Transcript {
    console: Vec<String>,
    passed: Vec<Check>,
    wrong: Vec<String>,
    verdict: bool,
}

impl Transcript {
    /// Takes one more line; gives what is to be shown of it, if anything.
    pub(super) fn push(&mut self, line: &str) -> Option<String> {
        let shown = match Line::decode(line) {
            Ok(None) => None,
            Ok(Some(line)) => self.heard(line),
            Err(error) => {
                self.wrong.push(format!("{error:#}"));
                None
            }
        };
        self.console.push(line.trim_end().to_owned());
        shown
    }

    fn heard(&mut self, line: Line) -> Option<String> {
        match line {
            Line::Ended {
                check,
                took,
                outcome: Outcome::Passed(note),
            } => {
                self.passed.push(check);
                Some(format!(
                    "  {:<18} {:>6}  {note}",
                    check.to_string(),
                    seconds(took)
                ))
            }
            Line::Ended {
                check,
                took,
                outcome: Outcome::Failed(error),
            } => {
                self.wrong.push(format!("{check}: {error}"));
                Some(format!(
                    "  {:<18} {:>6}  FAILED",
                    check.to_string(),
                    seconds(took)
                ))
            }
            Line::Verdict { error } => {
                self.verdict = true;
                self.wrong
                    .extend(error.map(|error| format!("the machine gave up: {error}")));
                None
            }
        }
    }

    /// Notes what went wrong outside of the machine.
    pub(super) fn fault(&mut self, what: String) {
        self.wrong.push(what);
    }

    /// An error with all that is wrong or missing, and with the end of the console, unless every check has passed.
    pub(super) fn judge(&self) -> Result<()> {
        let mut wrong = self.wrong.clone();
        let missing = Check::ALL
            .iter()
            .filter(|check| !self.passed.contains(check));
        let missing: Vec<String> = missing.map(Check::to_string).collect();
        if !missing.is_empty() {
            wrong.push(format!("not passed: {}", missing.join(", ")));
        }
        if !self.verdict {
            wrong.push("the machine did not come to its end".to_owned());
        }
        if wrong.is_empty() {
            return Ok(());
        }
        let mut text = wrong.join("\n");
        write!(text, "\nthe end of its console:")?;
        for line in &self.console[self.console.len().saturating_sub(TAIL)..] {
            write!(text, "\n  | {line}")?;
        }
        bail!(text)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Check, Line, Outcome, Transcript};

    fn passed(check: Check) -> String {
        let outcome = Outcome::Passed(String::new());
        Line::Ended {
            check,
            took: Duration::ZERO,
            outcome,
        }
        .encode()
        .unwrap()
    }

    fn verdict() -> String {
        Line::Verdict { error: None }.encode().unwrap()
    }

    fn judged(lines: impl IntoIterator<Item = String>) -> Result<(), String> {
        let mut transcript = Transcript::default();
        for line in lines {
            transcript.push(&line);
        }
        transcript.judge().map_err(|error| error.to_string())
    }

    #[test]
    fn all_checks_and_a_verdict_are_good() {
        let noise = ["[    0.0] Linux version 6.1".to_owned()];
        assert_eq!(
            judged(
                noise
                    .into_iter()
                    .chain(Check::ALL.map(passed))
                    .chain([verdict()])
            ),
            Ok(())
        );
    }

    #[test]
    fn a_check_that_is_missing_or_fails_is_not() {
        let most = || {
            Check::ALL
                .into_iter()
                .filter(|check| *check != Check::Traffic)
                .map(passed)
        };
        let error = judged(most().chain([verdict()])).unwrap_err();
        assert!(error.contains("not passed: traffic"), "{error}");

        let outcome = Outcome::Failed("one too many".to_owned());
        let failed = Line::Ended {
            check: Check::Traffic,
            took: Duration::ZERO,
            outcome,
        };
        let error = judged(most().chain([failed.encode().unwrap(), verdict()])).unwrap_err();
        assert!(error.contains("traffic: one too many"), "{error}");
    }

    #[test]
    fn a_machine_that_dies_shows_its_console() {
        let oops = "[    9.9] Kernel panic - not syncing".to_owned();
        let error = judged(Check::ALL.map(passed).into_iter().chain([oops])).unwrap_err();
        assert!(
            error.contains("did not come to its end")
                && error.contains("  | [    9.9] Kernel panic"),
            "{error}"
        );
    }
}
