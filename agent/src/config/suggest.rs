//! "Did you mean": the known word that is closest to what was written.

/// The word of `known` that `written` was most likely meant to be, if one is close.
pub(super) fn closest<'a>(written: &str, known: &[&'a str]) -> Option<&'a str> {
    let written: Vec<char> = written
        .to_lowercase()
        .chars()
        .map(|char| if char == '-' { '_' } else { char })
        .take(LONGEST + 1)
        .collect();
    known
        .iter()
        .map(|word| (distance(&written, word), *word))
        .filter(|(distance, word)| *distance <= (word.chars().count() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// Longer words than this are like no key; bounds the work for hostile input.
const LONGEST: usize = 40;

/// How many characters must be inserted, deleted or replaced to get from one word to the other (Levenshtein).
fn distance(from: &[char], to: &str) -> usize {
    let mut row: Vec<usize> = (0..=from.len()).collect();
    for (index, wanted) in to.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, had) in from.iter().enumerate() {
            let replaced = diagonal + usize::from(*had != wanted);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[from.len()]
}

#[cfg(test)]
mod tests {
    use super::closest;

    const KNOWN: &[&str] = &["address", "weight", "labels", "live_interval", "window"];

    #[test]
    fn a_slip_of_the_finger_is_recognised() {
        for (written, meant) in [
            ("adress", "address"),
            ("wieght", "weight"),
            ("Weight", "weight"),
            ("label", "labels"),
            ("live-interval", "live_interval"),
            ("liveInterval", "live_interval"),
        ] {
            assert_eq!(closest(written, KNOWN), Some(meant), "{written}");
        }
    }

    #[test]
    fn another_word_is_not() {
        for written in ["", "host", "name", "windmill", &"address".repeat(1000)] {
            assert_eq!(closest(written, KNOWN), None, "{written}");
        }
    }
}
