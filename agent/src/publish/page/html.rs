//! Text that stays text, whatever it contains, and numbers as people read them.

use std::fmt::{self, Display, Formatter, Write};

/// Text for element content and for quoted attribute values.
pub(super) struct Text<'a>(pub(super) &'a str);

impl Display for Text<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                // Control characters have no look, and some end the document for a parser.
                control if control.is_control() => f.write_char(char::REPLACEMENT_CHARACTER)?,
                plain => f.write_char(plain)?,
            }
        }
        Ok(())
    }
}

/// Text as one segment of a URL's path.
pub(super) struct Segment<'a>(pub(super) &'a str);

impl Display for Segment<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for byte in self.0.bytes() {
            if byte.is_ascii_alphanumeric() || b"-_~".contains(&byte) {
                f.write_char(char::from(byte))?;
            } else {
                write!(f, "%{byte:02X}")?;
            }
        }
        Ok(())
    }
}

/// A number with three significant digits, more only before the point.
pub(super) struct Short(pub(super) f64);

impl Display for Short {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let value = self.0;
        match value.abs() {
            0.0 => f.write_str("0"),
            small if small < 0.0095 => f.write_str("<0.01"),
            small if small < 9.995 => write!(f, "{value:.2}"),
            middle if middle < 99.95 => write!(f, "{middle:.1}"),
            large => write!(f, "{large:.0}"),
        }
    }
}

/// A part of a whole, in percent, that is not broken over lines.
pub(super) struct Percent(pub(super) f64);

impl Display for Percent {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1}\u{a0}%", self.0 * 100.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_stays_text() {
        let hostile = "</td><script>alert('x' + \"y\")</script>&amp;\u{0}\n";
        let text = Text(hostile).to_string();
        assert!(!text.contains(['<', '>', '"', '\'', '\0', '\n']), "{text}");
        assert!(text.contains("&amp;amp;"), "{text}");
        assert_eq!(Text("größe 東京").to_string(), "größe 東京");
    }

    #[test]
    fn a_segment_cannot_leave_its_path() {
        assert_eq!(
            Segment("a/../b?c#d e").to_string(),
            "a%2F%2E%2E%2Fb%3Fc%23d%20e"
        );
        assert_eq!(Segment("ö").to_string(), "%C3%B6");
    }

    #[test]
    fn numbers_are_short() {
        for (value, text) in [
            (0.0, "0"),
            (0.004, "<0.01"),
            (1.234, "1.23"),
            (9.999, "10.0"),
            (99.99, "100"),
            (12_345.6, "12346"),
        ] {
            assert_eq!(Short(value).to_string(), text);
        }
        assert_eq!(Percent(0.1234).to_string(), "12.3\u{a0}%");
    }
}
