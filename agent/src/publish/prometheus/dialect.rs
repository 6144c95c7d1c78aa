//! The two text formats, as a rewriter of comment lines under the library's encoder.
//!
//! The library writes OpenMetrics, a dozen pieces a line. They are gathered until one ends a line. Sample lines are the same in
//! both formats and pass through untouched; comment lines are written as the format wants them.

use std::fmt::{self, Write};

use memchr::memchr;

/// A text format of the exposition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// OpenMetrics 1.0.
    OpenMetrics,
    /// Prometheus' own text format, which people and older tools expect.
    Classic,
}

impl Format {
    /// The format to answer a request with whose `Accept` headers are `accept`: OpenMetrics if it is asked for.
    pub fn negotiate<'a>(accept: impl IntoIterator<Item = &'a str>) -> Self {
        let wanted = accept
            .into_iter()
            .flat_map(|header| header.split(','))
            .any(asks_for_openmetrics);
        if wanted {
            Self::OpenMetrics
        } else {
            Self::Classic
        }
    }

    /// The value of the `Content-Type` header.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Classic => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

/// Whether one element of an `Accept` header names OpenMetrics, and not with a quality of zero.
fn asks_for_openmetrics(range: &str) -> bool {
    let mut parts = range.split(';').map(str::trim);
    let named = parts
        .next()
        .is_some_and(|media| media.eq_ignore_ascii_case("application/openmetrics-text"));
    let quality = parts.find_map(|part| {
        let (key, value) = part.split_once('=')?;
        key.trim().eq_ignore_ascii_case("q").then_some(value.trim())
    });
    let refused = quality.is_some_and(|q| q.parse() == Ok(0.0_f32));
    named && !refused
}

/// Turns the library's text into a [`Format`] while it is written.
pub(super) struct Dialect<'w, W> {
    out: &'w mut W,
    format: Format,
    /// What was written since the last line that is finished.
    gathered: String,
    /// The last `# HELP` line, held until the type is known that decides on its name.
    help: String,
}

impl<'w, W: Write> Dialect<'w, W> {
    pub(super) fn new(out: &'w mut W, format: Format) -> Self {
        Self {
            out,
            format,
            gathered: String::new(),
            help: String::new(),
        }
    }

    /// Writes whole lines; what follows the last of them is kept.
    fn write_lines(&mut self) -> fmt::Result {
        let mut gathered = std::mem::take(&mut self.gathered);
        let mut rest = gathered.as_str();
        while let Some(end) = memchr(b'\n', rest.as_bytes()) {
            let (line, after) = rest.split_at(end + 1);
            if line.starts_with('#') {
                self.comment(&rest[..end])?;
            } else {
                self.out.write_str(line)?;
            }
            rest = after;
        }
        let done = gathered.len() - rest.len();
        gathered.drain(..done);
        // The allocation serves the next line.
        self.gathered = gathered;
        Ok(())
    }

    /// Writes what the format makes of a comment line.
    fn comment(&mut self, comment: &str) -> fmt::Result {
        let mut words = comment.splitn(4, ' ').skip(1);
        match (self.format, words.next(), words.next(), words.next()) {
            (_, Some("HELP"), Some(_), Some(_)) => {
                self.help.clear();
                self.help.push_str(comment);
                Ok(())
            }
            (_, Some("TYPE"), Some(name), Some(kind)) => self.descriptor(name, kind),
            (Format::Classic, ..) => Ok(()),
            (Format::OpenMetrics, ..) => writeln!(self.out, "{comment}"),
        }
    }

    fn descriptor(&mut self, name: &str, kind: &str) -> fmt::Result {
        let (suffix, kind) = match (self.format, kind) {
            // See `Family::summary`.
            (_, "histogram") => ("", "summary"),
            (Format::Classic, "counter") => ("_total", "counter"),
            (Format::Classic, "info") => ("_info", "gauge"),
            (_, kind) => ("", kind),
        };
        if let Some((_, help)) = self.help.split_once(name) {
            writeln!(self.out, "# HELP {name}{suffix}{help}")?;
        }
        self.help.clear();
        writeln!(self.out, "# TYPE {name}{suffix} {kind}")
    }
}

impl<W: Write> Write for Dialect<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.gathered.push_str(text);
        if text.ends_with('\n') {
            self.write_lines()
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIBRARY: &str = "# HELP a_bytes Counts a_bytes.\n# TYPE a_bytes counter\n# UNIT a_bytes bytes\na_bytes_total{x=\"#\"} 1\n\
        # HELP b Facts.\n# TYPE b info\nb_info 1\n# HELP c Times.\n# TYPE c histogram\nc_sum 1.0\nc_count 2\n# EOF\n";

    /// The library's text in `format`, fed in pieces of `size` bytes.
    fn rewritten(format: Format, size: usize) -> String {
        let mut out = String::new();
        let mut dialect = Dialect::new(&mut out, format);
        for piece in LIBRARY.as_bytes().chunks(size) {
            dialect
                .write_str(std::str::from_utf8(piece).unwrap())
                .unwrap();
        }
        out
    }

    #[test]
    fn classic_has_the_names_that_its_readers_expect_however_the_text_is_cut() {
        for size in [1, 2, 3, 7, 1000] {
            assert_eq!(
                rewritten(Format::Classic, size),
                "# HELP a_bytes_total Counts a_bytes.\n# TYPE a_bytes_total counter\na_bytes_total{x=\"#\"} 1\n\
                 # HELP b_info Facts.\n# TYPE b_info gauge\nb_info 1\n# HELP c Times.\n# TYPE c summary\nc_sum 1.0\nc_count 2\n"
            );
        }
    }

    #[test]
    fn openmetrics_differs_in_the_summary_alone() {
        for size in [1, 5, 1000] {
            assert_eq!(
                rewritten(Format::OpenMetrics, size),
                LIBRARY.replace("histogram", "summary")
            );
        }
    }

    #[test]
    fn the_format_is_openmetrics_only_when_asked_for() {
        for (accept, expected) in [
            ("", Format::Classic),
            ("*/*", Format::Classic),
            ("text/plain;version=0.0.4", Format::Classic),
            ("application/openmetrics-text", Format::OpenMetrics),
            (
                "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,\
                 text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
                Format::OpenMetrics,
            ),
            (
                "text/html, Application/OpenMetrics-Text ; q=1",
                Format::OpenMetrics,
            ),
            (
                "application/openmetrics-text;q=0, text/plain",
                Format::Classic,
            ),
            ("application/openmetrics-textual", Format::Classic),
        ] {
            assert_eq!(Format::negotiate([accept]), expected, "for {accept:?}");
        }
        let both = ["text/plain", "application/openmetrics-text"];
        assert_eq!(Format::negotiate(both), Format::OpenMetrics);
    }
}
