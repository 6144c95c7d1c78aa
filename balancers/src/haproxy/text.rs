//! A configuration as plain lines, with what they inherit in place: for whoever writes another one from it.

use std::collections::HashMap;
use std::fmt::{self, Write as _};
use std::path::Path;

use super::document::{self, Document, Line, Section};
use super::line::Word;
use super::params::takes_value;
use super::within;
use crate::configuration::Options;
use crate::error::ReadError;
use crate::source::{Files, Limits, Loader, Place};

/// One line, without what it was written like. It is displayed as `HAProxy` reads it back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HaproxyLine {
    /// Its words, with quotes taken off; at least one. Variables whose value is not known stand in them as `${NAME}`.
    pub words: Vec<String>,
    /// Whether it stands in a branch (`.if`) of which only the host that runs it knows whether it is taken.
    pub undecided: bool,
    /// Where its first word stands.
    pub place: Place,
}

/// A `frontend`, `backend` or `listen`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HaproxyProxy {
    /// Which of them.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Whether it stands in a branch of which only the host that runs it knows whether it is taken.
    pub undecided: bool,
    /// First those of the `defaults` that it takes, then its own.
    pub lines: Vec<HaproxyLine>,
}

/// What decides in a configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HaproxyText {
    /// The lines of all `global` sections.
    pub global: Vec<HaproxyLine>,
    /// In their order.
    pub proxies: Vec<HaproxyProxy>,
}

/// Reads the configuration at `path`, or all `*.cfg` of a folder.
pub fn haproxy_text(
    files: &dyn Files,
    path: &Path,
    limits: Limits,
) -> Result<HaproxyText, ReadError> {
    let options = Options {
        limits,
        ..Options::default()
    };
    let found = within(files, path, &options)?;
    let mut loader = Loader::new(files, limits);
    let document = document::read(&mut loader, &found, None)?;
    Ok(text(&document))
}

fn text(document: &Document) -> HaproxyText {
    let mut text = HaproxyText::default();
    let mut named: HashMap<&str, Vec<HaproxyLine>> = HashMap::new();
    let mut last = Vec::new();
    for section in &document.sections {
        let words = &section.head.words;
        let base = from(words).map(|name| named.get(name).cloned().unwrap_or_default());
        let own = section.lines.iter().map(HaproxyLine::of);
        match &*words[0].text {
            "global" => text.global.extend(own),
            "defaults" => {
                let lines: Vec<_> = base.unwrap_or_default().into_iter().chain(own).collect();
                if let Some(name) = words.get(1).filter(|word| !word.is("from")) {
                    named.insert(&name.text, lines.clone());
                }
                last = lines;
            }
            "frontend" | "backend" | "listen" => {
                let base = base.unwrap_or_else(|| last.clone());
                let lines = base.into_iter().chain(own).collect();
                text.proxies.push(HaproxyProxy::of(section, lines));
            }
            _ => {}
        }
    }
    text
}

/// The `defaults` that the first line of a section names.
fn from(words: &[Word]) -> Option<&str> {
    let at = words.iter().skip(1).position(|word| word.is("from"))?;
    words.get(at + 2).map(|word| &*word.text)
}

impl HaproxyProxy {
    fn of(section: &Section, lines: Vec<HaproxyLine>) -> Self {
        let word = |index: usize| {
            let word = section.head.words.get(index);
            word.map_or(String::new(), |word| word.text.to_string())
        };
        Self {
            kind: word(0),
            name: word(1),
            undecided: section.head.branch > 0,
            lines,
        }
    }
}

impl HaproxyLine {
    fn of(line: &Line) -> Self {
        let words = line.words.iter().map(|word| word.text.to_string());
        Self {
            words: words.collect(),
            undecided: line.branch > 0,
            place: line.words[0].place,
        }
    }

    /// Its first word.
    pub fn name(&self) -> &str {
        self.words.first().map_or("", String::as_str)
    }

    /// An argument, counted from 0.
    pub fn arg(&self, index: usize) -> Option<&str> {
        self.words.get(index + 1).map(String::as_str)
    }

    /// What a `server`, `server-template` or `default-server` line says besides names and addresses, each with its value.
    pub fn parameters(&self) -> Vec<(&str, Option<&str>)> {
        let begin = match self.name() {
            "server" => 3,
            "server-template" => 4,
            _ => 1,
        };
        let mut words = self.words.iter().skip(begin).map(String::as_str);
        let mut found = Vec::new();
        while let Some(name) = words.next() {
            let value = if takes_value(name) {
                words.next()
            } else {
                None
            };
            found.push((name, value));
        }
        found
    }
}

impl fmt::Display for HaproxyLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, word) in self.words.iter().enumerate() {
            if index > 0 {
                f.write_char(' ')?;
            }
            write_word(word, f)?;
        }
        Ok(())
    }
}

/// In double quotes, where variables are put in, if it has anything that means something outside of them.
fn write_word(word: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let odd = |char: char| char.is_whitespace() || "\"'\\#$".contains(char);
    if !word.is_empty() && !word.contains(odd) {
        return f.write_str(word);
    }
    f.write_char('"')?;
    for (at, char) in word.char_indices() {
        match char {
            '$' if word[at..].starts_with("${") => f.write_char('$')?,
            '"' | '\\' | '$' => write!(f, "\\{char}")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            _ => f.write_char(char)?,
        }
    }
    f.write_char('"')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::MemoryFiles;

    fn read(text: &str) -> HaproxyText {
        let files = MemoryFiles::new().with("haproxy.cfg", text);
        haproxy_text(&files, Path::new("haproxy.cfg"), Limits::default()).unwrap()
    }

    fn lines(lines: &[HaproxyLine]) -> Vec<String> {
        lines.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn proxies_have_the_lines_of_their_defaults() {
        let text = read(
            "global\n nbthread 2\ndefaults http\n mode http\ndefaults\n mode tcp\n.if version_atleast(3.0)\n balance random\n.endif\n\
             backend a from http\n server s 192.0.2.1:80 weight 2 check port 81\nlisten b\n bind :80\n",
        );
        assert_eq!(lines(&text.global), ["nbthread 2"]);
        let [a, b] = &text.proxies[..] else {
            panic!("{text:?}");
        };
        assert_eq!((a.kind.as_str(), a.name.as_str()), ("backend", "a"));
        assert_eq!(
            lines(&a.lines),
            ["mode http", "server s 192.0.2.1:80 weight 2 check port 81"]
        );
        assert_eq!(
            a.lines[1].parameters(),
            [("weight", Some("2")), ("check", None), ("port", Some("81"))]
        );
        assert_eq!(lines(&b.lines), ["mode tcp", "balance random", "bind :80"]);
        assert!(b.lines[1].undecided && !b.lines[2].undecided);
    }

    #[test]
    fn what_is_written_reads_the_same() {
        for line in [
            r#"option httpchk "GET /a b" '#c' \$x "\$y" "a\"b" 'c\d'"#,
            r#"server s "${HOST}:80" weight "${W-1}""#,
            "http-request set-header x \"\"",
        ] {
            let once = read(&format!("backend a\n{line}\n"));
            let written = once.proxies[0].lines[0].to_string();
            let again = read(&format!("backend a\n{written}\n"));
            assert_eq!(
                once.proxies[0].lines[0].words, again.proxies[0].lines[0].words,
                "{written}"
            );
        }
    }
}
