//! Gets the text of a configuration file, or says why it cannot be had.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use super::error::ConfigError;
use super::place::Place;
use super::problems::Problems;

/// The largest configuration that is read.
pub(super) const MAX_BYTES: usize = 64 << 20;

/// Reads the whole file; `by` is where its name was given.
pub(super) fn read(path: &Path, by: &str) -> Result<Vec<u8>, ConfigError> {
    let mut bytes = Vec::new();
    // One byte more tells a file of the limit's size from a longer one. A length read beforehand would not hold
    // for pipes and devices.
    File::open(path)
        .and_then(|file| file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes))
        .map_err(|error| unreadable(path, by, &error))?;
    if bytes.len() > MAX_BYTES {
        return Err(ConfigError::of_file(
            &path.display().to_string(),
            format!("the file is larger than {} MiB", MAX_BYTES >> 20),
            "is this a configuration of evenkeel? one with 100,000 backends has about 10 MiB"
                .to_owned(),
        ));
    }
    Ok(bytes)
}

/// What to do about a file that cannot be read.
fn unreadable(path: &Path, by: &str, error: &io::Error) -> ConfigError {
    let (message, help) = match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => (
            "there is no such file".to_owned(),
            format!("create it (an empty file means: all defaults), or name another with `{by}`"),
        ),
        ErrorKind::IsADirectory => (
            "this is a directory, not a file".to_owned(),
            format!("name the file in it with `{by}`"),
        ),
        ErrorKind::PermissionDenied => (
            "the file may not be read: permission denied".to_owned(),
            "let the user that evenkeel runs as read the file and enter its directory".to_owned(),
        ),
        _ => (
            format!("the file cannot be read: {error}"),
            format!("check the file and the disk that it is on, or name another with `{by}`"),
        ),
    };
    ConfigError::of_file(&path.display().to_string(), message, help)
}

/// The text of `bytes`.
pub(super) fn decode<'a>(name: &str, bytes: &'a [u8]) -> Result<&'a str, ConfigError> {
    std::str::from_utf8(bytes).map_err(|error| {
        let (valid, rest) = bytes.split_at(error.valid_up_to());
        not_utf8(name, &String::from_utf8_lossy(valid), rest)
    })
}

/// The text without a byte order mark, which would be one more column in the first line.
pub(super) fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// Shows the first bytes that are not UTF-8; `valid` is the text before them.
fn not_utf8(name: &str, valid: &str, rest: &[u8]) -> ConfigError {
    let offset = valid.len();
    if offset == 0 && (rest.starts_with(&[0xff, 0xfe]) || rest.starts_with(&[0xfe, 0xff])) {
        return ConfigError::of_file(
            name,
            "the file is UTF-16, not UTF-8".to_owned(),
            "save it as UTF-8".to_owned(),
        );
    }
    let line = valid.matches('\n').count() + 1;
    let start = valid.rfind('\n').map_or(0, |end| end + 1);
    let column = valid[start..].chars().count() + 1;
    // The rest of the line, so that the reader recognises it.
    let end = rest.iter().position(|byte| *byte == b'\n');
    let tail = String::from_utf8_lossy(&rest[..end.unwrap_or(rest.len()).min(200)]);
    let source = format!("{}{tail}", &valid[start..]);
    let mut problems = Problems::new(&source);
    let byte = rest.first().copied().unwrap_or_default();
    problems.note(
        Place::point(line, column, valid.len() - start),
        format!("the file is not UTF-8: byte 0x{byte:02x} at offset {offset}"),
        "save it as UTF-8",
    );
    problems.into_error(name)
}
