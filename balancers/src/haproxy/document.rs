//! Sections of lines, from files, with conditions decided.

use std::path::Path;

use super::branches::Branches;
use super::condition::holds;
use super::environment::Environment;
use super::line::{Remark, Start, Word, split};
use crate::error::{ReadError, Why};
use crate::finding::{Comment, Suppression};
use crate::source::{FileId, Loader, Place};
use crate::version::Version;

/// Words that begin a section, of any version.
const SECTIONS: [&str; 25] = [
    "global",
    "defaults",
    "frontend",
    "backend",
    "listen",
    "peers",
    "resolvers",
    "userlist",
    "mailers",
    "cache",
    "program",
    "ring",
    "log-forward",
    "log-profile",
    "http-errors",
    "fcgi-app",
    "namespace_list",
    "traces",
    "crt-store",
    "acme",
    "healthcheck",
    "spoe-agent",
    "spoe-group",
    "spoe-message",
    "ruleset",
];

/// One line.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// At least one.
    pub(super) words: Vec<Word>,
    /// The innermost branch that it stands in and of which it is not known whether it is taken; 0: none.
    pub(super) branch: u32,
}

/// A section: its first line, and the others.
#[derive(Clone, Debug)]
pub(super) struct Section {
    pub(super) head: Line,
    pub(super) lines: Vec<Line>,
}

/// What files say.
#[derive(Default)]
pub(super) struct Document {
    pub(super) sections: Vec<Section>,
    pub(super) suppressions: Vec<Suppression>,
}

struct Reader<'r, 'l> {
    loader: &'r Loader<'l>,
    version: Option<Version>,
    environment: Environment,
    document: Document,
    branches: Branches,
    /// Comments on lines of their own, that wait for a line.
    waiting: Vec<Remark>,
    /// Comments that hold for the section that was begun last.
    whole: Vec<Remark>,
    last_line: u32,
}

/// Reads files in order, as one configuration.
pub(super) fn read(
    loader: &mut Loader<'_>,
    paths: &[impl AsRef<Path>],
    version: Option<Version>,
) -> Result<Document, ReadError> {
    let mut files = Vec::with_capacity(paths.len());
    for path in paths {
        files.push(loader.enter(path.as_ref(), None)?);
        loader.leave();
    }
    let most = usize::try_from(loader.limits().total_bytes).unwrap_or(usize::MAX);
    let mut reader = Reader {
        loader,
        version,
        environment: Environment::new(most),
        document: Document::default(),
        branches: Branches::default(),
        waiting: Vec::new(),
        whole: Vec::new(),
        last_line: 0,
    };
    for file in files {
        let result = reader.file(file);
        result.map_err(|(place, why)| reader.loader.error(place, why))?;
    }
    Ok(reader.document)
}

type Wrong = (Place, Why);

fn wrong(place: Place, what: &str) -> Wrong {
    (place, Why::Syntax(what.to_owned()))
}

impl Reader<'_, '_> {
    fn file(&mut self, file: FileId) -> Result<(), Wrong> {
        let loader = self.loader;
        let text = &loader.source(file).text;
        let mut start = Start {
            file,
            offset: 0,
            line: 0,
        };
        for line in text.split_inclusive('\n') {
            start.line += 1;
            // A byte order mark is no word.
            let bare = line.strip_prefix('\u{feff}').filter(|_| start.line == 1);
            start.offset += line.len() - bare.unwrap_or(line).len();
            let line = bare.unwrap_or(line);
            let words = split(line, start, &mut self.environment);
            let (words, remark) = words.map_err(|(place, what)| (place, Why::Syntax(what)))?;
            self.remark(remark, words.is_empty(), start.line);
            if !words.is_empty() {
                self.words(words)?;
                self.last_line = start.line;
            }
            start.offset += line.len();
        }
        self.end_section();
        self.waiting.clear();
        match self.branches.left_open() {
            Some(place) => Err(wrong(place, "this `.if` has no `.endif`")),
            None => Ok(()),
        }
    }

    fn remark(&mut self, remark: Option<Remark>, alone: bool, line: u32) {
        let Some(remark) = remark else { return };
        if alone {
            self.waiting.push(remark);
        } else {
            self.covers(&remark, line, line);
        }
    }

    fn covers(&mut self, remark: &Remark, from: u32, to: u32) {
        let comment = Comment {
            text: &remark.text,
            place: remark.place,
        };
        let suppression = comment.suppression(from..=to);
        self.document.suppressions.extend(suppression);
    }

    /// Ends the comments that hold for a whole section.
    fn end_section(&mut self) {
        for remark in std::mem::take(&mut self.whole) {
            self.covers(&remark, remark.place.line, self.last_line);
        }
    }

    fn words(&mut self, words: Vec<Word>) -> Result<(), Wrong> {
        let Some(first) = words.first() else {
            return Ok(());
        };
        if first.text.starts_with('.') && self.directive(&words)? {
            return Ok(());
        }
        if !self.branches.is_read() {
            return Ok(());
        }
        let begins = SECTIONS.iter().any(|section| first.is(section));
        let line = first.place.line;
        if begins {
            self.end_section();
            self.whole = std::mem::take(&mut self.waiting);
        }
        for remark in std::mem::take(&mut self.waiting) {
            self.covers(&remark, remark.place.line, line);
        }
        self.keep(words, begins)
    }

    fn keep(&mut self, words: Vec<Word>, begins: bool) -> Result<(), Wrong> {
        let line = Line {
            words,
            branch: self.branches.current(),
        };
        if begins {
            self.document.sections.push(Section {
                head: line,
                lines: Vec::new(),
            });
            return Ok(());
        }
        let Some(section) = self.document.sections.last_mut() else {
            let what = "a section must begin before this: `global`, `defaults`, `frontend`, `backend` or `listen`";
            return Err(wrong(line.words[0].place, what));
        };
        if section.head.words[0].is("global") {
            set(&line.words, &mut self.environment);
        }
        section.lines.push(line);
        Ok(())
    }

    /// `.if` and its kin; false if it is none of them.
    fn directive(&mut self, words: &[Word]) -> Result<bool, Wrong> {
        let place = words[0].place;
        let begun = match &*words[0].text {
            ".if" => {
                let most = self.loader.limits().block_depth;
                if self.branches.depth() >= most {
                    return Err((place, Why::TooDeepBlocks(most)));
                }
                let holds = self.holds(words);
                self.branches.begin(place, holds);
                true
            }
            ".elif" => {
                let holds = self.holds(words);
                self.branches.next(holds)
            }
            ".else" => self.branches.next(Some(true)),
            ".endif" => self.branches.end(),
            ".notice" | ".warning" | ".alert" | ".diag" => true,
            _ => return Ok(false),
        };
        if begun {
            Ok(true)
        } else {
            Err(wrong(place, "there is no `.if` before this"))
        }
    }

    /// What is known of a condition.
    fn holds(&self, words: &[Word]) -> Option<bool> {
        let texts: Vec<&str> = words[1..].iter().map(|word| &*word.text).collect();
        holds(&texts.join(" "), &self.environment, self.version)
    }
}

/// `setenv` and its kin.
fn set(words: &[Word], environment: &mut Environment) {
    match words {
        [verb, name, value, ..] if verb.is("setenv") || verb.is("presetenv") => {
            if value.unresolved {
                environment.unset(&name.text);
            } else {
                environment.set(&name.text, &value.text);
            }
        }
        [verb, names @ ..] if verb.is("unsetenv") => {
            for name in names {
                environment.unset(&name.text);
            }
        }
        _ => {}
    }
}
