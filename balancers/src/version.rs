//! Versions of the products, because defaults change.

use std::fmt;

use serde::Serialize;

/// A version of a product: `1.22.1`, `3.3`, `3.3-dev8` (whose tail is left out).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub u32, pub u32, pub u32);

impl Version {
    /// Reads up to three numbers with points between them; what follows is left out. `None` without a number.
    pub fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split('.').map(|part| {
            let digits = part.find(|char: char| !char.is_ascii_digit());
            part[..digits.unwrap_or(part.len())].parse().ok()
        });
        let first = numbers.next()??;
        let mut rest = || numbers.next().flatten().unwrap_or(0);
        Some(Self(first, rest(), rest()))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

impl Serialize for Version {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_by_number() {
        assert_eq!(Version::parse("1.22.1"), Some(Version(1, 22, 1)));
        assert_eq!(Version::parse("3.3-dev8-abc"), Some(Version(3, 3, 0)));
        assert_eq!(Version::parse("2"), Some(Version(2, 0, 0)));
        assert_eq!(Version::parse("latest"), None);
        assert!(Version(1, 29, 7) > Version(1, 9, 15));
    }
}
