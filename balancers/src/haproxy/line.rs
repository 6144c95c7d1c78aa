//! Splits a line into words, as `HAProxy` does (`parse_line` in `src/tools.c`).

use std::rc::Rc;

use super::environment::Environment;
use crate::source::{FileId, Place};

/// A word, with quotes taken off, escapes replaced and variables put in. Cheap to clone, because defaults are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) text: Rc<str>,
    pub(super) place: Place,
    /// Whether it has a variable whose value is not known; that stands in the text as `${NAME}`.
    pub(super) unresolved: bool,
}

impl Word {
    pub(super) fn is(&self, text: &str) -> bool {
        &*self.text == text
    }

    /// For messages: defaults can hand a long word on to many.
    pub(super) fn short(&self) -> String {
        self.text.chars().take(80).collect()
    }
}

/// A comment that may be meant for the audit, without its `#`.
pub(super) struct Remark {
    pub(super) text: String,
    pub(super) place: Place,
}

/// Where a line begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start {
    pub(super) file: FileId,
    pub(super) offset: usize,
    pub(super) line: u32,
}

/// A position in a line: characters and bytes from its start.
#[derive(Clone, Copy, Debug, Default)]
struct At {
    char: usize,
    byte: usize,
}

struct Splitter<'e> {
    chars: Vec<char>,
    at: At,
    start: Start,
    environment: &'e mut Environment,
    words: Vec<Word>,
    text: String,
    /// Where the current word began, if there is one.
    begun: Option<At>,
    unresolved: bool,
    quote: Option<(char, At)>,
    /// Whether nothing has come since the quote opened.
    empty: bool,
}

type Wrong = (Place, String);

/// The words of one line (without its end), and the comment for the audit that it ends with.
pub(super) fn split(
    line: &str,
    start: Start,
    environment: &mut Environment,
) -> Result<(Vec<Word>, Option<Remark>), Wrong> {
    let mut splitter = Splitter {
        chars: line.chars().collect(),
        at: At::default(),
        start,
        environment,
        words: Vec::new(),
        text: String::new(),
        begun: None,
        unresolved: false,
        quote: None,
        empty: false,
    };
    let remark = splitter.run()?;
    Ok((splitter.words, remark))
}

impl Splitter<'_> {
    fn run(&mut self) -> Result<Option<Remark>, Wrong> {
        let mut remark = None;
        while let Some(char) = self.peek(0) {
            let quote = self.quote.map(|(quote, _)| quote);
            match (char, quote) {
                ('\r' | '\n', _) => break,
                ('#', None) => {
                    remark = self.remark();
                    break;
                }
                ('"' | '\'', None) => {
                    self.quote = Some((char, self.at));
                    self.empty = true;
                    self.advance();
                }
                (_, Some(quote)) if quote == char => self.close(),
                ('\\', None | Some('"')) => self.escape()?,
                ('$', Some('"')) => self.variable()?,
                _ if quote.is_none() && is_space(char) => {
                    self.end();
                    self.advance();
                }
                _ => {
                    self.emit(char);
                    self.advance();
                }
            }
        }
        if let Some((_, at)) = self.quote {
            return Err((self.place(at, 1), "this quote is not closed".to_owned()));
        }
        self.end();
        Ok(remark)
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at.char + ahead).copied()
    }

    fn advance(&mut self) {
        if let Some(char) = self.peek(0) {
            self.at.char += 1;
            self.at.byte += char.len_utf8();
        }
    }

    fn emit(&mut self, char: char) {
        let from = self.quote.map_or(self.at, |(_, at)| at);
        self.begun.get_or_insert(from);
        self.empty = false;
        self.text.push(char);
    }

    fn close(&mut self) {
        // Empty quotes are a word.
        if let Some((_, at)) = self.quote.take()
            && self.empty
        {
            self.begun.get_or_insert(at);
        }
        self.advance();
    }

    fn end(&mut self) {
        if let Some(from) = self.begun.take() {
            self.words.push(Word {
                text: self.text.as_str().into(),
                place: self.place(from, self.at.char - from.char),
                unresolved: self.unresolved,
            });
        }
        self.text.clear();
        self.unresolved = false;
    }

    fn escape(&mut self) -> Result<(), Wrong> {
        let meant = match self.peek(1) {
            Some(char @ (' ' | '\\' | '#' | '\'' | '"')) => char,
            Some('$') if self.quote.is_some() => '$',
            Some('t') => '\t',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('x') => {
                let digit = |ahead| self.peek(ahead).and_then(|char| char.to_digit(16));
                let (Some(high), Some(low)) = (digit(2), digit(3)) else {
                    let what = "two hexadecimal digits are expected after `\\x`";
                    return Err((self.place(self.at, 2), what.to_owned()));
                };
                self.advance();
                self.advance();
                // As bytes that are no UTF-8 are.
                let byte = char::from_u32(high * 16 + low).filter(char::is_ascii);
                byte.unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            // Any other backslash stays.
            _ => {
                self.emit('\\');
                self.advance();
                return Ok(());
            }
        };
        self.emit(meant);
        self.advance();
        self.advance();
        Ok(())
    }

    /// `$NAME`, `${NAME}`, `${NAME-default}`, `${NAME[*]}`.
    fn variable(&mut self) -> Result<(), Wrong> {
        let from = self.at;
        self.advance();
        let brace = self.peek(0) == Some('{');
        if brace {
            self.advance();
        }
        let name = self.name(from)?;
        let several = brace && self.peek(0) == Some('[');
        if several {
            if (self.peek(1), self.peek(2)) != (Some('*'), Some(']')) {
                return Err((self.place(self.at, 1), "`[*]` is expected here".to_owned()));
            }
            (0..3).for_each(|_| self.advance());
        }
        let mut default = None;
        if brace {
            if self.peek(0) == Some('-') {
                self.advance();
                default = Some(self.until_brace());
            }
            if self.peek(0) != Some('}') {
                let what = "this brace is not closed";
                return Err((self.place(from, 2), what.to_owned()));
            }
            self.advance();
        }
        self.put(from, &name, default, several)
    }

    fn name(&mut self, from: At) -> Result<String, Wrong> {
        let first = self.peek(0);
        if !first.is_some_and(|char| char.is_ascii_alphabetic() || matches!(char, '_' | '.')) {
            let what = "the name of a variable is expected after `$`; write `\\$` for the sign";
            return Err((self.place(from, 1), what.to_owned()));
        }
        let mut name = String::new();
        while let Some(char) = self.peek(0) {
            let dot = name.is_empty() && char == '.';
            if !(dot || char.is_ascii_alphanumeric() || char == '_') {
                break;
            }
            name.push(char);
            self.advance();
        }
        Ok(name)
    }

    fn until_brace(&mut self) -> String {
        let mut text = String::new();
        while let Some(char) = self.peek(0).filter(|char| *char != '}') {
            text.push(char);
            self.advance();
        }
        text
    }

    fn put(
        &mut self,
        from: At,
        name: &str,
        default: Option<String>,
        several: bool,
    ) -> Result<(), Wrong> {
        let value = self.environment.get(name).or(default.map(Into::into));
        let Some(value) = value else {
            if !several {
                self.unresolved = true;
                self.begun.get_or_insert(from);
                self.text.extend(["${", name, "}"]);
            }
            self.empty = false;
            return Ok(());
        };
        if !self.environment.spend(value.len()) {
            let what = "variables make this configuration longer than any may be";
            return Err((self.place(from, 1), what.to_owned()));
        }
        self.empty = self.empty && !several;
        for char in value.chars() {
            if several && is_space(char) {
                self.end();
            } else {
                self.emit(char);
            }
        }
        Ok(())
    }

    fn remark(&self) -> Option<Remark> {
        let text: String = self.chars[self.at.char + 1..].iter().collect();
        let length = self.chars.len() - self.at.char;
        text.contains("venkeel:").then(|| Remark {
            text: text.trim_end().to_owned(),
            place: self.place(self.at, length),
        })
    }

    fn place(&self, from: At, length: usize) -> Place {
        let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Place {
            file: self.start.file,
            start: number(self.start.offset + from.byte),
            line: self.start.line,
            column: number(from.char + 1),
            length: number(length.max(1)),
        }
    }
}

/// C's `isspace`, which has the vertical tab too.
const fn is_space(char: char) -> bool {
    matches!(char, ' ' | '\t' | '\u{b}' | '\u{c}' | '\r' | '\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start() -> Start {
        Start {
            file: crate::source::Sources::default().add("", ""),
            offset: 0,
            line: 1,
        }
    }

    fn words(line: &str) -> Vec<String> {
        let mut environment = Environment::new(1000);
        environment.set("A", "a b");
        let (words, _) = split(line, start(), &mut environment).unwrap();
        words.iter().map(|word| word.text.to_string()).collect()
    }

    #[test]
    fn as_haproxy_splits() {
        for (line, expected) in [
            ("a b\tc # d", &["a", "b", "c"][..]),
            ("a b#c", &["a", "b"]),
            (r"a\ b \# \\ \1 \x41", &["a b", "#", "\\", "\\1", "A"]),
            (r#""a b"c 'd"e' """#, &["a bc", "d\"e", ""]),
            (r#"'\n' "\n" "\"" '\'"#, &["\\n", "\n", "\"", "\\"]),
            (
                r#"$A "$A" '$A' "\$A" \$A"#,
                &["$A", "a b", "$A", "$A", "\\$A"],
            ),
            (r#""${A[*]}" "${B[*]}" "${B-x y}""#, &["a", "b", "x y"]),
            (r#""${B}:80" "$B""#, &["${B}:80", "${B}"]),
            ("a\rb", &["a"]),
            ("", &[]),
        ] {
            assert_eq!(words(line), expected, "{line}");
        }
    }

    #[test]
    fn errors_have_a_place() {
        for (line, column) in [
            ("a \"b", 3),
            ("a 'b", 3),
            ("é \\x4", 3),
            ("\"${A\"", 2),
            ("\"$1\"", 2),
            ("\"${A[1]}\"", 5),
        ] {
            let mut environment = Environment::new(1000);
            let Err((place, _)) = split(line, start(), &mut environment) else {
                panic!("{line}");
            };
            assert_eq!(place.column, column, "{line}");
        }
    }
}
