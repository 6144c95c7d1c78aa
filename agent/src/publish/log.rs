//! One line of the log per transition of an incident.

use tracing::{debug, info, warn};

use crate::engine::{PoolChange, Transition, TransitionKind, VerdictChange};
use crate::model::{Deviation, Ending, Finding, Incident, Signal, rfc3339};

/// Backends that one line names.
const NAMED: usize = 10;

/// Tells of another verdict. Pools with little traffic change theirs often; what matters of them is in the log as incidents.
pub(crate) fn verdict(change: &VerdictChange) {
    debug!(
        pool = change.pool.spec.name,
        from = change.from.as_str(),
        to = change.to.as_str(),
        "the verdict has changed"
    );
}

/// Tells what is different in a pool.
pub(crate) fn change(change: &PoolChange) {
    let PoolChange { pool, change } = change;
    let name = &pool.spec.name;
    info!(pool = name, source = %change.source, "pool {name}: {}", change.text);
}

/// Tells what happened.
pub(crate) fn transition(transition: &Transition) {
    let incident = &*transition.incident;
    let hot = list(incident, &incident.hot);
    let cold = list(incident, &incident.cold);
    let Incident { id, pool, .. } = incident;
    let signal = incident.signal.as_str();
    match transition.kind {
        TransitionKind::Began => warn!(
            id,
            pool,
            signal,
            hot,
            cold,
            started = %rfc3339(incident.started),
            evidence = incident.evidence,
            cause = %incident.cause.id,
            explanation = incident.cause.text,
            configuration = configuration(incident),
            change = incident.change.as_ref().map(|change| change.before(incident.started)),
            "{}",
            headline(incident)
        ),
        TransitionKind::Changed => info!(
            id,
            pool,
            signal,
            hot,
            cold,
            cause = %incident.cause.id,
            explanation = incident.cause.text,
            "the incident has changed"
        ),
        TransitionKind::Ended => info!(
            id,
            pool,
            signal,
            started = %rfc3339(incident.started),
            why = incident.ended.map(|ended| why(ended.why)),
            "the incident has ended"
        ),
    }
}

/// What in the balancer's configuration brings it about, if that was found.
fn configuration(incident: &Incident) -> Option<String> {
    let told: Vec<String> = incident.cause.findings.iter().map(Finding::told).collect();
    (!told.is_empty()).then(|| told.join("; "))
}

/// As in the API.
const fn why(ending: Ending) -> &'static str {
    match ending {
        Ending::Recovered => "recovered",
        Ending::NoTraffic => "no_traffic",
        Ending::NotWatched => "not_watched",
    }
}

fn headline(incident: &Incident) -> &'static str {
    match incident.signal {
        Signal::Failed => "connecting to backends of the pool fails",
        Signal::Opened => "the pool is skewed: new connections are spread unevenly",
        Signal::Active => "the pool is skewed: open connections are spread unevenly",
        Signal::Bytes => "the pool is skewed: bytes are spread unevenly",
    }
}

fn list(incident: &Incident, deviations: &[Deviation]) -> String {
    let named = deviations.iter().take(NAMED).map(|deviation| {
        let observed = 100.0 * deviation.observed_share;
        if incident.signal == Signal::Failed {
            format!("{} (fails {observed:.0} % of attempts)", deviation.backend)
        } else {
            let expected = 100.0 * deviation.expected_share;
            format!(
                "{} ({observed:.1} % instead of {expected:.1} %)",
                deviation.backend
            )
        }
    });
    let text = named.collect::<Vec<_>>().join(", ");
    match deviations.len().saturating_sub(NAMED) {
        0 => text,
        more => format!("{text} and {more} more"),
    }
}
