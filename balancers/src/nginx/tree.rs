//! Directives within each other, from the tokens of one file.

use super::lua;
use super::token::{Remark, Token, Tokens, Word};
use crate::error::{ReadError, Why};
use crate::finding::{Comment, Suppression};
use crate::source::{FileId, Loader, Place};

/// A directive, with its block if it has one.
#[derive(Clone, Debug)]
pub(super) struct Directive {
    pub(super) name: Word,
    pub(super) args: Vec<Word>,
    /// What stands between its braces; empty for Lua.
    pub(super) block: Option<Vec<Directive>>,
}

impl Directive {
    /// Whether it has this name.
    pub(super) fn is(&self, name: &str) -> bool {
        self.name.text == name
    }

    /// An argument, counted from 0.
    pub(super) fn arg(&self, index: usize) -> Option<&Word> {
        self.args.get(index)
    }

    /// The directives of its block.
    pub(super) fn children(&self) -> &[Self] {
        self.block.as_deref().unwrap_or_default()
    }
}

/// A block that is not closed yet, and the directives in it so far.
struct Frame<'a> {
    /// What opened it; none for the file itself.
    opened_by: Option<(Vec<Word>, Place)>,
    directives: Vec<Directive>,
    /// Comments that hold for all of the block.
    remarks: Vec<Remark<'a>>,
}

struct Parser<'a> {
    tokens: Tokens<'a>,
    words: Vec<Word>,
    frames: Vec<Frame<'a>>,
    /// Comments on lines of their own, that wait for a directive.
    waiting: Vec<Remark<'a>>,
    suppressions: Vec<Suppression>,
}

/// Parses a file; `depth` blocks are open around it.
pub(super) fn parse(
    loader: &Loader<'_>,
    file: FileId,
    depth: usize,
) -> Result<(Vec<Directive>, Vec<Suppression>), ReadError> {
    let most = loader.limits().block_depth.saturating_sub(depth);
    let parser = Parser {
        tokens: Tokens::new(&loader.source(file).text, file),
        words: Vec::new(),
        frames: vec![frame(None)],
        waiting: Vec::new(),
        suppressions: Vec::new(),
    };
    let result = parser.run(most);
    result.map_err(|(place, why)| loader.error(place, why))
}

fn frame<'a>(opened_by: Option<(Vec<Word>, Place)>) -> Frame<'a> {
    Frame {
        opened_by,
        directives: Vec::new(),
        remarks: Vec::new(),
    }
}

fn syntax(text: &str) -> Why {
    Why::Syntax(text.to_owned())
}

impl<'a> Parser<'a> {
    fn run(mut self, most: usize) -> Result<(Vec<Directive>, Vec<Suppression>), (Place, Why)> {
        loop {
            let token = self.tokens.next();
            let token = token.map_err(|(place, what)| (place, Why::Syntax(what)))?;
            self.take_remarks();
            match token {
                Some(Token::Word(word)) => self.words.push(word),
                Some(Token::End(place)) => self.simple(place)?,
                Some(Token::Open(_)) if self.frames.len() > most => {
                    return Err((self.tokens.here(), Why::TooDeepBlocks(most)));
                }
                Some(Token::Open(place)) => self.open(place)?,
                Some(Token::Close(place)) => self.close(place)?,
                None => return self.end(),
            }
        }
    }

    /// Sorts comments that were passed: those on lines of their own wait, the others hold for what is before them.
    fn take_remarks(&mut self) {
        for remark in std::mem::take(&mut self.tokens.remarks) {
            let line = remark.place.line;
            let opened = self
                .frames
                .last()
                .and_then(|frame| frame.opened_by.as_ref());
            if remark.alone {
                self.waiting.push(remark);
            } else if opened.is_some_and(|(_, place)| place.line == line) {
                self.frames
                    .last_mut()
                    .into_iter()
                    .for_each(|frame| frame.remarks.push(remark));
            } else {
                self.suppress(&remark, line, line);
            }
        }
    }

    fn suppress(&mut self, remark: &Remark<'a>, first: u32, last: u32) {
        let comment = Comment {
            text: remark.text,
            place: remark.place,
        };
        self.suppressions.extend(comment.suppression(first..=last));
    }

    fn suppress_all(&mut self, remarks: &[Remark<'a>], last: u32) {
        for remark in remarks {
            self.suppress(remark, remark.place.line, last);
        }
    }

    fn simple(&mut self, end: Place) -> Result<(), (Place, Why)> {
        let words = std::mem::take(&mut self.words);
        let waiting = std::mem::take(&mut self.waiting);
        self.suppress_all(&waiting, end.line);
        self.push(words, None)
            .ok_or_else(|| (end, syntax("this `;` ends nothing")))
    }

    fn open(&mut self, place: Place) -> Result<(), (Place, Why)> {
        let words = std::mem::take(&mut self.words);
        let Some(name) = words.first() else {
            return Err((place, syntax("this `{` belongs to no directive")));
        };
        let lua = lua::is_lua(&name.text);
        let mut opened = frame(Some((words, place)));
        opened.remarks = std::mem::take(&mut self.waiting);
        self.frames.push(opened);
        if lua {
            if !lua::skip(&mut self.tokens) {
                return Err((place, syntax("this Lua block is not closed")));
            }
            self.close(self.tokens.here())?;
        }
        Ok(())
    }

    fn close(&mut self, place: Place) -> Result<(), (Place, Why)> {
        if let Some(word) = self.words.last() {
            return Err((word.place, syntax("`;` or `{` is missing after this")));
        }
        self.unfollowed();
        if self.frames.len() < 2 {
            return Err((place, syntax("this `}` closes nothing")));
        }
        let closed = self.frames.pop();
        if let Some(Frame {
            opened_by: Some((words, _)),
            directives,
            remarks,
        }) = closed
        {
            self.suppress_all(&remarks, place.line);
            self.push(words, Some(directives));
        }
        Ok(())
    }

    /// Comments that nothing follows hold for themselves alone, so that they are found unused.
    fn unfollowed(&mut self) {
        for remark in std::mem::take(&mut self.waiting) {
            self.suppress(&remark, remark.place.line, remark.place.line);
        }
    }

    fn push(&mut self, words: Vec<Word>, block: Option<Vec<Directive>>) -> Option<()> {
        let mut words = words.into_iter();
        let directive = Directive {
            name: words.next()?,
            args: words.collect(),
            block,
        };
        self.frames.last_mut()?.directives.push(directive);
        Some(())
    }

    fn end(mut self) -> Result<(Vec<Directive>, Vec<Suppression>), (Place, Why)> {
        if let Some(word) = self.words.last() {
            return Err((word.place, syntax("`;` or `{` is missing after this")));
        }
        self.unfollowed();
        let last = self.frames.pop().unwrap_or_else(|| frame(None));
        match last.opened_by {
            Some((_, place)) => Err((place, syntax("this `{` is not closed"))),
            None => Ok((last.directives, self.suppressions)),
        }
    }
}
