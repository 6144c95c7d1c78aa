//! The comparison as text.

use std::fmt::Write as _;

use anyhow::Result;

use super::changes::Change;
use super::peers::{CHANGES, Delays, GIVE_UP, Measured, Plan, SEEDS, median};
use super::rules::Rule;

/// The table, and what it needs to be understood.
pub(super) fn text(plan: &Plan, all: &[Measured]) -> Result<String> {
    let days = plan.days as f64 * plan.days_of_a_run;
    let (runs, days_each) = plan.tuning;
    let changes = CHANGES.map(Change::name);
    let mut text = format!(
        "Seeds {}, {} and {}. False alarms in {days} days; thresholds tuned on {} more; medians of {} runs of each change, in \
         seconds from the change; – is not seen within {} hours by half of the runs.\n\n\
         | pool | rule | as configured | false alarms | {} | tuned to one false alarm in 90 days | {} |\n\
         |---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
        SEEDS[0],
        SEEDS[1],
        SEEDS[2],
        runs * days_each,
        plan.runs,
        GIVE_UP / 3_600,
        changes.join(" | "),
        changes.join(" | ")
    );
    for measured in all {
        for row in rows(measured)? {
            writeln!(text, "| {} |", row.join(" | "))?;
        }
    }
    Ok(text)
}

/// A scenario in a line.
pub(super) fn line(measured: &Measured) -> Result<String> {
    let rows = rows(measured)?;
    Ok(rows.map(|row| row.join(", ")).join("\n    "))
}

type Row = Vec<String>;

fn rows(measured: &Measured) -> Result<[Row; 1 + Rule::ALL.len()]> {
    let scenario = &measured.scenario;
    let pool = format!(
        "{} backends, {}/s, {}, {}",
        scenario.backends,
        scenario.rate,
        scenario.arrivals.name(),
        scenario.shares.name()
    );
    let mut rows = [const { Vec::new() }; 1 + Rule::ALL.len()];
    rows[0] = vec![
        format!("**{pool}**"),
        "evenkeel".to_owned(),
        "90 days".to_owned(),
        measured.false_alarms[0].to_string(),
    ];
    let own = medians(measured, |delays| delays.detector)?;
    rows[0].extend(own.iter().cloned());
    rows[0].push("the same".to_owned());
    rows[0].extend(own);
    for (index, rule) in Rule::ALL.into_iter().enumerate() {
        let row = &mut rows[1 + index];
        row.extend([
            String::new(),
            rule.name().to_owned(),
            rule.threshold().to_string(),
            measured.false_alarms[1 + index].to_string(),
        ]);
        row.extend(medians(measured, |delays| delays.configured[index])?);
        let tuned = measured.tuned[index];
        if tuned.is_finite() {
            row.push(format!("{tuned:.2}"));
            row.extend(medians(measured, |delays| delays.tuned[index])?);
        } else {
            row.push("impossible".to_owned());
            row.extend(CHANGES.map(|_| String::new()));
        }
    }
    Ok(rows)
}

fn medians(measured: &Measured, of: impl Fn(&Delays) -> f64) -> Result<Vec<String>> {
    let shown = |runs: &Vec<Delays>| {
        let seconds = median(runs.iter().map(&of))?;
        Ok(if seconds.is_finite() {
            format!("{seconds:.0}")
        } else {
            "–".to_owned()
        })
    };
    measured.delays.iter().map(shown).collect()
}
