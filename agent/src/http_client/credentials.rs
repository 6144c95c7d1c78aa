//! Secrets, from files that may change at any time.

use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use axum::http::HeaderValue;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::model::Credentials;

/// No secret, key or bundle of certificates is as large, in bytes.
const LARGEST: u64 = 4 * 1024 * 1024;

/// A file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    #[error("cannot read {}: {error}", path.display())]
    Unreadable { path: PathBuf, error: io::Error },
    #[error("{} {what}", path.display())]
    Unusable { path: PathBuf, what: String },
}

impl FileError {
    pub(crate) fn unusable(path: &Path, what: &dyn Display) -> Self {
        Self::Unusable {
            path: path.to_owned(),
            what: what.to_string(),
        }
    }
}

/// The contents of a file of reasonable size. Blocks.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    let unreadable = |error| FileError::Unreadable {
        path: path.to_owned(),
        error,
    };
    // Opening a pipe waits for a writer, perhaps for ever.
    if !fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(FileError::unusable(path, &"is no regular file"));
    }
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LARGEST).read_to_end(&mut bytes))
        .map_err(unreadable)?;
    Ok(bytes)
}

/// The header `Authorization`. Blocks.
pub(super) fn authorization(credentials: &Credentials) -> Result<HeaderValue, FileError> {
    let (path, text) = match credentials {
        Credentials::Basic {
            username,
            password_file,
        } => {
            let pair = format!("{username}:{}", secret(password_file)?);
            (password_file, format!("Basic {}", STANDARD.encode(pair)))
        }
        Credentials::Bearer { credentials_file } => (
            credentials_file,
            format!("Bearer {}", secret(credentials_file)?),
        ),
    };
    let mut value = HeaderValue::from_str(&text)
        .or(Err(FileError::unusable(path, &"holds control characters")))?;
    value.set_sensitive(true);
    Ok(value)
}

/// A secret without the line end that editors add.
fn secret(path: &Path) -> Result<String, FileError> {
    let bytes = read(path)?;
    let text = String::from_utf8(bytes).or(Err(FileError::unusable(path, &"is not UTF-8")))?;
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.is_empty() {
        return Err(FileError::unusable(path, &"is empty"));
    }
    Ok(secret.to_owned())
}
