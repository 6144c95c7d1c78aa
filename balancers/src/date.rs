//! Days, which arrive from outside: this crate has no clock.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use thiserror::Error;

/// A day of the Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

/// A text that is no day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a day; write it as 2027-01-31")]
pub struct NoDate;

impl Date {
    /// A day, if there is such a one.
    pub fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        let leap =
            year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let days = match month {
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            _ => return None,
        };
        (1..=days)
            .contains(&day)
            .then_some(Self { year, month, day })
    }
}

impl FromStr for Date {
    type Err = NoDate;

    /// Reads `2027-01-31`.
    fn from_str(text: &str) -> Result<Self, NoDate> {
        let mut parts = text.splitn(3, '-');
        let mut part = |width: usize| {
            let part = parts.next().ok_or(NoDate)?;
            let digits = part.len() == width && part.bytes().all(|byte| byte.is_ascii_digit());
            if digits { Ok(part) } else { Err(NoDate) }
        };
        let (year, month, day) = (part(4)?, part(2)?, part(2)?);
        // Digits of these widths always fit.
        let year = year.parse().ok().ok_or(NoDate)?;
        let number = |text: &str| text.parse().ok().ok_or(NoDate);
        Self::new(year, number(month)?, number(day)?).ok_or(NoDate)
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl Serialize for Date {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_days_that_exist() {
        assert_eq!("2027-01-31".parse(), Ok(Date::new(2027, 1, 31).unwrap()));
        assert_eq!(
            "2028-02-29".parse::<Date>().unwrap().to_string(),
            "2028-02-29"
        );
        for odd in [
            "2027-02-29",
            "2027-13-01",
            "27-01-01",
            "2027-1-1",
            "2027-01-01x",
            "+027-01-01",
            "",
        ] {
            assert_eq!(odd.parse::<Date>(), Err(NoDate), "{odd}");
        }
        assert!("2026-12-31".parse::<Date>().unwrap() < "2027-01-01".parse().unwrap());
    }
}
