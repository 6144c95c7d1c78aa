//! What programs written in Go have in common: how durations are written.

/// Seconds of a duration as Go's `time.ParseDuration` reads it: `10s`, `1m30s`, `250ms`; also days, `1d`, which Caddy adds.
/// `None` if it is something else, or negative.
pub(crate) fn duration(text: &str) -> Option<f64> {
    let mut rest = text;
    let mut seconds = 0.0;
    if rest == "0" {
        return Some(0.0);
    }
    while !rest.is_empty() {
        let digits = rest.find(|char: char| !char.is_ascii_digit() && char != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let (unit, length) = UNITS
            .iter()
            .find(|(name, _)| rest.starts_with(name))
            .map(|(name, seconds)| (seconds, name.len()))?;
        rest = &rest[length..];
        seconds += number * unit;
    }
    (!text.is_empty() && seconds.is_finite()).then_some(seconds)
}

/// Longer names before those that they begin with.
const UNITS: [(&str, f64); 8] = [
    ("ns", 1e-9),
    ("us", 1e-6),
    ("µs", 1e-6),
    ("ms", 1e-3),
    ("s", 1.0),
    ("m", 60.0),
    ("h", 3600.0),
    ("d", 86400.0),
];

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn durations_are_read_as_in_go() {
        assert_eq!(duration("10s"), Some(10.0));
        assert_eq!(duration("1m30s"), Some(90.0));
        assert_eq!(duration("1.5h"), Some(5400.0));
        assert_eq!(duration("250ms"), Some(0.25));
        assert_eq!(duration("1d"), Some(86400.0));
        assert_eq!(duration("0"), Some(0.0));
        for odd in ["", "10", "s", "-1s", "1x", "1..2s", "é"] {
            assert_eq!(duration(odd), None, "{odd}");
        }
    }
}
