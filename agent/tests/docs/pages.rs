//! The documents: their headings, their links and their blocks of code.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use crate::root;

/// A document.
pub(crate) struct Page {
    /// Its path from the root of the repository.
    pub(crate) name: String,
    /// What a link to a heading of it ends with.
    pub(crate) anchors: Vec<String>,
    /// Where its links and pictures lead.
    pub(crate) links: Vec<String>,
    /// Its blocks of code.
    pub(crate) blocks: Vec<Block>,
}

/// A block of code.
#[derive(Clone, Debug, Default)]
pub(crate) struct Block {
    /// Where it is, like `docs/gate.md:12`.
    pub(crate) place: String,
    /// The language.
    pub(crate) language: String,
    /// The words behind the language.
    pub(crate) words: Vec<String>,
    /// What is in it.
    pub(crate) text: String,
}

impl Block {
    /// The value of a word like `file=nginx.conf`.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        let start = format!("{name}=");
        self.words.iter().find_map(|word| word.strip_prefix(&start))
    }

    /// Whether a word is there.
    pub(crate) fn has(&self, word: &str) -> bool {
        self.words.iter().any(|there| there == word)
    }
}

/// All documents of the repository.
pub(crate) fn all() -> Vec<Page> {
    let mut pages = of_the_book();
    pages.extend(below(&root().join("dashboards")));
    pages.extend(files(&root()).iter().map(|path| read(path)));
    pages
}

/// The documents below `docs/`.
pub(crate) fn of_the_book() -> Vec<Page> {
    below(&root().join("docs"))
}

fn below(folder: &Path) -> Vec<Page> {
    let mut pages: Vec<Page> = files(folder).iter().map(|path| read(path)).collect();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            pages.extend(below(&path));
        }
    }
    pages
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.extension().is_some_and(|end| end == "md"))
        .collect()
}

fn read(path: &Path) -> Page {
    let name = path.strip_prefix(root()).unwrap().display().to_string();
    parse(&name, &std::fs::read_to_string(path).unwrap())
}

/// Reads a document as GitHub and mdBook do.
fn parse(name: &str, text: &str) -> Page {
    let mut page = Page {
        name: name.to_owned(),
        anchors: Vec::new(),
        links: Vec::new(),
        blocks: Vec::new(),
    };
    let mut seen = HashMap::new();
    let (mut heading, mut block): (Option<String>, Option<Block>) = (None, None);
    for (event, range) in Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter() {
        match event {
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::End(TagEnd::Heading(_)) => {
                page.anchors
                    .push(anchor(&heading.take().unwrap(), &mut seen));
            }
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                let line = text[..range.start].lines().count() + 1;
                let mut words = info.split_whitespace().map(str::to_owned);
                block = Some(Block {
                    place: format!("{name}:{line}"),
                    language: words.next().unwrap_or_default(),
                    words: words.collect(),
                    text: String::new(),
                });
            }
            Event::End(TagEnd::CodeBlock) => page.blocks.extend(block.take()),
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                page.links.push(dest_url.into_string());
            }
            Event::Text(part) | Event::Code(part) => {
                if let Some(text) = heading
                    .as_mut()
                    .or(block.as_mut().map(|block| &mut block.text))
                {
                    text.push_str(&part);
                }
            }
            _ => {}
        }
    }
    page
}

/// What a link to a heading ends with: lower case, without punctuation; of several alike, the second has `-1`.
fn anchor(heading: &str, seen: &mut HashMap<String, usize>) -> String {
    let kept = heading.chars().filter_map(|c| match c {
        ' ' => Some('-'),
        '_' | '-' => Some(c),
        c if c.is_alphanumeric() => Some(c.to_ascii_lowercase()),
        _ => None,
    });
    let anchor: String = kept.collect();
    let count = seen.entry(anchor.clone()).or_insert(0);
    *count += 1;
    if *count == 1 {
        anchor
    } else {
        format!("{anchor}-{}", *count - 1)
    }
}

#[test]
fn documents_are_read_as_written() {
    let page = parse(
        "a.md",
        "# A `b.c[]`\n\n[x](b.md#y) ![p](p.png)\n\n```sh root\nls\n```\n\n- item\n\n  ```yaml\n  a: 1\n  ```\n\n# A `b.c[]`\n",
    );
    assert_eq!(page.anchors, ["a-bc", "a-bc-1"]);
    assert_eq!(page.links, ["b.md#y", "p.png"]);
    assert_eq!(page.blocks[0].place, "a.md:5");
    assert!(page.blocks[0].has("root") && page.blocks[0].text == "ls\n");
    assert_eq!(page.blocks[1].text, "a: 1\n");
}
