//! `cargo xtask picture`: what tmux captured of a terminal, as a picture for the documentation.

use std::fs;
use std::io::Read as _;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};

use super::svg;
use super::text::{Line, Tone};

/// What becomes of what.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Where the picture goes.
    file: PathBuf,
    /// What it shows, for whoever cannot see it.
    #[arg(long)]
    title: String,
}

/// Reads `tmux capture-pane -p -e` from standard input, and writes the picture.
pub(crate) fn run(options: &Options) -> Result<()> {
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .context("cannot read standard input")?;
    let mut rendition = Rendition::default();
    let lines = text.trim_end().lines();
    let lines: Vec<Line> = lines.map(|text| line(text, &mut rendition)).collect();
    let columns = lines.iter().map(Line::width).max().unwrap_or(0);
    ensure!(columns > 0, "standard input is empty");
    fs::write(&options.file, svg::render(&options.title, &lines, columns))
        .with_context(|| format!("cannot write {}", options.file.display()))
}

/// How the terminal was told to write.
#[derive(Clone, Copy, Default)]
struct Rendition {
    strong: bool,
    faint: bool,
    /// By its place in the table of colours.
    colour: Option<u8>,
}

impl Rendition {
    /// Follows the parameters of one "select graphic rendition".
    fn follow(&mut self, parameters: &str) {
        let mut numbers = parameters
            .split(';')
            .map(|number| number.parse().unwrap_or(0));
        while let Some(number) = numbers.next() {
            match number {
                0 => *self = Self::default(),
                1 | 7 => self.strong = true,
                2 => self.faint = true,
                39 => self.colour = None,
                // By its number in a table, as `38;5;9`; the first sixteen are those that all terminals have.
                38 => self.colour = numbers.nth(1).map(|place| place % 16),
                48 => drop(numbers.nth(1)),
                colour @ 30..=37 => self.colour = Some(colour - 30),
                colour @ 90..=97 => self.colour = Some(colour - 82),
                _ => {}
            }
        }
    }

    /// The tone that means the same. Red, magenta and yellow say that something is wrong, the other colours that it is right.
    fn tone(self) -> Tone {
        match (self.colour, self.strong) {
            (Some(1 | 3 | 5 | 9 | 11 | 13), true) => Tone::Alarm,
            (Some(1 | 3 | 5 | 9 | 11 | 13), false) => Tone::Over,
            (Some(_), true) => Tone::Calm,
            (Some(_), false) => Tone::Within,
            (None, true) => Tone::Strong,
            (None, false) if self.faint => Tone::Faint,
            (None, false) => Tone::Plain,
        }
    }
}

/// A line as it was captured; it begins as the one before has ended.
fn line(text: &str, rendition: &mut Rendition) -> Line {
    let mut parts = text.split("\x1b[");
    let mut line = Line::new().add(rendition.tone(), parts.next().unwrap_or_default());
    for part in parts {
        let (parameters, text) = part.split_once('m').unwrap_or(("", part));
        rendition.follow(parameters);
        line = line.add(rendition.tone(), text);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_become_tones() {
        let mut rendition = Rendition::default();
        let line = line(
            "a \x1b[1m\x1b[91mskewed\x1b[39m b\x1b[0m \x1b[2;38;5;6;49mc\x1b[0m",
            &mut rendition,
        );
        assert_eq!(line.plain(), "a skewed b c");
        let tones = line
            .spans
            .iter()
            .map(|span| (span.tone, span.text.as_str()));
        let wanted = [
            (Tone::Plain, "a "),
            (Tone::Alarm, "skewed"),
            (Tone::Strong, " b"),
            (Tone::Plain, " "),
            (Tone::Within, "c"),
        ];
        let tones: Vec<_> = tones.filter(|(_, text)| !text.is_empty()).collect();
        assert_eq!(tones, wanted);
    }
}
