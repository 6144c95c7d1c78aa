//! Splits a text into words, as nginx does (`ngx_conf_read_token` in `src/core/ngx_conf_file.c`).

use crate::source::{FileId, Place};

/// A word, with quotes taken off and escapes replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) place: Place,
}

/// What nginx' grammar is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Word(Word),
    /// `;`
    End(Place),
    /// `{`
    Open(Place),
    /// `}`
    Close(Place),
}

/// A comment that may be meant for the audit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Remark<'a> {
    /// Without the `#`.
    pub(super) text: &'a str,
    pub(super) place: Place,
    /// Whether nothing else is on its line before it.
    pub(super) alone: bool,
}

/// Where in the text the tokenizer is.
#[derive(Clone, Copy, Debug)]
struct Cursor {
    offset: usize,
    line: u32,
    column: u32,
}

/// Reads tokens from one text.
pub(super) struct Tokens<'a> {
    text: &'a str,
    file: FileId,
    at: Cursor,
    /// The last line on which a token ended.
    busy_line: u32,
    /// Comments passed since they were last taken.
    pub(super) remarks: Vec<Remark<'a>>,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(text: &'a str, file: FileId) -> Self {
        let at = Cursor {
            offset: 0,
            line: 1,
            column: 1,
        };
        let mut tokens = Self {
            text,
            file,
            at,
            busy_line: 0,
            remarks: Vec::new(),
        };
        // A byte order mark is no word.
        if text.starts_with('\u{feff}') {
            tokens.at.offset = '\u{feff}'.len_utf8();
        }
        tokens
    }

    /// The next token; `None` at the end. Errors say what is wrong.
    pub(super) fn next(&mut self) -> Result<Option<Token>, (Place, String)> {
        self.skip_blank();
        let start = self.at;
        let Some(byte) = self.peek() else {
            return Ok(None);
        };
        let token = match byte {
            b';' | b'{' | b'}' => {
                self.advance();
                let place = self.since(start);
                match byte {
                    b';' => Token::End(place),
                    b'{' => Token::Open(place),
                    _ => Token::Close(place),
                }
            }
            b'"' | b'\'' => Token::Word(self.quoted(byte)?),
            _ => Token::Word(self.plain()),
        };
        self.busy_line = self.at.line;
        Ok(Some(token))
    }

    /// The place where the text ends.
    pub(super) fn here(&self) -> Place {
        self.since(self.at)
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at.offset).copied()
    }

    /// Whether the text goes on with `expected`.
    pub(super) fn sees(&self, expected: &str) -> bool {
        self.text.as_bytes()[self.at.offset..].starts_with(expected.as_bytes())
    }

    /// Passes one byte.
    pub(super) fn advance(&mut self) {
        let Some(byte) = self.peek() else { return };
        self.at.offset += 1;
        if byte == b'\n' {
            self.at.line += 1;
            self.at.column = 1;
        } else if self.text.is_char_boundary(self.at.offset) {
            self.at.column += 1;
        }
    }

    fn skip_blank(&mut self) {
        while let Some(byte) = self.peek() {
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' => self.advance(),
                b'#' => self.comment(),
                _ => return,
            }
        }
    }

    fn comment(&mut self) {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte != b'\n') {
            self.advance();
        }
        let text = &self.text[start.offset + 1..self.at.offset];
        if text.contains("venkeel:") {
            self.remarks.push(Remark {
                text,
                place: self.since(start),
                alone: self.busy_line != start.line,
            });
        }
    }

    fn quoted(&mut self, quote: u8) -> Result<Word, (Place, String)> {
        let start = self.at;
        self.advance();
        while let Some(byte) = self.peek() {
            if byte == b'\\' {
                self.advance();
            } else if byte == quote {
                let text = unescape(&self.text[start.offset + 1..self.at.offset]);
                self.advance();
                let place = self.since(start);
                return match self.peek() {
                    None | Some(b' ' | b'\t' | b'\r' | b'\n' | b';' | b'{' | b')') => {
                        Ok(Word { text, place })
                    }
                    Some(_) => {
                        let what = "a space, `;` or `{` is expected after a closing quote";
                        Err((self.here(), what.to_owned()))
                    }
                };
            }
            self.advance();
        }
        let place = Place {
            length: 1,
            ..self.since(start)
        };
        Err((place, "this quote is not closed".to_owned()))
    }

    fn plain(&mut self) -> Word {
        let start = self.at;
        let mut variable = false;
        while let Some(byte) = self.peek() {
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' | b';' => break,
                // `${name}` is a variable, any other brace begins a block.
                b'{' if !variable => break,
                b'\\' => self.advance(),
                _ => {}
            }
            variable = byte == b'$';
            self.advance();
        }
        Word {
            text: unescape(&self.text[start.offset..self.at.offset]),
            place: self.since(start),
        }
    }

    /// From `start` to here, or to the end of the line that `start` is on.
    fn since(&self, start: Cursor) -> Place {
        let length = if start.line == self.at.line {
            self.at.column - start.column
        } else {
            let rest = self.text[start.offset..].lines().next();
            rest.map_or(1, |line| {
                u32::try_from(line.chars().count()).unwrap_or(u32::MAX)
            })
        };
        Place {
            file: self.file,
            start: u32::try_from(start.offset).unwrap_or(u32::MAX),
            line: start.line,
            column: start.column,
            length: length.max(1),
        }
    }
}

/// Replaces the escapes that nginx knows; any other backslash stays.
fn unescape(text: &str) -> String {
    if !text.contains('\\') {
        return text.to_owned();
    }
    let mut result = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(char) = rest.next() {
        let meant = match (char, rest.as_str().chars().next()) {
            ('\\', Some(escaped @ ('"' | '\'' | '\\'))) => escaped,
            ('\\', Some('t')) => '\t',
            ('\\', Some('r')) => '\r',
            ('\\', Some('n')) => '\n',
            _ => {
                result.push(char);
                continue;
            }
        };
        rest.next();
        result.push(meant);
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let mut tokens = Tokens::new(
            text,
            Place::top(crate::source::Sources::default().add("", "")).file,
        );
        let mut found = Vec::new();
        while let Some(token) = tokens.next().unwrap() {
            found.push(match token {
                Token::Word(word) => word.text,
                Token::End(_) => ";".to_owned(),
                Token::Open(_) => "{".to_owned(),
                Token::Close(_) => "}".to_owned(),
            });
        }
        found
    }

    #[test]
    fn as_nginx_splits() {
        for (text, expected) in [
            ("a b;c{}", &["a", "b", ";", "c", "{", "}"][..]),
            ("a \"b c\" 'd\\'e';", &["a", "b c", "d'e", ";"]),
            ("a b#c d # e\n;", &["a", "b#c", "d", ";"]),
            ("a ${x}y$z{", &["a", "${x}y$z", "{"]),
            ("a x\\ y \\; \\.b;", &["a", "x\\ y", "\\;", "\\.b", ";"]),
            ("a b}c;", &["a", "b}c", ";"]),
            ("a \"\\t\";", &["a", "\t", ";"]),
            ("if ($a = \"b\") {", &["if", "($a", "=", "b", ")", "{"]),
        ] {
            assert_eq!(words(text), expected, "{text}");
        }
    }
}
