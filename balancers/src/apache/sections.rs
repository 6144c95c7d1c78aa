//! Sections: which are read, and what they change for what stands in them.

use std::rc::Rc;

use super::condition::holds;
use super::document::{Context, Directive, Reader, Remark};
use super::line::{Content, Cursor, Word};
use crate::error::{ReadError, Why};
use crate::source::Place;

/// A section that is not closed yet.
pub(super) struct Frame {
    /// Without `<`, in lower case.
    pub(super) name: String,
    pub(super) place: Place,
    /// What is around it.
    outer: Rc<Context>,
    /// Comments that hold for all of it.
    remarks: Vec<Remark>,
}

impl Reader<'_, '_> {
    /// Begins a section; gives where to go on if its content is passed over.
    pub(super) fn open(
        &mut self,
        name: &str,
        words: Vec<Word>,
        at: Cursor,
    ) -> Result<Option<Cursor>, ReadError> {
        let place = words.first().map_or(Place::top(at.file), |word| word.place);
        let most = self.loader.limits().block_depth;
        if self.frames.len() >= most {
            return Err(self.loader.error(place, Why::TooDeepBlocks(most)));
        }
        let args = words.get(1..).unwrap_or_default();
        let conditional = name.starts_with("if") && name != "if";
        let (environment, modules) = (&self.environment, &self.document.modules);
        let read = !conditional || holds(name, args, environment, modules, self.version);
        // What a macro holds is a pattern, and Perl is another language.
        if !read || matches!(name, "macro" | "perl") {
            self.waiting.clear();
            return self.pass_over(name, place, at).map(Some);
        }
        self.frames.push(Frame {
            place,
            outer: Rc::clone(&self.context),
            remarks: std::mem::take(&mut self.waiting),
            name: name.to_owned(),
        });
        self.enter(name, words);
        Ok(None)
    }

    /// What a section changes for what stands in it.
    fn enter(&mut self, name: &str, words: Vec<Word>) {
        let mut context = Context::clone(&self.context);
        let first = words.get(1).cloned();
        match name {
            "virtualhost" => {
                let args: Vec<String> = words[1..].iter().map(Word::short).collect();
                self.document.hosts.push(args.join(" "));
                context.host = self.document.hosts.len();
            }
            "proxy" => context.proxy = first,
            "location" => {
                // `<Location ~ "regex">` is a `<LocationMatch>`.
                context.partial |= first.as_ref().is_none_or(|word| word.text == "~");
                context.location = first;
            }
            "locationmatch" | "if" | "elseif" | "else" | "files" | "filesmatch" | "directory"
            | "directorymatch" | "proxymatch" => context.partial = true,
            _ => return,
        }
        self.context = Rc::new(context);
        if name == "proxy" {
            let context = Rc::clone(&self.context);
            self.document.directives.push(Directive { words, context });
        }
    }

    /// Ends a section, which must have begun in the same file.
    pub(super) fn close(
        &mut self,
        name: &str,
        place: Place,
        last: u32,
        outside: usize,
    ) -> Result<(), ReadError> {
        self.unfollowed();
        let frame = self.frames.pop().filter(|_| self.frames.len() >= outside);
        let Some(frame) = frame else {
            return Err(self.syntax(place, format!("there is no `<{name}>` before this")));
        };
        if frame.name != name {
            let what = format!("this should close `<{}>`", frame.name);
            return Err(self.syntax(place, what));
        }
        for remark in &frame.remarks {
            self.covers(remark, remark.place.line, last);
        }
        self.context = frame.outer;
        Ok(())
    }

    /// Reads on to the end of a section of this name.
    fn pass_over(&mut self, name: &str, place: Place, from: Cursor) -> Result<Cursor, ReadError> {
        let (mut at, mut depth) = (from, 1_usize);
        while let Some(line) = self.line(at)? {
            at = line.next;
            let Content::Words(words) = line.content else {
                continue;
            };
            let first = words.first().and_then(|word| word.text.strip_prefix('<'));
            let Some(first) = first else { continue };
            let (closes, section) = match first.strip_prefix('/') {
                Some(section) => (true, section),
                None => (false, first),
            };
            if !section.trim_end_matches('>').eq_ignore_ascii_case(name) {
                continue;
            }
            if !closes {
                depth += 1;
            } else if depth > 1 {
                depth -= 1;
            } else {
                return Ok(at);
            }
        }
        Err(self.syntax(place, format!("this `<{name}>` is not closed")))
    }
}

/// Takes the `>` off that ends a section's line.
pub(super) fn without_bracket(words: &mut Vec<Word>) {
    let Some(last) = words.last_mut() else {
        return;
    };
    if last.text.ends_with('>') {
        last.text.pop();
    }
    if last.text.is_empty() {
        words.pop();
    }
}
