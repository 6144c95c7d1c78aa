//! `cargo xtask book`: the documents as a book, by mdBook, and whether all its links lead somewhere.
//!
//! In the repository links may leave `docs/`. What is read on a web site cannot: in the copy that mdBook is given, they lead to the
//! repository.

mod check;
mod stage;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::shell::{cargo, output, root, run as run_program, target};

/// The version that the book is made with.
const MDBOOK: &str = "0.5.4";

/// Builds the book into cargo's target folder, and checks it.
pub(crate) fn run() -> Result<()> {
    let mdbook = mdbook()?;
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

/// mdBook in that version, installed if need be.
fn mdbook() -> Result<PathBuf> {
    let folder = target().join("tools");
    let installed = folder.join("bin/mdbook");
    if version(&installed).is_some_and(|version| version.contains(MDBOOK)) {
        return Ok(installed);
    }
    println!("installing mdBook {MDBOOK} into {}", folder.display());
    let mut install = cargo();
    install
        .args(["install", "--locked", "--force"])
        .arg(format!("mdbook@{MDBOOK}"))
        .arg("--root")
        .arg(&folder);
    run_program(&mut install)?;
    Ok(installed)
}

fn version(program: &Path) -> Option<String> {
    output(Command::new(program).arg("--version")).ok()
}
