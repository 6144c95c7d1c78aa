//! Numbers as people read them.

use std::time::Duration;

/// A part of a whole, in percent.
pub(super) fn percent(part: f64) -> String {
    format!("{:.1} %", part * 100.0)
}

/// A whole number in groups of three digits.
pub(super) fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A ratio, or a limit on one.
pub(super) fn ratio(value: f64) -> String {
    let text = format!("{value:.2}");
    text.strip_suffix('0').map_or(text.clone(), str::to_owned)
}

/// A small number, like a Gini coefficient.
pub(super) fn small(value: f64) -> String {
    format!("{value:.3}")
}

/// Bytes, in a unit that leaves few digits.
pub(super) fn bytes(number: u64) -> String {
    let mut value = number as f64;
    let mut units = ["B", "kB", "MB", "GB", "TB"].into_iter();
    let mut unit = units.next().unwrap_or_default();
    for next in units {
        if value < 999.5 {
            break;
        }
        (value, unit) = (value / 1000.0, next);
    }
    if unit == "B" || value >= 99.5 {
        format!("{value:.0} {unit}")
    } else {
        format!("{value:.1} {unit}")
    }
}

/// A short time.
pub(super) fn time(time: Duration) -> String {
    let millis = time.as_secs_f64() * 1000.0;
    if millis < 9.95 {
        format!("{millis:.2} ms")
    } else if millis < 1000.0 {
        format!("{millis:.0} ms")
    } else {
        format!("{:.1} s", time.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        assert_eq!(grouped(0.0), "0");
        assert_eq!(grouped(999.0), "999");
        assert_eq!(grouped(1_234_567.0), "1,234,567");
        assert_eq!(
            [ratio(1.2), ratio(1.25), ratio(2.0)],
            ["1.2", "1.25", "2.0"]
        );
        assert_eq!(
            [bytes(999), bytes(1000), bytes(123_456_789)],
            ["999 B", "1.0 kB", "123 MB"]
        );
        assert_eq!(time(Duration::from_micros(123)), "0.12 ms");
        assert_eq!(time(Duration::from_millis(1500)), "1.5 s");
    }
}
