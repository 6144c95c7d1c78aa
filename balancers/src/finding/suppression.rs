//! Comments that allow a finding: `# evenkeel: allow NGX-001 until 2027-01-31 because canary`.

use std::ops::RangeInclusive;

use super::rule::{Rule, rule};
use crate::date::Date;
use crate::source::Place;

/// What begins a comment that is meant for the audit.
const MARK: &str = "evenkeel:";
/// What such a comment looks like.
pub(super) const FORM: &str =
    "write `evenkeel: allow NGX-001 until 2027-01-31 because REASON`; the `until` may be left out";

/// A comment, as a product's reader met it.
#[derive(Clone, Debug)]
pub(crate) struct Comment<'a> {
    /// Without what begins a comment in the product's language.
    pub(crate) text: &'a str,
    /// Where.
    pub(crate) place: Place,
}

/// What a comment for the audit says.
#[derive(Clone, Debug)]
pub(crate) struct Suppression {
    /// Where it says so.
    pub(super) place: Place,
    /// The lines of the same file that it holds for.
    pub(super) covers: RangeInclusive<u32>,
    pub(super) says: Result<Allow, String>,
}

/// What is allowed, why, and until when.
#[derive(Clone, Debug)]
pub(super) struct Allow {
    pub(super) rules: Vec<&'static Rule>,
    pub(super) until: Option<Date>,
    pub(super) because: String,
}

impl Comment<'_> {
    /// What the comment says to the audit; `None` if it is meant for others.
    pub(crate) fn suppression(&self, covers: RangeInclusive<u32>) -> Option<Suppression> {
        let text = self.text.trim_start();
        let said = text
            .get(..MARK.len())
            .filter(|start| start.eq_ignore_ascii_case(MARK))
            .map(|_| &text[MARK.len()..])?;
        Some(Suppression {
            place: self.place,
            covers,
            says: parse(said.trim()),
        })
    }
}

/// Reads what follows the mark; errors say what is wrong and what to write.
fn parse(text: &str) -> Result<Allow, String> {
    let said = text
        .strip_prefix("allow ")
        .ok_or_else(|| "it does not say `allow`".to_owned())?;
    let (said, because) = match said.split_once("because") {
        Some((said, because)) if !because.trim().is_empty() => (said, because.trim()),
        _ => return Err("it gives no reason".to_owned()),
    };
    let (ids, until) = match said.split_once(" until ") {
        Some((ids, until)) => (ids, Some(day(until.trim())?)),
        None => (said, None),
    };
    let ids = ids.split([',', ' ', '\t']).filter(|id| !id.is_empty());
    let rules: Vec<&'static Rule> = ids.map(known).collect::<Result<_, _>>()?;
    if rules.is_empty() {
        return Err("it names no rule".to_owned());
    }
    Ok(Allow {
        rules,
        until,
        because: because.to_owned(),
    })
}

fn day(text: &str) -> Result<Date, String> {
    text.parse()
        .map_err(|error| format!("`{}` is {error}", short(text)))
}

fn known(id: &str) -> Result<&'static Rule, String> {
    rule(id).ok_or_else(|| format!("there is no rule `{}`", short(id)))
}

/// What a user wrote, cut if it is long, without control characters.
fn short(text: &str) -> String {
    let shown = text.chars().filter(|char| !char.is_control());
    shown.take(40).collect()
}

impl Suppression {
    /// Where the comment is.
    pub(crate) fn place(&self) -> Place {
        self.place
    }
}
