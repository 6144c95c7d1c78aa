//! Sections that measure the project's own libraries, in this process: in a build as it is released, and without root.

use std::time::Instant;

use anyhow::{Context, Result};

use super::machine;
use super::report::{self, Scale};
use crate::shell::{cargo, run as run_command};

/// The name of a section, and what gives its text.
pub(super) type Section = (&'static str, fn(Scale) -> Result<String>);

/// Measures the sections of `part`. A build without optimization builds itself again with it, and lets that measure.
pub(super) fn run(part: &str, sections: &[Section], scale: Scale) -> Result<()> {
    if cfg!(debug_assertions) {
        return again(part, scale);
    }
    for (name, measure) in sections {
        println!("\n=== {name}");
        let began = Instant::now();
        let mut text = format!("{}.", machine::describe()?);
        if let Some(warning) = machine::busy()? {
            text = format!("{text} **The machine was not quiet: {warning}.**");
        }
        text = format!(
            "{text} {}",
            measure(scale).with_context(|| format!("section {name}"))?
        );
        println!("\n{text}\nin {:.0?}", began.elapsed());
        if scale == Scale::Full {
            report::publish(name, &text)?;
        }
    }
    Ok(())
}

fn again(part: &str, scale: Scale) -> Result<()> {
    let mut again = cargo();
    again.args(["run", "--quiet", "--release", "--locked"]);
    again.args(["--package", "xtask", "--", "bench", part]);
    if scale == Scale::Quick {
        again.arg("--quick");
    }
    run_command(&mut again)
}
