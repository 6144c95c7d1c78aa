//! Parts of documents that are made of what they describe. `cargo xtask docs` rewrites them.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Set by `cargo xtask docs`: write what should be there, instead of comparing with it.
const WRITE: &str = "EVENKEEL_WRITE_DOCS";

/// Compares the part of a document between the marks of that name with what it should be, or writes it.
///
/// `document` is relative to the root of the repository.
pub(crate) fn check(document: &str, name: &str, wanted: &str) {
    // Several tests may write parts of one document.
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(document);
    let text = std::fs::read_to_string(&path).unwrap();
    let begin = format!("<!-- generated: {name}; rewritten by `cargo xtask docs` -->\n");
    let end = format!("<!-- end: {name} -->");
    let parts = text.split_once(&begin).and_then(|(before, rest)| {
        let (there, after) = rest.split_once(&end)?;
        Some((before, there, after))
    });
    let Some((before, there, after)) = parts else {
        panic!("{document} needs the lines\n{begin}{end}");
    };
    let wanted = format!("\n{}\n\n", wanted.trim());
    if there == wanted {
        return;
    }
    assert!(
        std::env::var_os(WRITE).is_some(),
        "{document}: the part {name:?} is out of date; `cargo xtask docs` rewrites it as\n{wanted}"
    );
    std::fs::write(&path, format!("{before}{begin}{wanted}{end}{after}")).unwrap();
}
