//! `cargo xtask fuzz`: any bytes into what reads text and files that others wrote, for a while each.
//!
//! The targets are in `fuzz/`, outside of the workspace, because libFuzzer needs rustc's nightly. They begin with what the
//! tests have; what is found on the way is kept in `fuzz/corpus`, and bytes that break a target in `fuzz/artifacts`.

use std::fs;

use anyhow::{Context, Result, bail};

use crate::shell::{command, root, run as run_program};

/// A target, and the folders of the repository that it begins with.
const TARGETS: [(&str, &[&str]); 11] = [
    ("nginx", &["balancers/tests/nginx"]),
    ("haproxy", &["balancers/tests/haproxy"]),
    ("envoy", &["balancers/tests/envoy"]),
    ("kubernetes", &["balancers/tests/kubernetes"]),
    ("apache", &["balancers/tests/apache"]),
    ("caddy", &["balancers/tests/caddy"]),
    ("traefik", &["balancers/tests/traefik"]),
    ("configuration", &["agent/tests/config", "deploy"]),
    ("file_sd", &["fuzz/seeds/file_sd"]),
    ("recording", &["fuzz/seeds/recording"]),
    ("records", &["fuzz/seeds/records"]),
];

/// Runs the targets whose name contains `only`, or all, for so many seconds each.
pub(crate) fn run(only: Option<&str>, seconds: u32) -> Result<()> {
    let chosen: Vec<_> = TARGETS
        .iter()
        .filter(|(name, _)| only.is_none_or(|only| name.contains(only)))
        .collect();
    if chosen.is_empty() {
        let names = TARGETS.map(|(name, _)| name);
        bail!("no such target; there are: {}", names.join(", "));
    }
    for (name, seeds) in chosen {
        println!("\n=== {name}");
        target(name, seeds, seconds).with_context(|| format!("target {name}"))?;
    }
    Ok(())
}

fn target(name: &str, seeds: &[&str], seconds: u32) -> Result<()> {
    let corpus = format!("fuzz/corpus/{name}");
    fs::create_dir_all(root().join(&corpus)).with_context(|| format!("cannot make {corpus}"))?;
    let mut fuzz = command("cargo");
    fuzz.args(["+nightly", "fuzz", "run", name, &corpus]);
    fuzz.args(seeds).arg("--");
    fuzz.arg(format!("-max_total_time={seconds}"));
    // A configuration of some pages has all that there is to find; one that takes longer than a user waits is a find as well.
    // Instruments slow it down twentyfold.
    fuzz.args(["-max_len=16384", "-timeout=30", "-rss_limit_mb=4096"]);
    fuzz.args(["-print_final_stats=1", "-verbosity=1"]);
    run_program(&mut fuzz).context(
        "it needs `rustup toolchain install nightly` and `cargo install cargo-fuzz`; bytes that broke it are in fuzz/artifacts",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_those_of_the_folder_and_have_seeds() {
        let sources = fs::read_dir(root().join("fuzz/fuzz_targets")).unwrap();
        let mut written: Vec<String> = sources
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        written.sort();
        let mut run = TARGETS.map(|(name, _)| format!("{name}.rs")).to_vec();
        run.sort();
        assert_eq!(written, run);
        for (name, seeds) in TARGETS {
            let exist = seeds.iter().all(|seed| root().join(seed).is_dir());
            assert!(exist && !seeds.is_empty(), "{name}: {seeds:?}");
        }
    }
}
