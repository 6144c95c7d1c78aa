//! `--explain` and `--list-rules`.

use std::io::Write;

use evenkeel_balancers::{Product, Rule, rule, rules};
use serde::Serialize;

use super::args::Format;
use super::json::print;
use super::table::{Align, table};
use crate::commands::exit;

/// A rule with its page.
#[derive(Serialize)]
struct Explained {
    #[serde(flatten)]
    rule: &'static Rule,
    page: &'static str,
}

/// Prints the page of the rule with an id.
pub(super) fn explain(
    id: &str,
    format: Format,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> anyhow::Result<u8> {
    let Some(rule) = rule(id) else {
        writeln!(
            err,
            "evenkeel: there is no rule {id:?}; `evenkeel audit --list-rules` has all of them"
        )?;
        return Ok(exit::USAGE);
    };
    let page = rule.page;
    if format == Format::Json {
        print(&Explained { rule, page }, out)?;
    } else {
        writeln!(out, "{}", page.trim_end())?;
    }
    Ok(exit::FINE)
}

/// Lists all rules.
pub(super) fn list(format: Format, out: &mut dyn Write) -> anyhow::Result<u8> {
    match format {
        Format::Json => print(&rules().collect::<Vec<_>>(), out)?,
        Format::Markdown => {
            writeln!(out, "| rule | of | severity | finds |\n|---|---|---|---|")?;
            for rule in rules() {
                let (id, severity) = (rule.id, rule.severity.as_str());
                let title = rule.title.replace('|', "\\|");
                writeln!(
                    out,
                    "| [{id}]({id}.md) | {} | {severity} | {title} |",
                    of(rule)
                )?;
            }
        }
        _ => {
            let row = |rule: &'static Rule| {
                let words = [rule.id, of(rule), rule.severity.as_str(), rule.title];
                words.map(str::to_owned)
            };
            let columns = ["rule", "of", "severity", "finds"].map(|name| (name, Align::Left));
            let rows: Vec<_> = rules().map(row).collect();
            write!(out, "{}", table(columns, &rows))?;
        }
    }
    Ok(exit::FINE)
}

/// Whose configuration shows it.
fn of(rule: &Rule) -> &'static str {
    rule.product.map_or("any", Product::title)
}
