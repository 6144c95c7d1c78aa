//! docs/commands.md: the reference of the command line, made of the words that `--help` prints.

use std::fmt::Write as _;

use clap::{Arg, ArgAction, Command, CommandFactory};
use evenkeel::commands::Cli;

use crate::generated;

#[test]
fn generated_reference_of_commands() {
    let mut cli = Cli::command().disable_help_subcommand(true);
    cli.build();
    let mut text = String::new();
    for command in cli.get_subcommands_mut() {
        section(&mut text, command);
    }
    generated::check("docs/commands.md", "commands", &text);
    let global = cli.get_arguments().filter(|arg| arg.is_global_set());
    generated::check(
        "docs/commands.md",
        "options of all commands",
        &table(global),
    );
}

fn section(text: &mut String, command: &mut Command) {
    let usage = command.render_usage().to_string();
    let name = command.get_name();
    let about = command.get_about().unwrap();
    writeln!(text, "## `evenkeel {name}`\n\n{about}.\n").unwrap();
    writeln!(text, "```text\n{}\n```\n", usage.trim()).unwrap();
    let own = command
        .get_arguments()
        .filter(|arg| !arg.is_global_set() && !matches!(arg.get_id().as_str(), "help" | "version"));
    writeln!(text, "{}", table(own)).unwrap();
}

fn table<'a>(arguments: impl Iterator<Item = &'a Arg>) -> String {
    let mut table = "| argument | meaning |\n|---|---|\n".to_owned();
    for argument in arguments {
        let meaning = meaning(argument).replace('|', "\\|");
        writeln!(table, "| {} | {meaning} |", written(argument)).unwrap();
    }
    table
}

/// An argument as it is typed.
fn written(argument: &Arg) -> String {
    let values: Vec<String> = argument
        .get_value_names()
        .unwrap_or_default()
        .iter()
        .map(|name| format!("<{name}>"))
        .collect();
    let values = if takes_value(argument) {
        values.join(" ")
    } else {
        String::new()
    };
    match argument.get_long() {
        Some(long) => format!("`{}`", format!("--{long} {values}").trim_end()),
        None => format!("`{values}`"),
    }
}

fn takes_value(argument: &Arg) -> bool {
    matches!(argument.get_action(), ArgAction::Set | ArgAction::Append)
}

/// Its help, with its values and its default.
fn meaning(argument: &Arg) -> String {
    let help = argument.get_long_help().or_else(|| argument.get_help());
    let mut text = format!("{}.", help.unwrap().to_string().trim_end_matches('.'));
    let values = argument.get_possible_values();
    if takes_value(argument) && !values.is_empty() {
        let values = values.iter().map(|value| {
            let name = format!("`{}`", value.get_name());
            value
                .get_help()
                .map_or(name.clone(), |help| format!("{name} ({help})"))
        });
        write!(text, " One of {}.", values.collect::<Vec<_>>().join(", ")).unwrap();
    }
    let defaults = argument.get_default_values();
    if takes_value(argument) && !defaults.is_empty() {
        let defaults = defaults.iter().map(|value| value.to_string_lossy());
        write!(
            text,
            " Default: `{}`.",
            defaults.collect::<Vec<_>>().join(" ")
        )
        .unwrap();
    }
    text
}
