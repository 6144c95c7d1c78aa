//! Moments on the command line.

use std::time::{Duration, SystemTime};

/// A moment, or how long before the moment at which the command runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::commands) enum When {
    At(SystemTime),
    Ago(Duration),
}

impl When {
    /// The moment that is meant at `now`.
    pub(super) fn resolve(self, now: SystemTime) -> SystemTime {
        match self {
            Self::At(time) => time,
            Self::Ago(time) => now.checked_sub(time).unwrap_or(SystemTime::UNIX_EPOCH),
        }
    }
}

/// RFC 3339, seconds since the epoch, `now`, or `-6h`.
pub(super) fn moment(text: &str) -> Result<When, String> {
    if text == "now" {
        return Ok(When::Ago(Duration::ZERO));
    }
    if let Some(ago) = text.strip_prefix('-') {
        let ago = humantime::parse_duration(ago).map_err(|error| error.to_string())?;
        return Ok(When::Ago(ago));
    }
    if let Ok(seconds) = text.parse() {
        let since = Duration::try_from_secs_f64(seconds).ok();
        let time = since.and_then(|since| SystemTime::UNIX_EPOCH.checked_add(since));
        return time
            .map(When::At)
            .ok_or_else(|| "there is no such time".to_owned());
    }
    let time = humantime::parse_rfc3339(text);
    time.map(When::At).or(Err(
        "write it like `2026-01-31T14:00:00Z`, `1769868000`, `-6h` or `now`; times are in UTC"
            .to_owned(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_in_four_ways() {
        let second = |second| SystemTime::UNIX_EPOCH + Duration::from_secs(second);
        for (text, when) in [
            ("2027-01-15T08:00:00Z", second(1_800_000_000)),
            ("1800000000", second(1_800_000_000)),
            ("now", second(1_900_000_000)),
            ("-1h 30m", second(1_900_000_000 - 5400)),
        ] {
            let found = moment(text).unwrap().resolve(second(1_900_000_000));
            assert_eq!(found, when, "{text}");
        }
        for text in ["", "yesterday", "-", "-6", "1e300", "2027-01-15"] {
            assert!(moment(text).is_err(), "{text}");
        }
    }
}
