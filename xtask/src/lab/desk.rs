//! The conversation: three questions, hints, and what is right and wrong about an answer.

use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::Result;
use evenkeel_lab::training::{ANSWERS, Answer, EVEN, Room, Scenario, Seat, answer};

use super::answers::{backends, cause};
use super::keyboard::{Said, Trainee};
use super::paper::Paper;

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// With the right answer.
    Solved,
    /// The trainee wanted to be told.
    GivenUp,
    /// The trainee had enough.
    Quit,
    /// There was no more input.
    EndOfInput,
    /// The time was over.
    OutOfTime,
}

/// What came of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Report {
    pub(super) ending: Ending,
    pub(super) hints: usize,
    pub(super) wrong: usize,
}

/// What is asked about, and whom to ask for the truth.
pub(super) struct Desk<'a> {
    scenario: &'static Scenario,
    /// Each pool that is watched, with its backends in its order.
    pools: Vec<(&'static str, Vec<SocketAddr>)>,
    culprits: Vec<SocketAddr>,
    /// Each backend of the pool that matters with its share over what it should have, by the backends' own account.
    truth: Box<dyn Fn() -> Vec<(SocketAddr, f64)> + 'a>,
    places: String,
    paper: Paper,
}

/// What a trainee says instead of an answer, or as one.
enum Reply {
    Words(String),
    End(Ending),
}

/// A whole answer.
struct Given {
    pool: Option<usize>,
    backends: Vec<SocketAddr>,
    cause: &'static str,
}

impl<'a> Desk<'a> {
    /// For a scenario that has gone wrong.
    pub(super) fn new(room: &Room<'_>, seat: &'a Seat<'_>, binary: &Path, paper: Paper) -> Self {
        let mut pools: Vec<_> = room
            .seats
            .iter()
            .map(|seat| (seat.scenario.pool, seat.stage.backends()))
            .collect();
        pools.sort_unstable();
        Self {
            scenario: seat.scenario,
            pools,
            culprits: seat.culprits.clone(),
            truth: Box::new(|| seat.stage.truth(seat.scenario.signal)),
            places: paper.places(room, binary),
            paper,
        }
    }

    /// Asks until the answer is right, or somebody wants the end.
    pub(super) fn talk(&self, trainee: &mut impl Trainee, out: &mut impl Write) -> Result<Report> {
        let mut talk = Talk {
            desk: self,
            trainee,
            out,
            hints: 0,
        };
        let mut wrong = 0;
        let ending = loop {
            let given = match talk.ask_all()? {
                Ok(given) => given,
                Err(ending) => break ending,
            };
            let faults = self.faults(&given);
            if faults.is_empty() {
                writeln!(talk.out, "\n{}\n", self.paper.strong("Right!"))?;
                break Ending::Solved;
            }
            wrong += 1;
            writeln!(talk.out, "\n{}", self.paper.strong("Not quite."))?;
            for fault in faults {
                write!(talk.out, "{}", self.paper.item(&fault))?;
            }
            writeln!(talk.out, "Look again; `hint` helps.\n")?;
        };
        Ok(Report {
            ending,
            hints: talk.hints,
            wrong,
        })
    }

    /// What is wrong about an answer, and what is right about it, if anything is wrong.
    fn faults(&self, given: &Given) -> Vec<String> {
        let pool = given.pool.map(|number| self.pools[number].0);
        let even = self.scenario.cause == EVEN;
        match pool {
            None if even => Vec::new(),
            None => vec![format!(
                "There is a pool whose backends do not get what they should: its shares say so. {}",
                "Go through the pools once more."
            )],
            Some(pool) if pool != self.scenario.pool || even => vec![format!(
                "The pool {pool}: each of its backends has its share, of new connections and of open ones. That is what its \
                 verdict says, too."
            )],
            Some(pool) => {
                let backends = self.about_backends(&given.backends);
                let cause = self.about_cause(given.cause);
                if let (Ok(_), Ok(_)) = (&backends, &cause) {
                    return Vec::new();
                }
                let right = format!("The pool {pool}: right.");
                vec![right, either(backends), either(cause)]
            }
        }
    }

    fn about_backends(&self, given: &[SocketAddr]) -> Result<String, String> {
        let truth = (self.truth)();
        let relative = |backend: &SocketAddr| {
            let found = truth.iter().find(|(address, _)| address == backend);
            found.map_or(1.0, |(_, relative)| *relative)
        };
        let far = |backend: &&SocketAddr| (relative(backend) - 1.0).abs() > 0.25;
        let innocent = given
            .iter()
            .find(|it| !self.culprits.contains(it) && !far(it));
        if let Some(innocent) = innocent {
            return Err(format!(
                "{innocent} is not one of them: it gets {:.2} times what it should, which is within the tolerance.",
                relative(innocent)
            ));
        }
        let missed = self.culprits.iter().find(|it| !given.contains(it));
        // Who names all of the other side has seen the same.
        let side = |backend: &SocketAddr| relative(backend) > 1.0;
        let hot = self.culprits.first().is_some_and(side);
        let others: Vec<_> = truth.iter().map(|(address, _)| address).collect();
        let mut others = others
            .iter()
            .filter(|it| far(it) && side(it) != hot)
            .peekable();
        let other_side = others.peek().is_some() && others.all(|it| given.contains(it));
        match missed {
            Some(_) if !other_side => {
                Err("The backends: not all of them, or not those that matter most.".to_owned())
            }
            _ => Ok("The backends: right.".to_owned()),
        }
    }

    fn about_cause(&self, given: &str) -> Result<String, String> {
        let pattern = answer(given).map_or("", |answer| answer.pattern);
        if given == self.scenario.cause {
            Ok("The cause: right.".to_owned())
        } else {
            Err(format!("The cause is another: if it were that, {pattern}."))
        }
    }
}

fn either(about: Result<String, String>) -> String {
    about.unwrap_or_else(|wrong| wrong)
}

/// A session under way.
struct Talk<'d, 'a, T, W> {
    desk: &'d Desk<'a>,
    trainee: &'d mut T,
    out: &'d mut W,
    hints: usize,
}

impl<T: Trainee, W: Write> Talk<'_, '_, T, W> {
    /// All three answers, or why there are none.
    fn ask_all(&mut self) -> Result<Result<Given, Ending>> {
        let pool = match self.ask_pool()? {
            Ok(Some(pool)) => pool,
            Ok(None) => {
                return Ok(Ok(Given {
                    pool: None,
                    backends: Vec::new(),
                    cause: EVEN,
                }));
            }
            Err(ending) => return Ok(Err(ending)),
        };
        let backends = match self.ask_backends(pool)? {
            Ok(backends) => backends,
            Err(ending) => return Ok(Err(ending)),
        };
        Ok(self.ask_cause()?.map(|cause| Given {
            pool: Some(pool),
            backends,
            cause: cause.id,
        }))
    }

    fn ask_pool(&mut self) -> Result<Result<Option<usize>, Ending>> {
        let names: Vec<&str> = self.desk.pools.iter().map(|(name, _)| *name).collect();
        let question = format!("Which pool ({}, or none)?", names.join(", "));
        loop {
            let words = match self.ask(&question)? {
                Reply::Words(words) => words.to_lowercase(),
                Reply::End(ending) => return Ok(Err(ending)),
            };
            if ["none", "no", EVEN].contains(&words.as_str()) {
                return Ok(Ok(None));
            }
            if let Some(place) = names.iter().position(|name| *name == words) {
                return Ok(Ok(Some(place)));
            }
            writeln!(self.out, "There is no pool {words:?}.")?;
        }
    }

    fn ask_backends(&mut self, pool: usize) -> Result<Result<Vec<SocketAddr>, Ending>> {
        let all = &self.desk.pools[pool].1;
        for (backend, number) in all.iter().zip(1..) {
            writeln!(self.out, "  {number:2}  {backend}")?;
        }
        loop {
            let question =
                "Which backends get too much or too little (one or more, the fewest that tell it)?";
            let words = match self.ask(question)? {
                Reply::Words(words) => words,
                Reply::End(ending) => return Ok(Err(ending)),
            };
            match backends(&words, all) {
                Ok(found) if !found.is_empty() => return Ok(Ok(found)),
                Ok(_) => writeln!(self.out, "At least one.")?,
                Err(word) => writeln!(self.out, "The pool has no backend {word:?}.")?,
            }
        }
    }

    fn ask_cause(&mut self) -> Result<Result<&'static Answer, Ending>> {
        for (answer, number) in ANSWERS.iter().zip(1..) {
            writeln!(self.out, "  {number:2}  {:20} {}", answer.id, answer.words)?;
        }
        loop {
            let words = match self.ask("What is the cause (number or word)?")? {
                Reply::Words(words) => words,
                Reply::End(ending) => return Ok(Err(ending)),
            };
            match cause(&words) {
                Some(answer) => return Ok(Ok(answer)),
                None => writeln!(self.out, "There is no cause {words:?} in the list.")?,
            }
        }
    }

    /// Asks until there is something that is neither nothing nor a request for help.
    fn ask(&mut self, question: &str) -> Result<Reply> {
        loop {
            write!(self.out, "{} ", self.desk.paper.strong(question))?;
            self.out.flush()?;
            let words = match self.trainee.listen()? {
                Said::Line(words) => words,
                Said::Nothing => return Ok(Reply::End(Ending::EndOfInput)),
                Said::TooLate => return Ok(Reply::End(Ending::OutOfTime)),
            };
            match words.to_lowercase().as_str() {
                "" => {}
                "hint" => self.hint()?,
                "look" | "help" | "?" => write!(self.out, "{}", self.desk.places)?,
                "give up" | "giveup" => return Ok(Reply::End(Ending::GivenUp)),
                "quit" | "exit" => return Ok(Reply::End(Ending::Quit)),
                _ => return Ok(Reply::Words(words)),
            }
        }
    }

    fn hint(&mut self) -> Result<()> {
        let hints = self.desk.scenario.hints;
        let paper = self.desk.paper;
        match hints.get(self.hints) {
            Some(hint) => {
                self.hints += 1;
                write!(
                    self.out,
                    "{}",
                    paper.item(&format!("Hint {} of {}: {hint}", self.hints, hints.len()))
                )?;
            }
            None => writeln!(self.out, "There are no more hints; `give up` tells it all.")?,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
