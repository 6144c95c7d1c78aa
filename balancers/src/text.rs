//! Numbers and lists in messages.

/// A share, in percent: `80.0 %`.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// How many things a message lists.
const LISTED: usize = 4;

/// `a`, `a and b`, `a, b and c`; of many, the first few and how many more there are.
pub(crate) fn list(mut things: Vec<String>) -> String {
    if things.len() > LISTED + 1 {
        let more = things.len() - LISTED;
        things.truncate(LISTED);
        things.push(format!("{more} more"));
    }
    match things.pop() {
        Some(last) if things.is_empty() => last,
        Some(last) => format!("{} and {last}", things.join(", ")),
        None => String::new(),
    }
}

/// `1 server`, `2 servers`.
pub(crate) fn count(number: usize, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{plural}")
}

/// Seconds, as people say them: `30 s`, `10000 s (2 h 46 min)`.
pub(crate) fn seconds(seconds: u64) -> String {
    let (hours, minutes) = (seconds / 3600, seconds % 3600 / 60);
    match (hours, minutes) {
        (0, 0..2) => format!("{seconds} s"),
        (0, minutes) => format!("{seconds} s ({minutes} min)"),
        (hours, 0) => format!("{seconds} s ({hours} h)"),
        (hours, minutes) => format!("{seconds} s ({hours} h {minutes} min)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_short() {
        let letters = |many: usize| {
            list(
                ["a", "b", "c", "d", "e", "f"][..many]
                    .iter()
                    .map(|text| (*text).to_owned())
                    .collect(),
            )
        };
        assert_eq!(letters(0), "");
        assert_eq!(letters(1), "a");
        assert_eq!(letters(3), "a, b and c");
        assert_eq!(letters(5), "a, b, c, d and e");
        assert_eq!(letters(6), "a, b, c, d and 2 more");
    }

    #[test]
    fn times_are_told_in_hours_too() {
        assert_eq!(seconds(90), "90 s");
        assert_eq!(seconds(600), "600 s (10 min)");
        assert_eq!(seconds(10_000), "10000 s (2 h 46 min)");
    }
}
