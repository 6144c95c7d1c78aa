//! Files that cannot be read at all: the message says what to do about it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use evenkeel::config::Config;
use rustix::thread::{CapabilitySet, capabilities, set_capabilities};
use tempfile::TempDir;

/// What is printed for the file, with the folder taken off its name.
fn message(file: &Path) -> String {
    let error = Config::load(file).unwrap_err();
    super::report(file, &error)
}

#[test]
fn a_missing_file() {
    let folder = TempDir::new().unwrap();
    insta::assert_snapshot!(message(&folder.path().join("evenkeel.yaml")), @r"
    evenkeel.yaml: error: there is no such file
      = help: create it (an empty file means: all defaults), or name another with `--config FILE`
    ");
}

#[test]
fn a_file_below_a_file() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("evenkeel"), "").unwrap();
    insta::assert_snapshot!(message(&folder.path().join("evenkeel/evenkeel.yaml")), @r"
    evenkeel.yaml: error: there is no such file
      = help: create it (an empty file means: all defaults), or name another with `--config FILE`
    ");
}

#[test]
fn a_directory() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("evenkeel");
    fs::create_dir(&file).unwrap();
    insta::assert_snapshot!(message(&file), @r"
    evenkeel: error: this is a directory, not a file
      = help: name the file in it with `--config FILE`
    ");
}

#[test]
fn a_file_of_someone_else() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("evenkeel.yaml");
    fs::write(&file, "").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).unwrap();
    // Root may read every file, unless the thread gives that up.
    let denied = std::thread::spawn(move || {
        let mut mine = capabilities(None).unwrap();
        mine.effective -= CapabilitySet::DAC_OVERRIDE | CapabilitySet::DAC_READ_SEARCH;
        set_capabilities(None, mine).unwrap();
        message(&file)
    });
    insta::assert_snapshot!(denied.join().unwrap(), @r"
    evenkeel.yaml: error: the file may not be read: permission denied
      = help: let the user that evenkeel runs as read the file and enter its directory
    ");
}

#[test]
fn a_file_that_fails_while_it_is_read() {
    // Nothing is mapped at address 0.
    insta::assert_snapshot!(message(Path::new("/proc/self/mem")), @r"
    mem: error: the file cannot be read: Input/output error (os error 5)
      = help: check the file and the disk that it is on, or name another with `--config FILE`
    ");
}

#[test]
fn a_file_that_is_too_large() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("evenkeel.yaml");
    let file = fs::File::create(&path).unwrap();
    file.set_len((64 << 20) + 1).unwrap();
    insta::assert_snapshot!(message(&path), @r"
    evenkeel.yaml: error: the file is larger than 64 MiB
      = help: is this a configuration of evenkeel? one with 100,000 backends has about 10 MiB
    ");
}
