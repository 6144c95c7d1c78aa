//! Follows `Include` and `IncludeOptional`: files, patterns, and folders with all that is below them.

use std::path::{Path, PathBuf};

use super::document::Reader;
use super::line::Word;
use crate::error::{ReadError, Why};
use crate::finding::UNREAD_INCLUDE;
use crate::source::{Place, is_pattern};

/// How many folders within each other are looked through.
const FOLDERS: usize = 8;

impl Reader<'_, '_> {
    /// Reads what is included, in the place of the directive. What cannot be read is told, unless it is optional and not there.
    pub(super) fn include(&mut self, args: &[Word], optional: bool) -> Result<(), ReadError> {
        let Some(word) = args.first() else {
            return Ok(());
        };
        let path = self.root.join(&word.text);
        let found = self.included(&path, word.place)?;
        if found.is_empty() && !optional {
            let name = path.display().to_string();
            self.unread(word.place, &name, "nothing matches");
        }
        for path in found {
            match self.loader.enter(&path, Some(word.place)) {
                Ok(file) => self.file(file)?,
                Err(ReadError {
                    why: Why::Unreadable(name, error),
                    ..
                }) => {
                    let missing = error.kind() == std::io::ErrorKind::NotFound;
                    if !(optional && missing) {
                        self.unread(word.place, &name, &error.to_string());
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn unread(&mut self, place: Place, name: &str, why: &str) {
        let message = format!("{name} cannot be read ({why}): what it holds was not audited");
        let help = "audit where the file is, with the folder that ServerRoot names";
        self.report
            .add(&UNREAD_INCLUDE, place, message, help)
            .subject(name);
    }

    /// The files that a path stands for.
    fn included(&self, path: &Path, by: Place) -> Result<Vec<PathBuf>, ReadError> {
        let name = path.to_string_lossy();
        let pattern = is_pattern(&name);
        let mut files = if pattern {
            self.loader.glob(&name, by)?
        } else {
            Vec::new()
        };
        // What is no folder has no files in it.
        let mut below = path.join("*");
        for _ in 0..FOLDERS {
            let found = self.loader.glob(&below.to_string_lossy(), by)?;
            if found.is_empty() {
                break;
            }
            files.extend(found);
            below.push("*");
        }
        if files.is_empty() && !pattern {
            return Ok(vec![path.to_owned()]);
        }
        // Folders are among what matches; they are what others are in.
        files.sort();
        let folders: Vec<PathBuf> = files
            .windows(2)
            .filter(|pair| pair[1].starts_with(&pair[0]))
            .map(|pair| pair[0].clone())
            .collect();
        files.retain(|file| folders.binary_search(file).is_err());
        Ok(files)
    }
}
