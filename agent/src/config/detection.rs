//! Checks how pools are judged.

use std::collections::HashMap;
use std::time::Duration;

use super::place::{At, Place};
use super::problems::{Noted, Problems, quote};
use super::raw;
use super::shape::{Field, Items, Scalar, Value};
use super::suggest::closest;
use super::value::{Bounds, Key};
use crate::model::{Detection, Signal};

const DETECTION: Key<'_> = Key {
    name: "detection",
    example: "detection: {tolerance: 0.25}",
    expects: "a mapping",
};
const TOLERANCE: Key<'_> = Key {
    name: "tolerance",
    example: "tolerance: 0.25",
    expects: "a number",
};
const FALSE_ALARM_EVERY: Key<'_> = Key {
    name: "false_alarm_every",
    example: "false_alarm_every: 90d",
    expects: "a duration",
};
const FOR: Key<'_> = Key {
    name: "for",
    example: "for: 30s",
    expects: "a duration",
};
const SIGNALS: Key<'_> = Key {
    name: "signals",
    example: "signals: [opened, active]",
    expects: "a list",
};
const SIGNAL: Key<'_> = Key {
    name: "a signal",
    example: "signals: [opened, active]",
    expects: "`opened`, `active` or `bytes`",
};

/// A limit that no share ever passes is none: 10 allows eleven times the expected share.
pub(crate) const LARGEST_TOLERANCE: f64 = 10.0;

const HOUR: Duration = Duration::from_secs(60 * 60);

/// The least is longer than any `interval`: there is more than one reading between false alarms. The most is
/// 100 years, beyond which a promise means nothing.
const FALSE_ALARMS: Bounds = Bounds {
    least: HOUR,
    most: Duration::from_secs(100 * 365 * 24 * HOUR.as_secs()),
    least_from: None,
};
const HOLDS: Bounds = Bounds {
    least: Duration::ZERO,
    most: Duration::from_secs(24 * HOUR.as_secs()),
    least_from: None,
};

/// `detection`.
pub(super) fn detection(problems: &mut Problems<'_>, field: Field<raw::Detection>) -> Detection {
    let default = Detection::default();
    let Ok(section) = problems.fit(DETECTION, field) else {
        return default;
    };
    let (detection, _) = problems.admit(section.value);
    let tolerance = detection
        .tolerance
        .and_then(|field| tolerance(problems, field).ok());
    let mut duration = |key, field: Option<Field<Scalar>>, bounds| {
        field.and_then(|field| problems.duration(key, field, bounds).ok())
    };
    let every = duration(FALSE_ALARM_EVERY, detection.false_alarm_every, FALSE_ALARMS);
    let hold = duration(FOR, detection.hold, HOLDS);
    let signals = detection
        .signals
        .and_then(|field| signals(problems, field).ok());
    Detection {
        tolerance: tolerance.unwrap_or(default.tolerance),
        false_alarm_every: every.unwrap_or(default.false_alarm_every),
        hold: hold.unwrap_or(default.hold),
        signals: signals.unwrap_or(default.signals),
    }
}

/// A tolerance, of all pools or of one.
pub(super) fn tolerance(problems: &mut Problems<'_>, field: Field<Scalar>) -> Result<f64, Noted> {
    let At { value, place } = problems.number(TOLERANCE, field)?;
    if value > 0.0 && value <= LARGEST_TOLERANCE {
        return Ok(value);
    }
    Err(problems.note(
        place,
        format!("`tolerance` must be greater than 0 and at most {LARGEST_TOLERANCE}"),
        "write the part by which a share may differ: `tolerance: 0.25` for 25 %",
    ))
}

fn signals(problems: &mut Problems<'_>, field: Field<Items<Scalar>>) -> Result<Vec<Signal>, Noted> {
    let key = field.key;
    let At { value: items, .. } = problems.fit(SIGNALS, field)?;
    if items.kept.is_empty() {
        return Err(problems.note(
            key,
            "`signals` is empty, so nothing would be judged",
            "list at least one of `opened`, `active` and `bytes`, or remove the key",
        ));
    }
    let mut lines = HashMap::new();
    let signals: Vec<_> = items
        .kept
        .into_iter()
        .map(|item| signal(problems, item, &mut lines))
        .collect();
    signals.into_iter().collect()
}

/// One signal; `lines` holds those so far with their lines.
fn signal(
    problems: &mut Problems<'_>,
    item: At<Value<Scalar>>,
    lines: &mut HashMap<Signal, u32>,
) -> Result<Signal, Noted> {
    let field = Field {
        key: item.place,
        value: item,
    };
    let At { value, place } = problems.text(SIGNAL, field)?;
    let signal = match &*value {
        "opened" => Signal::Opened,
        "active" => Signal::Active,
        "bytes" => Signal::Bytes,
        "failed" => {
            return Err(problems.note(
                place,
                "`failed` cannot be chosen: failing connects are always judged",
                "remove it from the list",
            ));
        }
        other => return Err(unknown(problems, other, place)),
    };
    if let Some(line) = lines.insert(signal, place.line) {
        let message = format!("the signal `{value}` is listed twice");
        let help = format!("it was on line {line} before: remove one of the two");
        return Err(problems.note(place, message, help));
    }
    Ok(signal)
}

/// Notes what is no signal.
fn unknown(problems: &mut Problems<'_>, written: &str, place: Place) -> Noted {
    let meant = closest(written, &["opened", "active", "bytes"])
        .map_or(String::new(), |meant| format!("did you mean `{meant}`? "));
    problems.note(
        place,
        format!("{} is not a signal", quote(written)),
        format!(
            "{meant}write `opened` for new connections, `active` for open ones, `bytes` for what they carry"
        ),
    )
}
