//! Which configuration nginx uses, by its command line and what is built into its program.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::process::Process;

/// The longest program that is searched for what is built in.
const MOST_BYTES: u64 = 64 << 20;

/// The path, as the process sees it; `base` is the folder that it was started in.
pub(super) fn configuration(process: &Process, base: &Path) -> PathBuf {
    NginxLine::of(process).configuration(base, &BuiltIn::of(process))
}

/// What nginx' command line says of its configuration.
#[derive(Debug, Default, PartialEq)]
struct NginxLine {
    /// `-c`.
    file: Option<String>,
    /// `-p`.
    prefix: Option<String>,
}

impl NginxLine {
    /// The master's title holds its arguments, joined by spaces; a process without master has a line as usual.
    fn of(process: &Process) -> Self {
        match process.title().strip_prefix("nginx: master process ") {
            Some(title) => Self::parse(title.split_ascii_whitespace()),
            None => Self::parse(process.arguments.iter().map(String::as_str)),
        }
    }

    /// nginx takes `-c file` and `-cfile`.
    fn parse<'a>(arguments: impl Iterator<Item = &'a str>) -> Self {
        let mut line = Self::default();
        let mut arguments = arguments.skip(1);
        while let Some(argument) = arguments.next() {
            let (name, value) = argument.split_at_checked(2).unwrap_or((argument, ""));
            let given = match name {
                "-c" => &mut line.file,
                "-p" => &mut line.prefix,
                _ => continue,
            };
            *given = if value.is_empty() {
                arguments.next().map(str::to_owned)
            } else {
                Some(value.to_owned())
            };
        }
        line
    }

    /// The path: `-c` and what is built in are relative to the prefix, that to where nginx was started.
    fn configuration(&self, base: &Path, built: &BuiltIn) -> PathBuf {
        let prefix = self.prefix.as_deref().or(built.prefix.as_deref());
        let prefix = base.join(prefix.unwrap_or("/usr/local/nginx"));
        let file = self.file.as_deref().or(built.file.as_deref());
        prefix.join(file.unwrap_or("conf/nginx.conf"))
    }
}

/// What an nginx was built with, as it tells by `nginx -V`.
#[derive(Debug, Default, PartialEq)]
struct BuiltIn {
    file: Option<String>,
    prefix: Option<String>,
}

impl BuiltIn {
    /// Reads it from the program's file, which holds its own configure line.
    fn of(process: &Process) -> Self {
        let mut bytes = Vec::new();
        let read = File::open(process.program_file())
            .and_then(|file| file.take(MOST_BYTES).read_to_end(&mut bytes));
        match read {
            Ok(_) => Self::in_program(&bytes),
            Err(_) => Self::default(),
        }
    }

    fn in_program(bytes: &[u8]) -> Self {
        Self {
            file: value(bytes, b"--conf-path="),
            prefix: value(bytes, b"--prefix="),
        }
    }
}

/// What follows `name` up to a space or the end of the text.
fn value(bytes: &[u8], name: &[u8]) -> Option<String> {
    let start = bytes.windows(name.len()).position(|part| part == name)? + name.len();
    let rest = &bytes[start..];
    let end = rest
        .iter()
        .position(|byte| *byte == 0 || byte.is_ascii_whitespace())?;
    let value = String::from_utf8(rest[..end].to_vec()).ok()?;
    (!value.is_empty()).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nginx(title: &str, built: &BuiltIn) -> PathBuf {
        NginxLine::parse(title.split(' ')).configuration(Path::new("/start"), built)
    }

    #[test]
    fn nginx_reads_what_its_line_says_or_what_is_built_in() {
        let none = BuiltIn::default();
        let debian = BuiltIn::in_program(
            b"\0configure arguments: --prefix=/usr/share/nginx --conf-path=/etc/nginx/nginx.conf --http\0",
        );
        for (line, built, expected) in [
            ("nginx", &none, "/usr/local/nginx/conf/nginx.conf"),
            ("nginx", &debian, "/etc/nginx/nginx.conf"),
            ("nginx -g daemon on;", &debian, "/etc/nginx/nginx.conf"),
            ("nginx -c /a/b.conf -e stderr", &debian, "/a/b.conf"),
            ("nginx -c/a/b.conf", &debian, "/a/b.conf"),
            ("nginx -c b.conf", &debian, "/usr/share/nginx/b.conf"),
            ("nginx -p /srv -c b.conf", &debian, "/srv/b.conf"),
            ("nginx -p here/ -c b.conf", &none, "/start/here/b.conf"),
        ] {
            assert_eq!(nginx(line, built), Path::new(expected), "{line}");
        }
    }
}
