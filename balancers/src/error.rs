//! Why a configuration could not be read.

use std::io;

use thiserror::Error;

use crate::source::{Excerpt, Place, Sources};

/// A configuration that could not be read: why, and where.
#[derive(Debug, Error)]
#[error("{name}{}: {why}", position.as_ref().map(|at| format!(":{}:{}", at.line, at.column)).unwrap_or_default())]
pub struct ReadError {
    /// The file.
    pub name: String,
    /// Where in it; `None` if it could not be read at all. Boxed because it is rarely there.
    pub position: Option<Box<Position>>,
    /// What is wrong.
    #[source]
    pub why: Why,
}

/// A place, with its line to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// Counted from 1.
    pub line: u32,
    /// In characters, counted from 1.
    pub column: u32,
    /// The line.
    pub excerpt: Excerpt,
}

impl ReadError {
    pub(crate) fn file(name: String, why: Why) -> Self {
        Self {
            name,
            position: None,
            why,
        }
    }

    pub(crate) fn at(sources: &Sources, place: Place, why: Why) -> Self {
        Self {
            name: sources.get(place.file).name.clone(),
            position: Some(Box::new(Position {
                line: place.line,
                column: place.column,
                excerpt: sources.excerpt(place),
            })),
            why,
        }
    }
}

/// What can be wrong with a configuration so that nothing can be said of it.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Why {
    /// A file that is missing, or that may not be read.
    #[error("cannot read {0}: {1}")]
    Unreadable(String, #[source] io::Error),
    /// A file that is no text.
    #[error("{0} holds zero bytes: it is no configuration text")]
    Binary(String),
    /// A file longer than [`Limits::file_bytes`](crate::source::Limits).
    #[error("{0} is longer than {1} bytes")]
    TooLong(String, u64),
    /// Texts longer than [`Limits::total_bytes`](crate::source::Limits).
    #[error("the configuration is longer than {0} bytes, with all that it includes")]
    TooManyBytes(u64),
    /// More inclusions than [`Limits::inclusions`](crate::source::Limits).
    #[error("files are included more than {0} times")]
    TooManyFiles(usize),
    /// Deeper than [`Limits::include_depth`](crate::source::Limits).
    #[error("inclusions are more than {0} deep")]
    TooDeepIncludes(usize),
    /// Deeper than [`Limits::block_depth`](crate::source::Limits).
    #[error("blocks are more than {0} deep")]
    TooDeepBlocks(usize),
    /// A file that includes itself, directly or through others.
    #[error("{0} includes itself")]
    Cycle(String),
    /// What breaks the product's grammar.
    #[error("{0}")]
    Syntax(String),
    /// A text that none of the products' readers recognises.
    #[error("this is no configuration of {0}")]
    Unrecognised(String),
}
