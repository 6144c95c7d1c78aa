//! Calls the YAML parser, within limits, and puts its errors into words for people who write configuration.

use serde_saphyr::budget::BudgetBreach;
use serde_saphyr::options::{DuplicateKeyPolicy, NonFiniteFloatPolicy};
use serde_saphyr::{Error, MessageFormatter, Options, UserMessageFormatter};

use super::excerpt::excerpt;
use super::place::{At, Place};
use super::problems::{Problems, quote};
use super::shape::{Shape, Value};

/// The most YAML values (keys, scalars, lists and mappings) in one file: enough for the most backends, with a
/// weight and a dozen labels each.
const MAX_NODES: usize = 4_000_000;

/// The most values that aliases may repeat.
const MAX_REPEATED: usize = 1_000_000;

/// How deep values may nest: four times what any key needs. A level takes up to 25 KiB of stack in a debug build, of which a thread has 2 MiB.
const MAX_DEPTH: usize = 24;

/// Reads the text; what the parser refuses becomes the one problem noted.
pub(super) fn parse<T: Shape>(problems: &mut Problems<'_>) -> Option<At<Value<T>>> {
    serde_saphyr::from_str_with_options(problems.source(), options())
        .map_err(|error| explain(&error, problems))
        .ok()
}

fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: MAX_DEPTH,
            max_nodes: MAX_NODES,
            // A value is one event, or two if it is a list or mapping.
            max_events: 2 * MAX_NODES,
            max_documents: 1,
            // One anchored set of labels may serve thousands of backends: `alias_limits` bounds the work.
            enforce_alias_anchor_ratio: false,
            max_aliases: MAX_REPEATED,
        },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: MAX_REPEATED },
        // Comments would count against limits of their own.
        emit_comments: false,
        // Both are found and reported together with everything else.
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
        strict_booleans: true,
        reject_unsupported_tags: true,
        with_snippet: false,
    }
}

/// Notes what the parser refused.
fn explain(error: &Error, problems: &mut Problems<'_>) {
    let place = error.location().map_or(Place::point(1, 1, 0), Place::from);
    let (message, help) = words(error, || excerpt(problems.source(), place).line);
    problems.note(place, message, help);
}

/// What is wrong and what to do; `line` gives the line on which it is.
fn words(error: &Error, line: impl Fn() -> String) -> (String, String) {
    let (message, help) = match error {
        Error::ExternalMessage { msg, .. } => return (msg.clone(), hint(msg, &line()).to_owned()),
        Error::AliasError { error, .. } | Error::WithSnippet { error, .. } => {
            return words(error, line);
        }
        Error::UnsupportedTag { tag, .. } => {
            let message = format!("the tag {} has no meaning here", quote(tag));
            return (message, "remove it".to_owned());
        }
        Error::MultipleDocuments { .. }
        | Error::Budget {
            breach: BudgetBreach::Documents { .. },
            ..
        } => (
            "a second YAML document begins here",
            "keep one: remove the `---` before this line, or what follows it",
        ),
        Error::UnknownAnchor { .. } => (
            "this alias refers to an anchor that is not defined above",
            "define it with `&name` on the value that is to be repeated, before its first use",
        ),
        Error::RecursiveReferencesRequireWeakTypes { .. } => (
            "this alias refers to a value that it is itself a part of",
            "write the value out",
        ),
        Error::MergeValueNotMapOrSeqOfMaps { .. } => (
            "`<<` can merge a mapping only",
            "give it an alias to a mapping, such as `<<: *common`",
        ),
        Error::Unexpected { .. } | Error::NullIntoString { .. } => (
            "a key must be text",
            "write `key: value`, with a word for the key",
        ),
        Error::AliasReplayCounterOverflow { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => REPEATS,
        Error::Budget { breach, .. } => limit(breach),
        other => {
            let message = UserMessageFormatter.format_message(other).into_owned();
            return (message, hint("", &line()).to_owned());
        }
    };
    (message.to_owned(), help.to_owned())
}

const REPEATS: (&str, &str) = (
    "the aliases of this file repeat too many values",
    "use fewer aliases, or write the values out",
);

/// Which limit was exceeded.
fn limit(breach: &BudgetBreach) -> (&'static str, &'static str) {
    match breach {
        BudgetBreach::Depth { .. } => (
            "lists and mappings are nested too deeply here",
            "no key needs more than six levels: look for brackets that are not closed",
        ),
        BudgetBreach::Events { .. }
        | BudgetBreach::Nodes { .. }
        | BudgetBreach::ScalarBytes { .. } => (
            "the file holds more than 4,000,000 values",
            "at most 100,000 backends can be watched: spread them over several agents",
        ),
        _ => REPEATS,
    }
}

/// What most likely led to a syntax error.
fn hint(message: &str, line: &str) -> &'static str {
    let said = |part: &str| message.contains(part);
    if line.contains("]:") {
        "put quotes around an IPv6 address in brackets: \"[2001:db8::1]:8080\""
    } else if said("tab") {
        "indent with spaces"
    } else if said("mapping values") {
        "put quotes around a value that has `: ` in it; otherwise check the indentation of this line and the one before"
    } else if said("bracket") || said("flow") || said("placement") {
        "close every `[` with `]` and every `{` with `}`"
    } else if said("quoted") {
        "close the quote on the line that it was opened on"
    } else if said("`\\u{") {
        "remove this character, which cannot be seen"
    } else if said("unexpected character") {
        "put quotes around a value that begins with a special character"
    } else if said("expected key") || said("expected '-'") || said("indent") {
        "indent this line like the keys that it belongs with"
    } else {
        "check the indentation, brackets and quotes here and on the line before"
    }
}
