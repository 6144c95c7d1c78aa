//! What is wrong with a configuration, printed so that it can be put right at once.

use std::fmt;

use evenkeel_balancers::source::Excerpt;

/// All that is wrong with a configuration file; printed as a report of several lines.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{}", Report(self))]
pub struct ConfigError {
    name: String,
    problems: Vec<Problem>,
    omitted: usize,
}

impl ConfigError {
    /// How many problems a report prints.
    const PRINTED: usize = 20;

    /// `name` is what the user calls the file; `omitted` problems were found beyond those given.
    pub(super) fn new(name: &str, mut problems: Vec<Problem>, omitted: usize) -> Self {
        problems.sort_by_key(|problem| problem.position.as_ref().map(|at| (at.line, at.column)));
        // What an alias repeats is wrong only once.
        problems.dedup();
        Self {
            name: name.to_owned(),
            problems,
            omitted,
        }
    }

    /// An error about the file as a whole.
    pub(super) fn of_file(name: &str, message: String, help: impl Into<Option<String>>) -> Self {
        let problem = Problem {
            position: None,
            message,
            help: help.into(),
        };
        Self::new(name, vec![problem], 0)
    }

    /// The problems in the order of the file, at most a thousand; never empty.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

/// One thing to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where; `None` if the file as a whole is meant.
    pub position: Option<Position>,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

/// A stretch of one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// Counted from 1.
    pub line: usize,
    /// In characters, counted from 1.
    pub column: usize,
    /// In characters, at least 1.
    pub length: usize,
    /// The line, or the part of a very long one that matters.
    pub(super) excerpt: Excerpt,
}

/// Prints a [`ConfigError`].
struct Report<'a>(&'a ConfigError);

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ConfigError {
            name,
            problems,
            omitted,
        } = self.0;
        for (index, problem) in problems.iter().take(ConfigError::PRINTED).enumerate() {
            if index > 0 {
                f.write_str("\n\n")?;
            }
            print(f, name, problem)?;
        }
        let more = problems.len().saturating_sub(ConfigError::PRINTED) + omitted;
        match more {
            0 => Ok(()),
            1 => f.write_str("\n\n… and 1 more problem"),
            _ => write!(f, "\n\n… and {more} more problems"),
        }
    }
}

/// Prints one problem, without a line break at its end.
fn print(f: &mut fmt::Formatter<'_>, name: &str, problem: &Problem) -> fmt::Result {
    let Problem {
        position,
        message,
        help,
    } = problem;
    let Some(at) = position else {
        write!(f, "{name}: error: {message}")?;
        return help
            .as_ref()
            .map_or(Ok(()), |help| write!(f, "\n  = help: {help}"));
    };
    let number = at.line.to_string();
    let margin = " ".repeat(number.len());
    let line = &at.excerpt.line;
    let indent = " ".repeat(at.excerpt.indent);
    let carets = "^".repeat(at.excerpt.carets);
    writeln!(f, "{name}:{}:{}: error: {message}", at.line, at.column)?;
    writeln!(f, "{margin} |")?;
    writeln!(f, "{number} | {line}")?;
    write!(f, "{margin} | {indent}{carets}")?;
    help.as_ref()
        .map_or(Ok(()), |help| write!(f, "\n{margin} = help: {help}"))
}
