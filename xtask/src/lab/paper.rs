//! How it is written: lines of a width that can be read, with emphasis where a terminal shows it.

use std::fmt::Write as _;
use std::path::Path;

use evenkeel_lab::training::{Room, Scenario, Seat};

use super::desk::{Ending, Report};

/// Columns of text.
const WIDTH: usize = 88;

/// A terminal, or not.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paper {
    emphasis: bool,
}

impl Paper {
    /// With emphasis on a terminal, unless `NO_COLOR` forbids it.
    pub(super) fn new(terminal: bool) -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            emphasis: terminal && !plain,
        }
    }

    pub(super) fn strong(self, text: &str) -> String {
        if self.emphasis {
            format!("\x1b[1m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    /// A heading with text below it.
    pub(super) fn part(self, heading: &str, text: &str) -> String {
        format!("{}\n{}\n", self.strong(heading), filled(text, "  ", "  "))
    }

    /// A point of a list.
    #[expect(clippy::unused_self, reason = "as all other text is asked for")]
    pub(super) fn item(self, text: &str) -> String {
        filled(text, "- ", "  ")
    }

    /// What on-call hears, and where to look.
    pub(super) fn briefing(self, room: &Room<'_>, seat: &Seat<'_>, binary: &Path) -> String {
        let scenario = seat.scenario;
        let title = format!("{} ({})", scenario.title, scenario.level.as_str());
        format!(
            "\n{}{}{}",
            self.part(&title, scenario.symptom),
            self.places(room, binary),
            "Find the pool, the backends and the cause. The agent keeps its answer to itself until the\n\
             skew has lasted for three minutes: be faster. `hint` helps, `look` repeats where to look,\n\
             `give up` tells it all, `quit` ends it.\n\n"
        )
    }

    /// Where to look.
    pub(super) fn places(self, room: &Room<'_>, binary: &Path) -> String {
        let url = format!("http://{}", room.agent().address());
        let program = binary.display();
        let mut text = format!("{}\n  page     {url}/\n", self.strong("Where to look"));
        let mut seats: Vec<_> = room.seats.iter().collect();
        seats.sort_unstable_by_key(|seat| seat.scenario.pool);
        // A `String` takes whatever is written to it.
        let _ = writeln!(text, "  top      {program} top --url {url}");
        for seat in seats {
            let balancer = seat.stage.balancer();
            let config = balancer.config_path();
            let _ = writeln!(
                text,
                "  pool {}, balanced on {}",
                seat.scenario.pool,
                balancer.listen()
            );
            let _ = writeln!(text, "    audit  {program} audit {}", config.display());
            if let Some(log) = balancer.access_log() {
                let _ = writeln!(text, "    log    {}", log.display());
            }
            if let Some(socket) = balancer.stats_socket() {
                let _ = writeln!(text, "    stats  {} (HAProxy's socket)", socket.display());
            }
        }
        text.push('\n');
        text
    }

    /// The last lines of a session.
    pub(super) fn farewell(scenario: &Scenario, report: &Report, seconds: u64) -> String {
        let took = format!("{} min {:02} s", seconds / 60, seconds % 60);
        let counted = format!(
            "{}, {}",
            number(report.hints, "hint"),
            number(report.wrong, "wrong answer")
        );
        match report.ending {
            Ending::Solved => format!(
                "Solved in {took}, with {counted}. `cargo xtask lab --score` has all of yours.\n"
            ),
            Ending::GivenUp => format!("Given up after {took}, with {counted}.\n"),
            Ending::Quit => format!(
                "You left it after {took}. `cargo xtask lab {}` begins it anew.\n",
                scenario.name
            ),
            Ending::EndOfInput => format!(
                "\nThe input has ended after {took}, without an answer. `cargo xtask lab --solve {}` shows the solution.\n",
                scenario.name
            ),
            Ending::OutOfTime => "\nThe time is over: somebody may want the machine.\n".to_owned(),
        }
    }
}

fn number(count: usize, what: &str) -> String {
    match count {
        0 => format!("no {what}s"),
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}

/// The text in lines of [`WIDTH`] columns, the first and the others behind these words.
pub(super) fn filled(text: &str, first: &str, others: &str) -> String {
    let mut lines = String::new();
    let mut line = first.to_owned();
    let mut empty = true;
    for word in text.split_whitespace() {
        if !empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push_str(&line);
            lines.push('\n');
            others.clone_into(&mut line);
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    lines + &line + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_filled_between_words() {
        let text = "word ".repeat(40);
        let lines = filled(&text, "- ", "  ");
        assert!(lines.lines().all(|line| line.chars().count() <= WIDTH));
        assert_eq!(lines.lines().count(), 3);
        assert_eq!(lines.split_whitespace().count(), 41);
        assert!(lines.starts_with("- word") && lines.contains("\n  word"));
        assert_eq!(filled("", "- ", ""), "- \n");
    }
}
