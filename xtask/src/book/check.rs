//! Whether every link in the book's pages leads to a page, a picture or a place that is there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

/// What a page of the book has.
struct Page {
    places: BTreeSet<String>,
    links: Vec<String>,
}

/// Checks all pages below a folder; gives how many links there are within it.
pub(super) fn links(book: &Path) -> Result<usize> {
    let mut pages = BTreeMap::new();
    read(book, Path::new(""), &mut pages)?;
    ensure!(!pages.is_empty(), "{} has no pages", book.display());
    let mut broken = Vec::new();
    let mut count = 0;
    for (path, page) in &pages {
        for link in &page.links {
            count += 1;
            if let Some(fault) = fault(book, &pages, path, link) {
                broken.push(format!("{}: {link}: {fault}", path.display()));
            }
        }
    }
    if !broken.is_empty() {
        bail!("links that lead nowhere:\n{}", broken.join("\n"));
    }
    Ok(count)
}

fn read(book: &Path, inside: &Path, pages: &mut BTreeMap<PathBuf, Page>) -> Result<()> {
    let folder = book.join(inside);
    for entry in
        fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?
    {
        let entry = entry?;
        let path = inside.join(entry.file_name());
        // All pages in one, whose links mdBook leaves as they are in each.
        let is_page = path.extension().is_some_and(|end| end == "html")
            && !["print.html", "404.html", "toc.html"]
                .iter()
                .any(|name| path.ends_with(name));
        if entry.file_type()?.is_dir() {
            read(book, &path, pages)?;
        } else if is_page {
            let text = fs::read_to_string(entry.path())?;
            let page = Page {
                places: attributes(&text, " id=\"").collect(),
                links: attributes(&text, " href=\"")
                    .chain(attributes(&text, " src=\""))
                    .filter(|link| !link.contains(':') && !link.is_empty())
                    .collect(),
            };
            pages.insert(path, page);
        }
    }
    Ok(())
}

/// The values of an attribute.
fn attributes<'t>(text: &'t str, start: &'t str) -> impl Iterator<Item = String> + 't {
    let values = text.split(start).skip(1);
    values.map(|rest| {
        let value = rest.split('"').next().unwrap_or_default();
        value.replace("&amp;", "&").replace("%20", " ")
    })
}

/// What is wrong with a link on a page, if something is.
fn fault(
    book: &Path,
    pages: &BTreeMap<PathBuf, Page>,
    from: &Path,
    link: &str,
) -> Option<&'static str> {
    let (file, place) = link.split_once('#').unwrap_or((link, ""));
    let target = if file.is_empty() {
        from.to_owned()
    } else {
        within(from.parent().unwrap_or(Path::new("")), file)
    };
    if !book.join(&target).exists() {
        return Some("no such file");
    }
    let has_place = |page: &Page| place.is_empty() || page.places.contains(place);
    match pages.get(&target) {
        Some(page) if !has_place(page) => Some("no such place on that page"),
        _ => None,
    }
}

/// A relative path, from the root of the book.
fn within(folder: &Path, file: &str) -> PathBuf {
    let mut path = PathBuf::new();
    for part in folder.join(file.trim_start_matches('/')).components() {
        match part {
            Component::ParentDir => drop(path.pop()),
            Component::Normal(name) => path.push(name),
            _ => {}
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_to_files_and_places_are_followed() {
        let book = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(book.path().join(name), text).unwrap();
        fs::create_dir(book.path().join("deep")).unwrap();
        write(
            "a.html",
            r#"<h1 id="top"><a href="deep/b.html#here"><img src="p.png">"#,
        );
        write(
            "deep/b.html",
            r#"<h2 id="here"><a href="../a.html">x</a><a href="https://a.example/">"#,
        );
        write("p.png", "");
        assert_eq!(links(book.path()).unwrap(), 3);
        for (link, fault) in [
            ("deep/b.html#there", "no such place"),
            ("c.html", "no such file"),
            ("#bottom", "no such place"),
        ] {
            write("a.html", &format!(r#"<h1 id="top"><a href="{link}">"#));
            let error = links(book.path()).unwrap_err().to_string();
            assert!(error.contains(fault), "{link}: {error}");
        }
    }
}
