//! A configuration as plain statements, with all that it includes in place: for whoever writes another one from it.

use std::fmt::{self, Write as _};
use std::path::Path;

use super::include;
use super::tree::Directive;
use crate::error::ReadError;
use crate::finding::Report;
use crate::source::{Files, Limits, Loader, Place, Sources};

/// One directive, without what it was written like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NginxStatement {
    /// Its name and arguments, with quotes taken off; at least one word.
    pub words: Vec<String>,
    /// What stands between its braces; empty for Lua.
    pub block: Option<Vec<Self>>,
    /// Where its name stands.
    pub place: Place,
}

/// All statements of a configuration.
#[derive(Clone, Debug)]
pub struct NginxText {
    /// Where they are from.
    pub sources: Sources,
    /// In their order; no `include` is among them, unless what it names could not be read.
    pub statements: Vec<NginxStatement>,
    /// What could not be read, in words.
    pub missing: Vec<String>,
}

/// Reads the configuration that begins at `path`, with all that it includes; also a dump of `nginx -T`.
pub fn nginx_text(files: &dyn Files, path: &Path, limits: Limits) -> Result<NginxText, ReadError> {
    let mut loader = Loader::new(files, limits);
    let file = loader.enter(path, None)?;
    let text = &loader.source(file).text;
    if include::is_dump(text)
        && let Some((path, dumped)) = include::dumped(text)
    {
        return text_of(Loader::new(&dumped, limits), &path);
    }
    loader.leave();
    text_of(loader, path)
}

fn text_of(mut loader: Loader<'_>, path: &Path) -> Result<NginxText, ReadError> {
    let mut report = Report::default();
    let (directives, _) = include::read(&mut loader, path, &mut report)?;
    let findings = report.into_findings().into_iter();
    Ok(NginxText {
        sources: loader.into_sources(),
        statements: directives.into_iter().map(NginxStatement::from).collect(),
        missing: findings.map(|finding| finding.message).collect(),
    })
}

impl From<Directive> for NginxStatement {
    fn from(directive: Directive) -> Self {
        let place = directive.name.place;
        let words = std::iter::once(directive.name).chain(directive.args);
        let children = |block: Vec<Directive>| block.into_iter().map(Self::from).collect();
        Self {
            words: words.map(|word| word.text).collect(),
            block: directive.block.map(children),
            place,
        }
    }
}

impl NginxStatement {
    /// Its name.
    pub fn name(&self) -> &str {
        self.words.first().map_or("", String::as_str)
    }

    /// An argument, counted from 0.
    pub fn arg(&self, index: usize) -> Option<&str> {
        self.words.get(index + 1).map(String::as_str)
    }

    /// The statements of its block.
    pub fn children(&self) -> &[Self] {
        self.block.as_deref().unwrap_or_default()
    }
}

/// As nginx reads it back.
impl fmt::Display for NginxStatement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, word) in self.words.iter().enumerate() {
            if index > 0 {
                f.write_char(' ')?;
            }
            write_word(word, f)?;
        }
        let Some(block) = &self.block else {
            return f.write_str(";\n");
        };
        f.write_str(" {\n")?;
        for statement in block {
            statement.fmt(f)?;
        }
        f.write_str("}\n")
    }
}

fn write_word(word: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let odd = |char: char| char.is_whitespace() || ";{}\"'\\#".contains(char);
    if !word.is_empty() && !word.contains(odd) {
        return f.write_str(word);
    }
    f.write_char('"')?;
    for char in word.chars() {
        if matches!(char, '"' | '\\') {
            f.write_char('\\')?;
        }
        f.write_char(char)?;
    }
    f.write_char('"')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::MemoryFiles;

    fn read(files: &MemoryFiles) -> NginxText {
        nginx_text(files, Path::new("nginx.conf"), Limits::default()).unwrap()
    }

    #[test]
    fn what_is_written_reads_the_same() {
        let text = r#"
            http {
                map $arg_a $b { default ""; "~*^/a b\.php$" 'x;"y"'; "~\d{2}" ${z}; }
                include pools/*.conf;
                server { location ~ \.php$ { if ($x = "a b") { return 403; } proxy_pass http://shop; } }
            }"#;
        let pool = "upstream shop { server 192.0.2.1:80 weight=2; }";
        let files = MemoryFiles::new()
            .with("nginx.conf", text)
            .with("pools/shop.conf", pool);
        let first = read(&files);
        assert!(first.missing.is_empty());
        let written: String = first.statements.iter().map(ToString::to_string).collect();
        assert!(
            written.contains("server 192.0.2.1:80 weight=2;"),
            "{written}"
        );
        let again = read(&MemoryFiles::new().with("nginx.conf", written.clone()));
        let rewritten: String = again.statements.iter().map(ToString::to_string).collect();
        assert_eq!(written, rewritten);
        let map = &again.statements[0].children()[0];
        assert_eq!(map.children()[1].words, [r"~*^/a b\.php$", r#"x;"y""#]);
    }

    #[test]
    fn what_is_not_there_is_told() {
        let text = read(&MemoryFiles::new().with("nginx.conf", "http { include gone.conf; }"));
        assert!(text.missing[0].contains("gone.conf"), "{:?}", text.missing);
    }
}
