//! `evenkeel man`: the manual pages, made of the same words as the help texts.

use std::fs;
use std::path::Path;

use anyhow::Context;
use clap::{Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use super::{Cli, exit};
use crate::audit::today;

/// What the exit codes mean for all commands; `evenkeel(1)` has it.
const EXIT_STATUS: [(&str, &str); 6] = [
    ("0", "Everything is as it should be."),
    ("1", "The command or its surroundings failed."),
    ("2", "The command line or a configuration is wrong."),
    (
        "3",
        "Something was found: a skew by gate, findings by audit.",
    ),
    ("4", "Too little was seen to decide (gate)."),
    ("5", "The command that gate ran failed."),
];

const FILES: [(&str, &str); 1] = [(
    super::DEFAULT_CONFIG,
    "The configuration, unless --config names another file.",
)];

/// Writes `evenkeel.1` and a page for each command into a folder, which is made if it is not there.
pub(super) fn run(folder: &Path) -> anyhow::Result<u8> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let mut cli = Cli::command().disable_help_subcommand(true);
    // Passes names and global options on to the subcommands.
    cli.build();
    write(&cli, "evenkeel", &overview(), folder)?;
    for command in cli.get_subcommands() {
        let name = format!("evenkeel-{}", command.get_name());
        write(command, &name, &see_also(), folder)?;
    }
    Ok(exit::FINE)
}

/// Writes the page of one command, with `rest` after what clap knows of it.
fn write(command: &Command, name: &str, rest: &Roff, folder: &Path) -> anyhow::Result<()> {
    let source = concat!("evenkeel ", env!("CARGO_PKG_VERSION"));
    let man = Man::new(command.clone())
        .title(name.to_uppercase())
        .section("1")
        .date(today()?.to_string())
        .source(source)
        .manual("evenkeel");
    let mut page = Vec::new();
    man.render(&mut page)?;
    rest.to_writer(&mut page)?;
    let file = folder.join(format!("{name}.1"));
    fs::write(&file, tidy(&String::from_utf8_lossy(&page)))
        .with_context(|| format!("cannot write {}", file.display()))
}

/// The page without what `mandoc -T lint` warns of: a blank line between two breaks is one vertical space.
fn tidy(page: &str) -> String {
    let lines = page.replace("\n.br\n\n.br\n", "\n.sp\n");
    lines.replace(" \n", "\n")
}

fn overview() -> Roff {
    let mut roff = Roff::new();
    terms(&mut roff, "EXIT STATUS", &EXIT_STATUS);
    terms(&mut roff, "FILES", &FILES);
    roff
}

fn terms(roff: &mut Roff, heading: &str, terms: &[(&str, &str)]) {
    roff.control("SH", [heading]);
    for (term, meaning) in terms {
        roff.control("TP", []);
        roff.text([roman(*term)]);
        roff.text([roman(*meaning)]);
    }
}

fn see_also() -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["SEE ALSO"]);
    roff.text([roman("evenkeel(1) has the exit codes.")]);
    roff
}
