//! Lines of text with tones, from which come the terminal's colours, plain text, and the picture.

/// What a piece of text is, which decides on its look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Strong,
    Faint,
    /// A part of a bar up to the expected share, or what chance explains.
    Within,
    /// A part of a bar beyond the expected share, or what chance does not explain.
    Over,
    /// [`Tone::Over`] in words.
    Alarm,
    /// [`Tone::Within`] in words.
    Calm,
    /// The mark of the expected share upon a bar.
    Mark,
    Link,
}

impl Tone {
    /// The parameters of the terminal's "select graphic rendition".
    fn sgr(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Strong => Some("1"),
            Self::Faint => Some("2"),
            Self::Within => Some("38;5;74"),
            Self::Over => Some("38;5;208"),
            Self::Alarm => Some("1;38;5;208"),
            Self::Calm => Some("1;38;5;74"),
            Self::Mark => Some("38;5;231;48;5;74"),
            Self::Link => Some("4"),
        }
    }
}

/// Text of one tone. Every character is one column wide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) tone: Tone,
    pub(super) text: String,
}

/// A line of text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) spans: Vec<Span>,
}

impl Line {
    /// An empty line.
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// The line with more text.
    pub(super) fn add(mut self, tone: Tone, text: impl Into<String>) -> Self {
        let text = text.into();
        match self.spans.last_mut() {
            Some(last) if last.tone == tone => last.text.push_str(&text),
            _ => self.spans.push(Span { tone, text }),
        }
        self
    }

    /// The line with more text that ends at `column`, if it fits.
    pub(super) fn add_up_to(self, column: usize, tone: Tone, text: &str) -> Self {
        let start = column.saturating_sub(text.chars().count());
        self.pad(start).add(tone, text)
    }

    /// The line with another one behind it.
    pub(super) fn join(self, other: Self) -> Self {
        other
            .spans
            .into_iter()
            .fold(self, |line, span| line.add(span.tone, span.text))
    }

    /// The line with spaces up to `column`.
    pub(super) fn pad(self, column: usize) -> Self {
        let missing = column.saturating_sub(self.width());
        if missing == 0 {
            self
        } else {
            self.add(Tone::Plain, " ".repeat(missing))
        }
    }

    /// How many columns it takes.
    pub(super) fn width(&self) -> usize {
        self.spans
            .iter()
            .map(|span| span.text.chars().count())
            .sum()
    }

    /// What of the line fits into `width` columns.
    pub(super) fn clip(&self, width: usize) -> Self {
        let mut left = width;
        let mut clipped = Self::new();
        for span in &self.spans {
            let text: String = span.text.chars().take(left).collect();
            left -= text.chars().count();
            clipped = clipped.add(span.tone, text);
        }
        clipped
    }

    /// The text alone, without spaces at the end.
    pub(super) fn plain(&self) -> String {
        let text: String = self.spans.iter().map(|span| span.text.as_str()).collect();
        text.trim_end().to_owned()
    }

    /// The text with the terminal's colours.
    pub(super) fn coloured(&self) -> String {
        let paint = |span: &Span| match span.tone.sgr() {
            Some(code) => format!("\x1b[{code}m{}\x1b[0m", span.text),
            None => span.text.clone(),
        };
        self.spans.iter().map(paint).collect()
    }
}

/// Words in lines of at most `width` columns; a longer word has a line of its own.
pub(super) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_has_no_escape_codes_and_coloured_text_ends_what_it_begins() {
        let line = Line::new()
            .add(Tone::Strong, "now")
            .pad(5)
            .add(Tone::Over, "▲")
            .pad(9);
        assert_eq!(line.plain(), "now  ▲");
        assert_eq!(
            line.coloured(),
            "\x1b[1mnow\x1b[0m  \x1b[38;5;208m▲\x1b[0m   "
        );
    }

    #[test]
    fn a_clipped_line_is_as_wide_as_there_is_room() {
        let line = Line::new().add(Tone::Plain, "ab").add(Tone::Over, "██████");
        assert_eq!(line.clip(5).plain(), "ab███");
        assert_eq!(line.clip(5).width(), 5);
        assert_eq!(line.clip(1).plain(), "a");
    }

    #[test]
    fn words_are_wrapped_where_they_no_longer_fit() {
        assert_eq!(wrapped("one two  three", 7), ["one two", "three"]);
        assert_eq!(wrapped("one two", 6), ["one", "two"]);
        assert_eq!(wrapped("extraordinary", 3), ["extraordinary"]);
        assert_eq!(wrapped("", 3), [""; 0]);
    }

    #[test]
    fn text_can_end_at_a_column() {
        assert_eq!(
            Line::new()
                .add(Tone::Plain, "a")
                .add_up_to(8, Tone::Strong, "12 %")
                .plain(),
            "a   12 %"
        );
    }
}
