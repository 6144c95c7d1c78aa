//! Numbers and times as people read them, in few columns.

use std::time::{Duration, SystemTime};

use crate::model::rfc3339;

/// Stands for what is not known.
pub(in crate::top) const NOTHING: &str = "–";

/// A part of a whole.
pub(in crate::top) fn percent(part: f64) -> String {
    if part >= 0.9995 {
        return format!("{:.0} %", part * 100.0);
    }
    format!("{:.1} %", part * 100.0)
}

/// What there may be none of.
pub(in crate::top) fn or_nothing<T>(value: Option<T>, text: impl FnOnce(T) -> String) -> String {
    value.map_or_else(|| NOTHING.to_owned(), text)
}

/// Three significant digits, more only before the point.
pub(in crate::top) fn short(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        small if small < 0.0095 => "<0.01".to_owned(),
        small if small < 9.995 => format!("{value:.2}"),
        middle if middle < 99.95 => format!("{value:.1}"),
        large if large < 99_999.5 => format!("{value:.0}"),
        _ => scaled(value, 1000.0),
    }
}

/// A count; in thousands, millions and so on when it is large.
pub(in crate::top) fn count(value: u64) -> String {
    if value < 100_000 {
        return value.to_string();
    }
    scaled(value as f64, 1000.0)
}

/// Bytes, in powers of 1024.
pub(in crate::top) fn bytes(value: u64) -> String {
    if value < 1024 {
        return format!("{value}B");
    }
    scaled(value as f64, 1024.0)
}

/// At most three digits and a unit.
fn scaled(value: f64, step: f64) -> String {
    let mut value = value / step;
    let mut unit = 'k';
    for next in ['M', 'G', 'T', 'P', 'E'] {
        if value < step.min(999.5) {
            break;
        }
        value /= step;
        unit = next;
    }
    if value < 9.95 {
        format!("{value:.1}{unit}")
    } else {
        format!("{value:.0}{unit}")
    }
}

/// Seconds of a handshake.
pub(in crate::top) fn seconds(value: f64) -> String {
    if value < 0.000_999_5 {
        format!("{:.0}µs", value * 1e6)
    } else if value < 0.009_95 {
        format!("{:.1}ms", value * 1e3)
    } else if value < 0.9995 {
        format!("{:.0}ms", value * 1e3)
    } else {
        format!("{value:.1}s")
    }
}

/// A time of two units at most.
pub(in crate::top) fn span(time: Duration) -> String {
    let whole = time.saturating_add(Duration::from_millis(500)).as_secs();
    let units = [
        (86_400, "d", 3600, "h"),
        (3600, "h", 60, "min"),
        (60, "min", 1, "s"),
    ];
    for (size, unit, next, below) in units {
        if whole >= size {
            let rest = whole % size / next;
            return if rest > 0 {
                format!("{} {unit} {rest} {below}", whole / size)
            } else {
                format!("{} {unit}", whole / size)
            };
        }
    }
    format!("{whole} s")
}

/// How long `then` was before `now`, in one unit.
pub(in crate::top) fn roughly_since(then: SystemTime, now: SystemTime) -> String {
    let exact = since(then, now);
    let mut words = exact.split(' ');
    let (number, unit) = (words.next(), words.next());
    format!(
        "{} {}",
        number.unwrap_or_default(),
        unit.unwrap_or_default()
    )
}

/// How long `then` was before `now`.
pub(in crate::top) fn since(then: SystemTime, now: SystemTime) -> String {
    span(now.duration_since(then).unwrap_or_default())
}

/// A moment, to the second.
pub(in crate::top) fn moment(time: SystemTime) -> String {
    let text = rfc3339(time).to_string();
    format!(
        "{} {}Z",
        text.get(..10).unwrap_or_default(),
        text.get(11..19).unwrap_or_default()
    )
}

/// Evidence, which is given as power of ten.
pub(in crate::top) fn power(exponent: f64) -> String {
    format!("10^{exponent:.1}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_take_few_columns() {
        let shorts = [0.0, 0.004, 1.234, 9.999, 99.99, 12_345.6, 123_456.0];
        assert_eq!(
            shorts.map(short),
            ["0", "<0.01", "1.23", "10.0", "100", "12346", "123k"]
        );
        let counts = [0, 99_999, 100_000, 1_234_567, 999_600_000, u64::MAX];
        assert_eq!(
            counts.map(count),
            ["0", "99999", "100k", "1.2M", "1.0G", "18E"]
        );
        assert_eq!(
            [5, 1024, 1_000_000, 123_456_789_012].map(bytes),
            ["5B", "1.0k", "977k", "115G"]
        );
        assert_eq!(
            [0.000_042, 0.001_234, 0.0421, 1.26].map(seconds),
            ["42µs", "1.2ms", "42ms", "1.3s"]
        );
    }

    #[test]
    fn times_have_two_units_at_most() {
        let spans = [0, 59, 60, 61, 3600, 7260, 90_000].map(|s| span(Duration::from_secs(s)));
        assert_eq!(
            spans,
            [
                "0 s",
                "59 s",
                "1 min",
                "1 min 1 s",
                "1 h",
                "2 h 1 min",
                "1 d 1 h"
            ]
        );
        assert_eq!(moment(SystemTime::UNIX_EPOCH), "1970-01-01 00:00:00Z");
    }
}
