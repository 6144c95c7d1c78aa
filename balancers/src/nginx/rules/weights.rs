//! Weights: NGX-001.

use super::WEIGHTS;
use crate::finding::{Report, Severity};
use crate::nginx::pools::View;
use crate::nginx::upstream::Server;
use crate::text::percent;

/// NGX-001: weights that differ.
pub(super) fn different(view: &View<'_>, report: &mut Report) {
    let live: Vec<(usize, &Server)> = view.live().collect();
    let weights = || live.iter().map(|(_, server)| server.weight);
    let (Some(least), Some(most)) = (weights().min(), weights().max()) else {
        return;
    };
    if least == most {
        return;
    }
    let Some((index, odd)) = odd_one(&live) else {
        return;
    };
    let place = odd.weight_place.unwrap_or(odd.place);
    let share = |index: usize| percent(view.nominal.as_ref().map_or(0.0, |shares| shares[index]));
    let message = format!(
        "{} has weight {}, others have {}: it will get {} of {}, {}",
        odd.address,
        odd.weight,
        crate::text::list(others(&live, index).map(|(_, server)| server.weight.to_string())),
        share(index),
        view.units(),
        crate::text::list(others(&live, index).map(|(at, server)| format!(
            "{} {}",
            server.address,
            share(at)
        ))),
    );
    let mild = (most as f64) < 1.5 * least as f64;
    let found = report.add(
        &WEIGHTS,
        place,
        message,
        "give all servers the same weight; if it is meant, say why: `# evenkeel: allow NGX-001 because ...`",
    );
    let found = if mild {
        found.severity(Severity::Note)
    } else {
        found
    };
    found.pool(&view.pool.name).subject(&odd.address.key());
}

fn others<'a>(
    live: &'a [(usize, &'a Server)],
    index: usize,
) -> impl Iterator<Item = (usize, &'a Server)> {
    live.iter().copied().filter(move |(at, _)| *at != index)
}

/// The one whose weight differs from that of all others, else the heaviest.
fn odd_one<'a>(live: &[(usize, &'a Server)]) -> Option<(usize, &'a Server)> {
    let lone = live.iter().find(|(index, server)| {
        let mut rest = live
            .iter()
            .filter(|(at, _)| at != index)
            .map(|(_, other)| other.weight);
        let first = rest.next();
        live.len() > 2
            && first
                .is_some_and(|first| first != server.weight && rest.all(|weight| weight == first))
    });
    lone.or_else(|| live.iter().max_by_key(|(_, server)| server.weight))
        .copied()
}
