//! The texts that a configuration is made of, and places in them.

mod excerpt;
mod files;
mod glob;
mod loader;
mod place;

use serde::Serialize;

pub use excerpt::Excerpt;
pub use files::{Files, HostFiles, MemoryFiles};
pub use glob::{is_pattern, matches_name};
pub use loader::{Limits, Loader};
pub use place::{FileId, Place};

/// One text, with the name that users know it by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Source {
    /// Its path, as it was asked for.
    pub name: String,
    /// What stands in it. Bytes that are no UTF-8 were replaced by U+FFFD.
    #[serde(skip)]
    pub text: String,
}

/// All texts of a configuration, in the order in which they were read; the first is the one that names the others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Sources(Vec<Source>);

impl Sources {
    /// Adds a text.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> FileId {
        // A `Loader` holds a few thousand files at most.
        let id = FileId::new(u32::try_from(self.0.len()).unwrap_or(u32::MAX));
        self.0.push(Source {
            name: name.into(),
            text: text.into(),
        });
        id
    }

    /// A text; an empty one without name if `id` is of other sources.
    pub fn get(&self, id: FileId) -> &Source {
        static NONE: Source = Source {
            name: String::new(),
            text: String::new(),
        };
        self.0.get(id.index()).unwrap_or(&NONE)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Source> {
        self.0.iter()
    }

    /// The beginning of the text with a name.
    pub fn top(&self, name: &str) -> Option<Place> {
        let index = self.0.iter().position(|source| source.name == name)?;
        Some(Place::top(FileId::new(u32::try_from(index).ok()?)))
    }

    /// `path:line:column`, as editors and terminals understand it.
    pub fn locate(&self, place: Place) -> String {
        format!(
            "{}:{}:{}",
            self.get(place.file).name,
            place.line,
            place.column
        )
    }

    /// The line that a place is on, fit for a terminal.
    pub fn excerpt(&self, place: Place) -> Excerpt {
        let text = &self.get(place.file).text;
        Excerpt::new(text, place.start as usize, place.length as usize)
    }
}
