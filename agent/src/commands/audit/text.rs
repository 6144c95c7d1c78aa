//! Findings for people, in the form that compilers made familiar.

use std::io::{self, Write};

use evenkeel_balancers::source::{Excerpt, Place, Sources};
use evenkeel_balancers::{Allowed, Finding, ReadError, Severity, Why};

use super::excerpt::cut;
use super::report::{Item, Origin, Report, Use};
use crate::commands::terminal::Terminal;
use crate::model::rfc3339;
use crate::running::Answer;

const BOLD: &str = "1";
const DIM: &str = "2";
const RED: &str = "1;31";
const YELLOW: &str = "1;33";
const CYAN: &str = "1;36";

/// Writes all findings, and a line that sums them up.
pub(super) fn write(report: &Report, terminal: Terminal, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page { terminal, out };
    for item in &report.items {
        if let Some(used) = &item.used {
            page.process(used)?;
        }
        let sources = &item.configuration.sources;
        for finding in &item.audit.findings {
            page.finding(finding, sources)?;
        }
        for allowed in &item.audit.allowed {
            page.allowed(allowed, sources)?;
        }
        if !item.audit.allowed.is_empty() {
            writeln!(page.out)?;
        }
    }
    for origin in &report.not_understood {
        page.not_understood(origin)?;
    }
    page.summary(report)
}

/// Writes why a configuration could not be read.
pub(super) fn error(error: &ReadError, terminal: Terminal, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page { terminal, out };
    let head = page.paint(RED, "error");
    let why = match &error.why {
        Why::Unrecognised(_) => {
            format!("{}: {}; if it is, say so with --as", error.name, error.why)
        }
        why => why.to_string(),
    };
    page.paragraph(&format!("{head}: "), "error: ".len(), 2, &why)?;
    if let Some(at) = &error.position {
        let gutter = at.line.to_string().len();
        let place = format!("{}:{}:{}", error.name, at.line, at.column);
        page.source(gutter, "-->", &place, at.line, &at.excerpt, RED)?;
    }
    writeln!(page.out)
}

struct Page<'a> {
    terminal: Terminal,
    out: &'a mut dyn Write,
}

impl Page<'_> {
    fn finding(&mut self, finding: &Finding, sources: &Sources) -> io::Result<()> {
        let colour = colour(finding.severity);
        let lines = finding.related.iter().map(|(place, _)| place.line);
        let last = lines.chain([finding.place.line]).max().unwrap_or(1);
        let gutter = last.to_string().len();

        let head = format!("{}[{}]", finding.severity.as_str(), finding.rule.id);
        let painted = self.paint(colour, &head);
        let title = self.paint(BOLD, finding.rule.title);
        writeln!(self.out, "{painted}: {title}")?;
        self.at(gutter, "-->", finding.place, sources, colour)?;
        self.note(gutter, "", &finding.message)?;
        for (place, what) in &finding.related {
            self.at(gutter, ":::", *place, sources, CYAN)?;
            self.note(gutter, "", what)?;
        }
        self.note(gutter, "help: ", &finding.help)?;
        let page = format!("`evenkeel audit --explain {}`", finding.rule.id);
        self.note(gutter, "more: ", &page)?;
        writeln!(self.out)
    }

    fn allowed(&mut self, allowed: &Allowed, sources: &Sources) -> io::Result<()> {
        let finding = &allowed.finding;
        let until = allowed
            .until
            .map_or(String::new(), |day| format!(" until {day}"));
        let head = format!("allowed[{}]", finding.rule.id);
        let painted = self.paint(DIM, &head);
        let text = format!(
            "{}{until}, because {}",
            sources.locate(finding.place),
            allowed.because
        );
        self.paragraph(&format!("{painted}: "), head.len() + 2, 2, &text)
    }

    fn at(
        &mut self,
        gutter: usize,
        arrow: &str,
        place: Place,
        sources: &Sources,
        colour: &str,
    ) -> io::Result<()> {
        let (name, excerpt) = (sources.locate(place), sources.excerpt(place));
        self.source(gutter, arrow, &name, place.line, &excerpt, colour)
    }

    /// A place, its line, and what is meant in it underlined.
    fn source(
        &mut self,
        gutter: usize,
        arrow: &str,
        name: &str,
        line: u32,
        excerpt: &Excerpt,
        colour: &str,
    ) -> io::Result<()> {
        let cut = cut(excerpt, self.terminal.width.saturating_sub(gutter + 4));
        let bar = self.paint(CYAN, "|");
        let number = self.paint(CYAN, &format!("{line:>gutter$}"));
        let arrow = self.paint(CYAN, arrow);
        let carets = self.paint(colour, &"^".repeat(cut.carets));
        writeln!(self.out, "{:gutter$}{arrow} {name}", "")?;
        writeln!(self.out, "{:gutter$} {bar}", "")?;
        writeln!(self.out, "{number} {bar} {}", cut.line)?;
        writeln!(
            self.out,
            "{:gutter$} {bar} {:indent$}{carets}",
            "",
            "",
            indent = cut.indent
        )
    }

    fn note(&mut self, gutter: usize, label: &str, text: &str) -> io::Result<()> {
        let (sign, painted) = (self.paint(CYAN, "="), self.paint(BOLD, label));
        let first = format!("{:gutter$} {sign} {painted}", "");
        let indent = gutter + 3;
        self.paragraph(&first, indent + label.len(), indent, text)
    }

    /// A paragraph after `first`, which is `width` wide without its colours; further lines begin at `indent`.
    fn paragraph(
        &mut self,
        first: &str,
        width: usize,
        indent: usize,
        text: &str,
    ) -> io::Result<()> {
        write!(self.out, "{first}")?;
        let mut column = width;
        let mut fresh = true;
        for word in words(text, self.terminal.width.saturating_sub(indent)) {
            let length = word.chars().count();
            if !fresh && column + 1 + length > self.terminal.width {
                write!(self.out, "\n{:indent$}", "")?;
                (column, fresh) = (indent, true);
            }
            let space = if fresh { "" } else { " " };
            write!(self.out, "{space}{}", printable(word))?;
            column += space.len() + length;
            fresh = false;
        }
        writeln!(self.out)
    }

    fn process(&mut self, used: &Use) -> io::Result<()> {
        let Origin { kind, pid, from } = &used.origin;
        let text = format!(
            "{}, process {pid}: reads {from}, loaded {}",
            kind.title(),
            rfc3339(used.loaded)
        );
        self.paragraph("", 0, 2, &text)?;
        match &used.state {
            None => {}
            Some(Ok(answer)) => {
                let head = self.paint(CYAN, "asked");
                self.paragraph(&format!("  {head}: "), 9, 4, &told(answer))?;
            }
            Some(Err(error)) => {
                let head = self.paint(YELLOW, "not asked");
                self.paragraph(&format!("  {head}: "), 13, 4, &error.to_string())?;
            }
        }
        writeln!(self.out)
    }

    fn not_understood(&mut self, origin: &Origin) -> io::Result<()> {
        let Origin { kind, pid, from } = origin;
        let title = kind.title();
        let text = format!(
            "{title}, process {pid}: reads {from}; configurations of {title} are not understood by this version, and this \
             one was not audited"
        );
        self.paragraph("", 0, 2, &text)?;
        writeln!(self.out)
    }

    fn summary(&mut self, report: &Report) -> io::Result<()> {
        let counts = report.counts();
        let found = [
            (counts.errors, "error"),
            (counts.warnings, "warning"),
            (counts.notes, "note"),
        ];
        let found: Vec<String> = found
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, noun)| counted(count, noun))
            .collect();
        let found = match (report.items.is_empty(), found.is_empty()) {
            (true, _) => "nothing was audited".to_owned(),
            (false, true) => format!("no findings in {}", extent(&report.items)),
            (false, false) => format!("{} in {}", found.join(", "), extent(&report.items)),
        };
        let more = [
            (counts.allowed, "allowed by comments"),
            (report.failed.len(), "could not be read"),
        ];
        let more = more.into_iter().filter(|(count, _)| *count > 0);
        let more = more.map(|(count, what)| format!("; {count} {what}"));
        let text = found + &more.collect::<String>();
        self.paragraph("", 0, 0, &text)
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.terminal.colour && !text.is_empty() {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

/// What a process told of itself, in short.
fn told(answer: &Answer) -> String {
    let servers = || answer.pools.iter().flat_map(|pool| &pool.servers);
    let used = servers().filter(|server| server.is_in_rotation() && !server.backup);
    format!(
        "at {}: version {}; {} with {}, {} of them in rotation",
        answer.address,
        answer.version,
        counted(answer.pools.len(), "pool"),
        counted(servers().count(), "server"),
        used.count()
    )
}

/// The words of a text. What stands in backticks is one, so that it can be copied, unless that is wider than a line.
fn words(text: &str, width: usize) -> Vec<&str> {
    let mut code = false;
    let parts = text.split(|char: char| {
        code ^= char == '`';
        !code && char.is_whitespace()
    });
    let mut words = Vec::new();
    for part in parts {
        if part.chars().count() > width {
            words.extend(part.split_whitespace());
        } else if !part.is_empty() {
            words.push(part);
        }
    }
    words
}

/// How much was audited.
fn extent(items: &[Item]) -> String {
    let files = |item: &Item| item.configuration.sources.iter().count();
    let pools = |item: &Item| item.configuration.pools.len();
    format!(
        "{}, {}, {}",
        counted(items.len(), "configuration"),
        counted(items.iter().map(files).sum(), "file"),
        counted(items.iter().map(pools).sum(), "pool"),
    )
}

const fn colour(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => RED,
        Severity::Warning => YELLOW,
        Severity::Note => CYAN,
    }
}

/// "1 pool", "2 pools".
pub(super) fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

/// Without what would move the cursor or worse.
pub(super) fn printable(text: &str) -> String {
    let shown = |char: char| if char.is_control() { '\u{fffd}' } else { char };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn code_is_not_taken_apart() {
        let text = "write  `least_conn; # so`, or `none`.";
        assert_eq!(
            words(text, 20),
            ["write", "`least_conn; # so`,", "or", "`none`."]
        );
        assert_eq!(
            words("an `open end of it", 10),
            ["an", "`open", "end", "of", "it"]
        );
    }
}
