//! `cargo xtask docs`: rewrites the parts of the documents that are made of what they describe.
//!
//! Each part has a test beside what it describes, which compares; here the same tests are told to write.

use anyhow::Result;

use crate::shell::{cargo, run as run_program};

/// Rewrites what is out of date.
pub(crate) fn run() -> Result<()> {
    let mut tests = cargo();
    tests.args(["test", "--package", "evenkeel", "--locked", "--lib"]);
    for binary in ["audit", "deploy", "docs", "publish"] {
        tests.args(["--test", binary]);
    }
    tests.arg("generated");
    run_program(tests.env("EVENKEEL_WRITE_DOCS", "1"))
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use clap::Parser;

    use crate::Cli;
    use crate::shell::root;

    /// The documents of the root and of the folders with documents, those of folders below included.
    fn documents() -> Vec<PathBuf> {
        let mut found = Vec::new();
        collect(&root(), &mut found);
        for folder in ["docs", "dashboards", "deploy"] {
            descend(&root().join(folder), &mut found);
        }
        found
    }

    fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> {
        let entries = std::fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().path())
    }

    fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
        found
            .extend(entries(folder).filter(|path| path.extension().is_some_and(|end| end == "md")));
    }

    fn descend(folder: &Path, found: &mut Vec<PathBuf>) {
        collect(folder, found);
        for path in entries(folder).filter(|path| path.is_dir()) {
            descend(&path, found);
        }
    }

    #[test]
    fn every_task_that_documents_name_is_there() {
        let mut tasks = 0;
        for path in documents() {
            let text = std::fs::read_to_string(&path).unwrap();
            for line in text.lines() {
                let line = line.trim().trim_start_matches("$ ");
                let Some(words) = line.strip_prefix("cargo xtask ") else {
                    continue;
                };
                let words = words.split('#').next().unwrap();
                let words = ["cargo xtask"].into_iter().chain(words.split_whitespace());
                if let Err(error) = Cli::try_parse_from(words) {
                    panic!("{}: {line}: {error}", path.display());
                }
                tasks += 1;
            }
        }
        assert!(tasks > 5, "hardly any task was found");
    }

    #[test]
    fn no_document_has_the_marks_of_a_merge() {
        for path in documents() {
            let text = std::fs::read_to_string(&path).unwrap();
            let mark = text
                .lines()
                .position(|line| line.starts_with("<<<<<<< ") || line.starts_with(">>>>>>> "));
            assert_eq!(mark, None, "{}", path.display());
        }
    }
}
