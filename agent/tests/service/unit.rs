//! The unit and the configuration that packages install.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use evenkeel::config::Config;

use crate::EVENKEEL;

/// The most exposure that the unit may have, in tenths, from 0 (safest) to 100. Most of it is what counting takes: capabilities, `bpf`,
/// the host's processes, and its network.
const EXPOSURE: &str = "28";

fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy")
}

fn unit() -> String {
    fs::read_to_string(deploy().join("systemd/evenkeel.service")).unwrap()
}

/// The values of a setting, in order.
fn values<'a>(unit: &'a str, key: &str) -> Vec<&'a str> {
    let lines = unit.lines().filter_map(|line| line.split_once('='));
    lines
        .filter(|(name, _)| *name == key)
        .map(|(_, value)| value)
        .collect()
}

/// Runs `systemd-analyze` on the unit with the binary of the tests in it.
fn analyze(arguments: &[&str]) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("evenkeel.service");
    fs::write(&file, unit().replace("/usr/bin/evenkeel", EVENKEEL)).unwrap();
    let output = Command::new("systemd-analyze")
        .args(arguments)
        .arg(&file)
        .output()
        .unwrap();
    let Output {
        status,
        stdout,
        stderr,
    } = output;
    let text = String::from_utf8([stdout, stderr].concat()).unwrap();
    (status.success(), text)
}

#[test]
fn systemd_takes_every_line_of_the_unit() {
    let (success, text) = analyze(&["verify", "--man=no"]);
    assert!(success && text.is_empty(), "{text}");
}

#[test]
fn the_unit_is_exposed_as_little_as_counting_allows() {
    let threshold = format!("--threshold={EXPOSURE}");
    let (success, text) = analyze(&["security", "--offline=true", &threshold]);
    assert!(success, "{text}");
    assert!(text.contains("Overall exposure level"), "{text}");
}

#[test]
fn the_unit_grants_the_capabilities_that_it_keeps_and_that_are_documented() {
    let unit = unit();
    let ambient = values(&unit, "AmbientCapabilities");
    assert_eq!(ambient, values(&unit, "CapabilityBoundingSet"));
    let granted: BTreeSet<&str> = ambient[0].split(' ').collect();
    let install = fs::read_to_string(deploy().join("../docs/install.md")).unwrap();
    let documented: BTreeSet<&str> = install
        .split('`')
        .filter(|word| word.starts_with("CAP_"))
        .collect();
    assert!(
        granted.is_subset(&documented),
        "{granted:?} / {documented:?}"
    );
}

#[test]
fn the_configuration_of_packages_is_safe() {
    let config = Config::load(&deploy().join("systemd/evenkeel.yaml")).unwrap();
    assert_eq!(config.web.listen, "127.0.0.1:9797".parse().unwrap());
    assert!(config.pools.is_empty());
    let state = config.incidents_directory.unwrap();
    let name = values(&unit(), "StateDirectory").join(" ");
    assert_eq!(state, Path::new("/var/lib").join(name));
}
