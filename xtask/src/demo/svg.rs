//! The picture for the documentation: a terminal with the lines in it, on a ground of its own, so that it is seen on
//! light and on dark pages. Bars are drawn as shapes and words are stretched to their columns: no font can shift them.

use super::text::{Line, Tone};

/// Width and height of a character, and the size of the font that fits.
const CELL: (f64, f64) = (8.4, 20.0);
const FONT_SIZE: f64 = 14.0;

/// Space around the lines, and above them for the window's title.
const MARGIN: f64 = 20.0;
const TITLE: f64 = 34.0;

/// Space between bars of neighbouring lines.
const GAP: f64 = 3.0;

/// Where letters stand within their line.
const BASELINE: f64 = 14.5;

const GROUND: &str = "#10151b";
const BORDER: &str = "#3a4654";
const INK: &str = "#e4e9ef";
const SOFT: &str = "#94a1b0";
const WITHIN: &str = "#5b9bd8";
const OVER: &str = "#f08c3a";

const FONTS: &str = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace";

/// The lines as a picture of `columns` characters; `title` is for whoever cannot see it.
pub(super) fn render(title: &str, lines: &[Line], columns: usize) -> String {
    let width = columns as f64 * CELL.0 + 2.0 * MARGIN;
    let height = lines.len() as f64 * CELL.1 + TITLE + MARGIN;
    let mut body = window(width, height);
    for (number, line) in lines.iter().enumerate() {
        let mut x = MARGIN;
        for span in &line.spans {
            for run in runs(&span.text) {
                body.push_str(&draw(run, span.tone, x, TITLE + number as f64 * CELL.1));
                x += columns_of(run) * CELL.0;
            }
        }
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" \
         height=\"{height:.0}\" role=\"img\" font-family=\"{FONTS}\" font-size=\"{FONT_SIZE}\">\n\
         <title>{}</title>\n\
         {body}</svg>\n",
        escaped(title)
    )
}

/// The ground with the three buttons that say: a terminal.
fn window(width: f64, height: f64) -> String {
    let ground = format!(
        "<rect x=\".5\" y=\".5\" width=\"{:.0}\" height=\"{:.0}\" rx=\"9\" fill=\"{GROUND}\" stroke=\"{BORDER}\"/>\n",
        width - 1.0,
        height - 1.0
    );
    let button = |number: u8| {
        let x = MARGIN + 4.0 + f64::from(number) * 17.0;
        format!("<circle cx=\"{x}\" cy=\"17\" r=\"5\" fill=\"{BORDER}\"/>\n")
    };
    ground + &(0..3).map(button).collect::<String>()
}

/// The parts of a text that are drawn as one: words with single spaces between them, spaces, or the same shape repeated.
fn runs(text: &str) -> Vec<&str> {
    let mut runs = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = if shape(first).is_some() || first == ' ' {
            rest.find(|next| next != first)
        } else {
            let blank = rest.find("  ");
            let drawn = rest.find(|next| shape(next).is_some());
            blank.into_iter().chain(drawn).min()
        };
        let (run, left) = rest.split_at(end.unwrap_or(rest.len()));
        runs.push(run);
        rest = left;
    }
    runs
}

fn columns_of(run: &str) -> f64 {
    run.chars().count() as f64
}

/// A part of a character's field, in fractions: left, top, width, height.
type Part = (f64, f64, f64, f64);

/// What a character for bars and curves fills of its field.
fn shape(character: char) -> Option<Part> {
    let eighths = |first: char| f64::from(u32::from(character) - u32::from(first) + 1) / 8.0;
    match character {
        '▁'..='█' => Some((0.0, 1.0 - eighths('▁'), 1.0, eighths('▁'))),
        // The wider, the lower in the table of characters.
        '▉'..='▏' => Some((0.0, 0.0, 1.0 - eighths('▉'), 1.0)),
        '│' => Some((0.4, 0.0, 0.2, 1.0)),
        '┃' => Some((0.3, 0.0, 0.4, 1.0)),
        _ => None,
    }
}

fn draw(run: &str, tone: Tone, x: f64, y: f64) -> String {
    let Some(first) = run.chars().next().filter(|first| *first != ' ') else {
        return String::new();
    };
    match shape(first) {
        Some(part) => {
            let field = if tone == Tone::Mark {
                rectangle((0.0, 0.0, 1.0, 1.0), run, x, y, WITHIN)
            } else {
                String::new()
            };
            field + &rectangle(part, run, x, y, colour(tone))
        }
        None => words(run, tone, x, y),
    }
}

fn rectangle((left, top, width, height): Part, run: &str, x: f64, y: f64, colour: &str) -> String {
    let tall = CELL.1 - GAP;
    let wide = CELL.0 * if width < 1.0 { width } else { columns_of(run) };
    format!(
        "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{wide:.1}\" height=\"{:.1}\" fill=\"{colour}\" shape-rendering=\"crispEdges\"/>\n",
        x + left * CELL.0,
        y + GAP / 2.0 + top * tall,
        height * tall
    )
}

fn words(run: &str, tone: Tone, x: f64, y: f64) -> String {
    let run = run.trim_end();
    let weight = if matches!(tone, Tone::Strong | Tone::Alarm | Tone::Calm) {
        " font-weight=\"700\""
    } else {
        ""
    };
    let link = if tone == Tone::Link {
        " text-decoration=\"underline\""
    } else {
        ""
    };
    let escaped = escaped(run);
    format!(
        "<text x=\"{x:.1}\" y=\"{:.1}\" textLength=\"{:.1}\" lengthAdjust=\"spacingAndGlyphs\" \
         fill=\"{}\"{weight}{link}>{escaped}</text>\n",
        y + BASELINE,
        columns_of(run) * CELL.0,
        colour(tone)
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

fn colour(tone: Tone) -> &'static str {
    match tone {
        Tone::Plain | Tone::Strong | Tone::Mark | Tone::Link => INK,
        Tone::Faint => SOFT,
        Tone::Within | Tone::Calm => WITHIN,
        Tone::Over | Tone::Alarm => OVER,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_shapes_are_drawn_apart() {
        assert_eq!(runs("a b  ██▌│ "), ["a b", "  ", "██", "▌", "│", " "]);
    }

    #[test]
    fn shapes_fill_what_their_character_fills() {
        assert_eq!(shape('█'), Some((0.0, 0.0, 1.0, 1.0)));
        assert_eq!(shape('▄'), Some((0.0, 0.5, 1.0, 0.5)));
        assert_eq!(shape('▌'), Some((0.0, 0.0, 0.5, 1.0)));
        assert_eq!(shape('▏'), Some((0.0, 0.0, 0.125, 1.0)));
        assert_eq!(shape('A'), None);
    }

    #[test]
    fn the_picture_has_every_word_and_is_well_formed() {
        let line = Line::new()
            .add(Tone::Plain, "a < b & c")
            .add(Tone::Mark, "│")
            .add(Tone::Over, "██▌");
        let picture = render("a & b", &[line], 20);
        assert!(picture.contains(">a &lt; b &amp; c</text>"), "{picture}");
        // Ground, field of the mark, mark, two columns, half a column.
        assert_eq!(picture.matches("<rect").count(), 5);
        assert_eq!(picture.matches("</text>").count(), 1);
    }
}
