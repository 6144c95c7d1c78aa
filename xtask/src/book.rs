//! `cargo xtask book`: the documents as a book, by mdBook, and whether all its links lead somewhere.
//!
//! In the repository links may leave `docs/`. What is read on a web site cannot: in the copy that mdBook is given, they lead to the
//! repository.

mod check;
mod stage;

use std::process::Command;

use anyhow::Result;

use crate::shell::{root, run as run_program, target};
use crate::tool;

/// The version that the book is made with.
const MDBOOK: &str = "0.5.4";

/// Builds the book into cargo's target folder, and checks it.
pub(crate) fn run() -> Result<()> {
    let mdbook = tool::installed("mdbook", MDBOOK)?;
    let source = target().join("book-source");
    let book = target().join("book");
    stage::copy(&root().join("docs"), &source)?;
    run_program(
        Command::new(mdbook)
            .arg("build")
            .arg(&source)
            .arg("--dest-dir")
            .arg(&book),
    )?;
    let links = check::links(&book)?;
    println!(
        "{}: {links} links lead somewhere",
        book.join("index.html").display()
    );
    Ok(())
}
