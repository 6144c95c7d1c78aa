//! Sizes on the command line: `500MiB`, `1GB`, `4096`.

/// Units and how many bytes they are.
const UNITS: [(&str, u64); 7] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("B", 1),
];

/// The number of bytes that `text` says.
pub(super) fn bytes(text: &str) -> Result<u64, String> {
    let split = UNITS
        .iter()
        .find_map(|(unit, bytes)| Some((text.strip_suffix(unit)?, *bytes)));
    let (number, unit) = split.unwrap_or((text, 1));
    let number = number.trim().parse::<u64>().ok();
    number
        .and_then(|number| number.checked_mul(unit))
        .filter(|bytes| *bytes > 0)
        .ok_or_else(|| "write a whole number and a unit, like `500MiB` or `1GB`".to_owned())
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn sizes_have_units_or_are_bytes() {
        for (text, size) in [
            ("4096", 4096),
            ("1GiB", 1 << 30),
            ("1 GB", 1_000_000_000),
            ("10kB", 10_000),
            ("7B", 7),
        ] {
            assert_eq!(bytes(text), Ok(size), "{text}");
        }
        for text in ["", "GiB", "0", "-1", "1.5GiB", "1g", "99999999999GiB"] {
            assert!(bytes(text).is_err(), "{text}");
        }
    }
}
