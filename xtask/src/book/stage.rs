//! A copy of the documents whose links do not leave it.
//!
//! mdBook calls the page of a folder's README `index`, and leaves links to it as they are; so these are changed, too.

use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result};

/// Where files are that are not in the book.
const REPOSITORY: &str = "https://github.com/evenkeel/evenkeel/blob/main/";

/// Copies the folder `docs`, over what a copy before it left.
pub(super) fn copy(docs: &Path, to: &Path) -> Result<()> {
    if to.exists() {
        fs::remove_dir_all(to).with_context(|| format!("cannot remove {}", to.display()))?;
    }
    folder(docs, Path::new(""), to)
}

/// Copies the folder `inside` of `docs`.
fn folder(docs: &Path, inside: &Path, to: &Path) -> Result<()> {
    let (from, to_folder) = (docs.join(inside), to.join(inside));
    fs::create_dir_all(&to_folder)
        .with_context(|| format!("cannot make {}", to_folder.display()))?;
    for entry in fs::read_dir(&from).with_context(|| format!("cannot read {}", from.display()))? {
        let entry = entry?;
        let path = inside.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            folder(docs, &path, to)?;
        } else if path.extension().is_some_and(|end| end == "md") && !path.ends_with("SUMMARY.md") {
            let text = fs::read_to_string(entry.path())
                .with_context(|| format!("cannot read {}", path.display()))?;
            fs::write(to.join(&path), outward(&text, inside))?;
        } else {
            fs::copy(entry.path(), to.join(&path))
                .with_context(|| format!("cannot copy {}", path.display()))?;
        }
    }
    Ok(())
}

/// The text with links that leave the folder turned to the repository. `inside` is where the document is in it.
fn outward(text: &str, inside: &Path) -> String {
    let mut out = String::with_capacity(text.len());
    let mut pieces = text.split("](");
    out.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        out.push_str("](");
        let Some((target, rest)) = piece.split_once(')') else {
            out.push_str(piece);
            continue;
        };
        let target = match left(target, inside) {
            Some(path) => format!("{REPOSITORY}{path}"),
            None if target.contains("://") => target.to_owned(),
            None => target.replace("README.md", "index.md"),
        };
        out.push_str(&target);
        out.push(')');
        out.push_str(rest);
    }
    out
}

/// The path from the root of the repository, if a link leads out of the folder of documents.
fn left(target: &str, inside: &Path) -> Option<String> {
    if target.contains("://") || !target.starts_with("..") {
        return None;
    }
    let mut path = PathBuf::new();
    let mut is_outside = false;
    for part in inside.join(target).components() {
        match part {
            Component::ParentDir if !path.pop() => is_outside = true,
            Component::Normal(name) => path.push(name),
            _ => {}
        }
    }
    (is_outside && !path.as_os_str().is_empty()).then(|| path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_that_leave_the_book_lead_to_the_repository() {
        let text = "a [rule](../../dashboards/README.md#x), [near](../metrics.md), [far](https://a.example/../b), [c](d.md)";
        let wanted = format!(
            "a [rule]({REPOSITORY}dashboards/README.md#x), [near](../metrics.md), [far](https://a.example/../b), [c](d.md)"
        );
        assert_eq!(outward(text, Path::new("runbooks")), wanted);
        assert_eq!(
            outward("[a](../README.md#b)", Path::new("runbooks")),
            "[a](../index.md#b)"
        );
        assert_eq!(
            outward("[a](../README.md)", Path::new("")),
            format!("[a]({REPOSITORY}README.md)")
        );
    }
}
