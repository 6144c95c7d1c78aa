//! Recordings of the agent.

use std::fs;
use std::path::{Path, PathBuf};

use evenkeel::recording::Reader;

/// Reads a recording to its end, or to where it is damaged.
pub fn replay(bytes: &[u8]) {
    let path = scratch();
    fs::write(&path, bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let Ok(mut reader) = Reader::open(&path) else {
        return;
    };
    loop {
        match reader.next() {
            Ok(Some(_)) => {}
            Ok(None) => {
                assert!(reader.torn() <= bytes.len() as u64);
                return;
            }
            Err(error) => {
                assert!(!error.to_string().is_empty());
                return;
            }
        }
    }
}

/// A file of this process' own, in memory where there is a place for it.
fn scratch() -> PathBuf {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() {
        memory.to_owned()
    } else {
        std::env::temp_dir()
    };
    folder.join(format!("evenkeel-fuzz-{}", std::process::id()))
}
