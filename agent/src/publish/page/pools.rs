//! The table of pools, the worst first.

use std::cmp::Reverse;
use std::fmt::{self, Write};

use super::bars;
use super::findings::{self, Mark};
use super::html::{Percent, Segment, Short, Text};
use crate::model::{PoolState, Signal, State, Verdict};
use crate::publish::shown::{Load, elapsed, loads, signal_of};

/// Pools that the page shows; the API has all.
const MOST_POOLS: usize = 200;

/// Backends that a row names.
const MOST_NAMED: usize = 3;

/// Writes the table, or what to do when there is nothing to show.
pub(super) fn write(out: &mut impl Write, state: &State) -> fmt::Result {
    if state.pools.is_empty() {
        return write_nothing(out, state.kernel.learning);
    }
    let mut rows: Vec<Row<'_>> = state.pools.iter().map(Row::of).collect();
    // The sort keeps the order of names.
    rows.sort_by_key(Row::place);
    let seconds = elapsed(state).as_secs_f64();
    out.write_str(
        "<table>\n<thead><tr><th>Pool</th><th>Verdict</th><th class=\"n\">Backends</th><th class=\"n\">Opened/s</th>\
         <th class=\"n\">Active</th><th class=\"n\" title=\"Load of the hottest backend relative to its expected share: 1 is even\">\
         Max/mean</th><th class=\"n\" title=\"0 is even\">Gini</th><th>Shares against expected</th><th>Who</th></tr></thead>\n<tbody>\n",
    )?;
    for row in rows.iter().take(MOST_POOLS) {
        row.write(out, seconds)?;
    }
    out.write_str("</tbody>\n</table>\n")?;
    if rows.len() > MOST_POOLS {
        let all = rows.len();
        writeln!(
            out,
            "<p class=\"more\">The {MOST_POOLS} worst of {all} pools; <a href=\"api/v1/pools\">all as JSON</a>.</p>"
        )?;
    }
    Ok(())
}

fn write_nothing(out: &mut impl Write, learning: bool) -> fmt::Result {
    let next = if learning {
        "Pools appear with the first connections that this host opens or accepts."
    } else {
        "The configuration names none: add some under <code>pools</code>, or set <code>discovery.auto</code>."
    };
    writeln!(
        out,
        "<p class=\"empty\"><strong>No pools yet.</strong> {next}</p>"
    )
}

/// One pool and the signal that its row is about.
struct Row<'a> {
    state: &'a PoolState,
    signal: Signal,
}

impl<'a> Row<'a> {
    fn of(state: &'a PoolState) -> Self {
        Self {
            state,
            signal: signal_of(state),
        }
    }

    /// Orders pools: by the verdict, the worst first, and then by max/mean. Those without traffic come last, unless there is
    /// something wrong with them.
    fn place(&self) -> (bool, u8, Reverse<Option<u64>>) {
        let unevenness = self.unevenness();
        let rank = findings::rank(self.state.verdict);
        let idle = unevenness.is_none() && self.state.verdict == Verdict::Unknown;
        (idle, rank, Reverse(unevenness))
    }

    fn unevenness(&self) -> Option<u64> {
        let measures = self.state.signals.get(self.signal).measures.as_ref()?;
        // The bits of floats that are not negative order as the floats do.
        Some(measures.max_to_mean.max(0.0).to_bits())
    }

    fn write(&self, out: &mut impl Write, seconds: f64) -> fmt::Result {
        let spec = &self.state.pool.spec;
        let active: u64 = self
            .state
            .backends
            .iter()
            .map(|backend| backend.active)
            .sum();
        let opened = self.state.signals.opened.total;
        let rate = if seconds > 0.0 { opened / seconds } else { 0.0 };
        write!(
            out,
            "<tr><td class=\"pool\"><a href=\"api/v1/pools/{}\"><bdi>{}</bdi></a> <small>{}, {}</small></td>",
            Segment(&spec.name),
            Text(&spec.name),
            spec.role,
            spec.source,
        )?;
        findings::write_verdict(out, self.state)?;
        write!(
            out,
            "<td class=\"n\" data-of=\"Backends\">{}</td><td class=\"n\" data-of=\"Opened/s\">{}</td>\
             <td class=\"n\" data-of=\"Active\">{active}</td>",
            self.state.pool.names.len(),
            Short(rate),
        )?;
        self.write_measures(out)?;
        out.write_str("<td class=\"bars\">")?;
        bars::write(out, self.state, self.signal)?;
        out.write_str("</td>")?;
        self.write_who(out)?;
        out.write_str("</tr>\n")
    }

    fn write_measures(&self, out: &mut impl Write) -> fmt::Result {
        match &self.state.signals.get(self.signal).measures {
            Some(measures) => write!(
                out,
                "<td class=\"n\" data-of=\"Max/mean\"><b>{}</b></td><td class=\"n\" data-of=\"Gini\">{:.3} <small>{:.3} by chance</small></td>",
                Short(measures.max_to_mean),
                measures.gini,
                measures.gini_by_chance,
            ),
            None => out.write_str(
                "<td class=\"n none\" data-of=\"Max/mean\">–</td><td class=\"n none\" data-of=\"Gini\">–</td>",
            ),
        }
    }

    /// The backends that are marked, or the hottest if none is.
    fn write_who(&self, out: &mut impl Write) -> fmt::Result {
        let mut marked: Vec<Load> = loads(self.state, self.signal)
            .filter(|load| load.side.is_some())
            .collect();
        // The hottest first, for those who are hot are those who suffer.
        marked.sort_by(|one, other| other.relative().total_cmp(&one.relative()));
        if marked.is_empty() {
            let hottest = loads(self.state, self.signal)
                .max_by(|one, other| one.relative().total_cmp(&other.relative()));
            marked.extend(hottest);
        }
        if marked.is_empty() {
            return out.write_str("<td class=\"who none\">no traffic within the window</td>");
        }
        out.write_str("<td class=\"who\">")?;
        for load in marked.iter().take(MOST_NAMED) {
            self.write_load(out, load)?;
        }
        if marked.len() > MOST_NAMED {
            write!(out, "<small>and {} more</small>", marked.len() - MOST_NAMED)?;
        }
        out.write_str("</td>")
    }

    fn write_load(&self, out: &mut impl Write, load: &Load) -> fmt::Result {
        let names = &self.state.pool.names;
        let name = names.get(load.index).map_or("", String::as_str);
        out.write_str("<p>")?;
        match load.side {
            Some((Signal::Failed, _)) => out.write_str("<b class=\"mark hot\">✕ failing</b> ")?,
            Some((_, side)) => write!(out, "{} ", Mark(side))?,
            None => {}
        }
        write!(
            out,
            "<bdi>{}</bdi> <small>{} {}, expected\u{a0}{}</small></p>",
            Text(name),
            Percent(load.share),
            findings::of(self.signal),
            Percent(load.expected),
        )
    }
}
