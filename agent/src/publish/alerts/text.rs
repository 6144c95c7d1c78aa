//! Incidents in words, for the person who is woken by them.

use std::time::{Duration, SystemTime};

use crate::model::{AlertName, Deviation, Ended, Ending, Finding, Incident, Role, Signal, rfc3339};

/// The incident in one line.
pub(super) fn summary(incident: &Incident) -> String {
    let pool = &incident.pool;
    let both = || incident.hot.iter().chain(&incident.cold);
    let (worst, others) = match incident.alert {
        AlertName::BackendStarved => (
            incident.cold.first().or(incident.hot.first()),
            both().count(),
        ),
        AlertName::PoolSkewed | AlertName::BackendFailingConnects => {
            (both().next(), both().count())
        }
    };
    let Some(worst) = worst else {
        return match incident.signal {
            Signal::Failed => format!("Backends of pool {pool} fail connection attempts."),
            signal => format!("Pool {pool} is uneven in {}.", noun(signal)),
        };
    };
    let more = match others - 1 {
        0 => String::new(),
        1 => "; 1 more backend is affected".to_owned(),
        more => format!("; {more} more backends are affected"),
    };
    let what = deviation(incident, worst);
    match incident.alert {
        AlertName::PoolSkewed => format!("Pool {pool} is uneven: {what}{more}."),
        AlertName::BackendStarved => format!("Pool {pool} starves a backend: {what}{more}."),
        AlertName::BackendFailingConnects => format!("Pool {pool} has failures: {what}{more}."),
    }
}

/// What is observed of one backend, and what was to be expected.
pub(super) fn deviation(incident: &Incident, deviation: &Deviation) -> String {
    let Deviation {
        backend,
        observed_share,
        expected_share,
    } = deviation;
    match incident.signal {
        Signal::Failed => format!(
            "{backend} fails {} of connection attempts, {} tolerated",
            rate(*observed_share),
            rate(*expected_share)
        ),
        signal => format!(
            "{backend} {} {} of {}, {} expected",
            verb(signal),
            share(*observed_share),
            noun(signal),
            share(*expected_share)
        ),
    }
}

/// What is wrong, where, since when and, if it has ended, how.
pub(super) fn opening(incident: &Incident, node: &str) -> String {
    let (who, what) = match incident.signal {
        Signal::Failed => ("Backends of pool", "fail connection attempts".to_owned()),
        signal => ("Pool", format!("is uneven in {}", noun(signal))),
    };
    let view = match incident.role {
        Role::Upstream => format!("{node} opens"),
        Role::Local => format!("{node} accepts"),
    };
    let seen = incident.detected.duration_since(incident.started);
    let ended = incident.ended.as_ref().map(ending).unwrap_or_default();
    format!(
        "{who} {} (connections that {view}) {what} since {}, seen after {}.{ended}",
        incident.pool,
        moment(incident.started),
        span(seen.unwrap_or_default())
    )
}

/// When and why it ended, as a sentence to be appended.
fn ending(Ended { at, why }: &Ended) -> String {
    let why = match why {
        Ending::Recovered => "the pool is within its tolerance again",
        Ending::NoTraffic => "there is too little traffic to say more",
        Ending::NotWatched => "the pool is not watched any longer",
    };
    format!(" Ended at {}: {why}.", moment(*at))
}

/// The backends, as they are grouped for reading.
pub(super) fn sides(incident: &Incident) -> [(&'static str, &[Deviation]); 2] {
    let headings = match incident.signal {
        Signal::Failed => ["Failing:", "Below what is tolerated:"],
        _ => ["Too much:", "Too little:"],
    };
    let [hot, cold] = headings;
    [(hot, &incident.hot), (cold, &incident.cold)]
}

/// What in the balancer's configuration brings it about, as far as that was found.
pub(super) fn findings(incident: &Incident) -> Vec<String> {
    incident.cause.findings.iter().map(Finding::told).collect()
}

/// The change of the pool's description that it followed, if there was one.
pub(super) fn change(incident: &Incident) -> Option<String> {
    let change = incident.change.as_ref()?;
    Some(change.before(incident.started))
}

/// How sure the agent is, as a promise about false alarms.
pub(super) fn evidence(incident: &Incident) -> String {
    format!(
        "false alarm less than once in {} of this pool (evidence 10^{:.1}, alarm at 10^{:.1})",
        span(incident.false_alarm_every),
        incident.evidence,
        incident.threshold
    )
}

/// A moment in UTC, to the second.
pub(super) fn moment(time: SystemTime) -> String {
    let text = rfc3339(time).to_string();
    let seconds = text.split_once('.').map_or(text.as_str(), |(head, _)| head);
    seconds.replace('T', " ") + " UTC"
}

/// What is shared, in words.
fn noun(signal: Signal) -> &'static str {
    match signal {
        Signal::Opened => "new connections",
        Signal::Active => "open connections",
        Signal::Bytes => "bytes",
        Signal::Failed => "failed connection attempts",
    }
}

/// What a backend does with its share.
fn verb(signal: Signal) -> &'static str {
    match signal {
        Signal::Active => "holds",
        Signal::Bytes => "carries",
        Signal::Opened | Signal::Failed => "gets",
    }
}

/// A part, in percent with a tenth; never "0.0 %" of something, nor "100.0 %" of less than all.
fn share(part: f64) -> String {
    match part {
        _ if part <= 0.0 => "0 %".to_owned(),
        _ if part < 0.0005 => "under 0.1 %".to_owned(),
        _ if part >= 1.0 => "100 %".to_owned(),
        _ if part >= 0.9995 => "over 99.9 %".to_owned(),
        _ => format!("{:.1} %", part * 100.0),
    }
}

/// A part, in whole percent.
fn rate(part: f64) -> String {
    match part {
        _ if part <= 0.0 => "0 %".to_owned(),
        _ if part < 0.005 => "under 1 %".to_owned(),
        _ if part >= 1.0 => "100 %".to_owned(),
        _ if part >= 0.995 => "over 99 %".to_owned(),
        _ => format!("{:.0} %", part * 100.0),
    }
}

/// A duration in the largest unit of which there are at least two, or exactly one.
fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let units = [(86_400, "day"), (3600, "hour"), (60, "minute")];
    let fitting = units
        .into_iter()
        .find(|(unit, _)| seconds >= 2 * unit || seconds == *unit);
    let (unit, name) = fitting.unwrap_or((1, "second"));
    let count = (seconds + unit / 2) / unit;
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {name}{plural}")
}
