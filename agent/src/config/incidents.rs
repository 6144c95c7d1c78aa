//! Checks where incidents are kept.

use std::path::PathBuf;

use super::place::At;
use super::problems::{Problems, quote};
use super::raw;
use super::shape::Field;
use super::value::Key;

const INCIDENTS: Key<'_> = Key {
    name: "incidents",
    example: "incidents: {directory: /var/lib/evenkeel}",
    expects: "a mapping",
};
const DIRECTORY: Key<'_> = Key {
    name: "directory",
    example: "directory: /var/lib/evenkeel",
    expects: "an absolute path",
};

/// `incidents.directory`, if it is given.
pub(super) fn directory(
    problems: &mut Problems<'_>,
    field: Field<raw::Incidents>,
) -> Option<PathBuf> {
    let section = problems.fit(INCIDENTS, field).ok()?;
    let (incidents, _) = problems.admit(section.value);
    let At { value, place } = problems.line(DIRECTORY, incidents.directory?).ok()?;
    let path = PathBuf::from(&value);
    if path.is_relative() {
        problems.note(
            place,
            format!("{} is not an absolute path", quote(&value)),
            format!(
                "incidents must be found again wherever evenkeel is started: write it like `{}`",
                DIRECTORY.example
            ),
        );
        return None;
    }
    Some(path)
}
