//! Directives in the order in which they are read, each with the sections around it.

use std::path::PathBuf;
use std::rc::Rc;

use super::condition::Modules;
use super::environment::{Environment, TooMany};
use super::line::{Content, Cursor, Line, Word, line};
use super::sections::{Frame, without_bracket};
use crate::configuration::Unresolved;
use crate::error::{ReadError, Why};
use crate::finding::{Comment, Report, Suppression};
use crate::model::Traffic;
use crate::source::{FileId, Loader, Place};
use crate::version::Version;

/// One directive, or the beginning of a section, whose name then begins with `<`.
#[derive(Clone, Debug)]
pub(super) struct Directive {
    /// The first is its name; at least one.
    pub(super) words: Vec<Word>,
    pub(super) context: Rc<Context>,
}

impl Directive {
    pub(super) fn name(&self) -> &Word {
        &self.words[0]
    }

    /// What follows the name.
    pub(super) fn args(&self) -> &[Word] {
        &self.words[1..]
    }
}

/// Where a directive stands.
#[derive(Clone, Debug, Default)]
pub(super) struct Context {
    /// The virtual host, counted from 1; 0: the main server.
    pub(super) host: usize,
    /// What the `<Proxy>` around it is for.
    pub(super) proxy: Option<Word>,
    /// The path of the `<Location>` around it; `None` within others that are for a part of requests.
    pub(super) location: Option<Word>,
    /// Whether only a part of requests comes here, by something else than a path.
    pub(super) partial: bool,
}

/// What files say.
pub(super) struct Document {
    pub(super) directives: Vec<Directive>,
    /// What the sections of virtual hosts are for: `*:443`.
    pub(super) hosts: Vec<String>,
    pub(super) modules: Modules,
    pub(super) suppressions: Vec<Suppression>,
    /// Uses of macros, which are not expanded.
    pub(super) unresolved: Vec<Unresolved>,
}

/// A comment that may be meant for the audit, without its `#`.
pub(super) struct Remark {
    text: String,
    pub(super) place: Place,
}

pub(super) struct Reader<'l, 'f> {
    pub(super) loader: &'l mut Loader<'f>,
    pub(super) report: &'l mut Report,
    pub(super) document: Document,
    /// What relative paths start from.
    pub(super) root: PathBuf,
    pub(super) version: Option<Version>,
    pub(super) environment: Environment,
    /// The sections around what is read next.
    pub(super) context: Rc<Context>,
    pub(super) frames: Vec<Frame>,
    /// Comments that wait for a directive.
    pub(super) waiting: Vec<Remark>,
}

/// Reads the configuration that begins at `path`.
pub(super) fn read(
    loader: &mut Loader<'_>,
    path: &std::path::Path,
    version: Option<Version>,
    report: &mut Report,
) -> Result<Document, ReadError> {
    let most = usize::try_from(loader.limits().total_bytes).unwrap_or(usize::MAX);
    let file = loader.enter(path, None)?;
    let mut reader = Reader {
        loader,
        report,
        document: Document {
            directives: Vec::new(),
            hosts: Vec::new(),
            modules: Modules::default(),
            suppressions: Vec::new(),
            unresolved: Vec::new(),
        },
        root: path.parent().map(PathBuf::from).unwrap_or_default(),
        version,
        environment: Environment::new(most),
        context: Rc::default(),
        frames: Vec::new(),
        waiting: Vec::new(),
    };
    reader.file(file)?;
    let mut document = reader.document;
    // A file that is included twice says everything twice.
    document.suppressions.sort_by_key(Suppression::place);
    document.suppressions.dedup_by_key(|found| found.place());
    Ok(document)
}

impl Reader<'_, '_> {
    /// Reads a file that was entered, and leaves it.
    pub(super) fn file(&mut self, file: FileId) -> Result<(), ReadError> {
        let outside = self.frames.len();
        let mut at = Cursor {
            file,
            offset: 0,
            line: 1,
        };
        while let Some(line) = self.line(at)? {
            at = line.next;
            match line.content {
                Content::Blank => {}
                Content::Comment(text, place) => self.waiting.push(Remark { text, place }),
                Content::Words(words) => {
                    if let Some(next) = self.words(words, line.last, at, outside)? {
                        at = next;
                    }
                }
            }
        }
        self.unfollowed();
        if self.frames.len() > outside
            && let Some(frame) = self.frames.last()
        {
            let what = format!("this `<{}>` is not closed", frame.name);
            return Err(self.syntax(frame.place, what));
        }
        self.loader.leave();
        Ok(())
    }

    pub(super) fn line(&mut self, at: Cursor) -> Result<Option<Line>, ReadError> {
        let text = &self.loader.source(at.file).text;
        line(text, at, &mut self.environment).map_err(|TooMany| {
            let most = self.loader.limits().total_bytes;
            let place = Place {
                start: u32::try_from(at.offset).unwrap_or(u32::MAX),
                line: at.line,
                ..Place::top(at.file)
            };
            self.loader.error(place, Why::TooManyBytes(most))
        })
    }

    pub(super) fn syntax(&self, place: Place, what: String) -> ReadError {
        self.loader.error(place, Why::Syntax(what))
    }

    /// Takes a line; gives where to go on if something was passed over.
    fn words(
        &mut self,
        mut words: Vec<Word>,
        last: u32,
        at: Cursor,
        outside: usize,
    ) -> Result<Option<Cursor>, ReadError> {
        // A variable may be nothing.
        let Some(first) = words.first() else {
            return Ok(None);
        };
        if let Some(name) = first.text.strip_prefix("</") {
            let name = name.trim_end_matches('>').to_ascii_lowercase();
            let place = first.place;
            return self.close(&name, place, last, outside).map(|()| None);
        }
        if let Some(name) = first.text.strip_prefix('<') {
            let name = name.trim_end_matches('>').to_ascii_lowercase();
            without_bracket(&mut words);
            return self.open(&name, words, at);
        }
        for remark in std::mem::take(&mut self.waiting) {
            self.covers(&remark, remark.place.line, last);
        }
        self.directive(words)?;
        Ok(None)
    }

    fn directive(&mut self, words: Vec<Word>) -> Result<(), ReadError> {
        let arg = |index: usize| words.get(index).map(|word| word.text.as_str());
        match words[0].text.to_ascii_lowercase().as_str() {
            "include" => return self.include(&words[1..], false),
            "includeoptional" => return self.include(&words[1..], true),
            "define" => {
                if let Some(name) = arg(1) {
                    self.environment.set(name, arg(2).unwrap_or_default());
                }
            }
            "undefine" => {
                if let Some(name) = arg(1) {
                    self.environment.unset(name);
                }
            }
            "loadmodule" => {
                if let Some(name) = words.get(1) {
                    self.document.modules.load(name, words.get(2));
                }
            }
            "serverroot" => {
                if let Some(root) = arg(1) {
                    self.root = PathBuf::from(root);
                }
            }
            "use" => {
                let written = words.iter().map(Word::short).collect::<Vec<_>>().join(" ");
                self.document.unresolved.push(Unresolved {
                    written,
                    traffic: Traffic::Requests,
                    place: words[0].place,
                });
            }
            _ => {
                let context = Rc::clone(&self.context);
                self.document.directives.push(Directive { words, context });
            }
        }
        Ok(())
    }

    /// Comments that nothing follows hold for themselves alone, so that they are found unused.
    pub(super) fn unfollowed(&mut self) {
        for remark in std::mem::take(&mut self.waiting) {
            self.covers(&remark, remark.place.line, remark.place.line);
        }
    }

    pub(super) fn covers(&mut self, remark: &Remark, from: u32, to: u32) {
        let comment = Comment {
            text: &remark.text,
            place: remark.place,
        };
        let suppression = comment.suppression(from..=to);
        self.document.suppressions.extend(suppression);
    }
}
