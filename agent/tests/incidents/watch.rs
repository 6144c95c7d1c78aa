//! Waiting for what the agent and Alertmanager make of it.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use evenkeel_lab::agent::{Agent, Deviation, Incident};
use evenkeel_lab::alertmanager::{Alert, Alertmanager};
use evenkeel_lab::ledger::Ledger;
use evenkeel_lab::wait::wait_for;

use crate::bed::POOL;

/// How long detection, or recovery, may take.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);
/// How long the way to Alertmanager may take. An alert that is not repeated expires after 15 s or more: what goes away sooner was told to.
pub(crate) const DELIVERY: Duration = Duration::from_secs(10);
/// How far a reported share may be from the truth.
const CLOSE: f64 = 0.04;

/// Waits until `look` is content; the error is what it said last.
pub(crate) fn eventually<T>(
    deadline: Duration,
    what: &str,
    mut look: impl FnMut() -> Result<T>,
) -> T {
    let began = Instant::now();
    let mut last = None;
    let found = wait_for(deadline, what, || match look() {
        Ok(found) => Ok(Some(found)),
        Err(reason) => {
            last = Some(reason);
            Ok(None)
        }
    });
    match found {
        Ok(found) => {
            println!("{what}: after {:.1?}", began.elapsed());
            found
        }
        Err(error) => panic!("{error:#}: {:#}", last.unwrap()),
    }
}

/// Waits until the pool is known to be even; nothing may have happened before.
pub(crate) fn settle(agent: &Agent) {
    eventually(DEADLINE, "the pool to be even", || {
        let pool = agent.pool(POOL)?;
        ensure!(
            pool.verdict == "even",
            "{}: {}",
            pool.verdict,
            pool.explanation
        );
        Ok(())
    });
    assert_silent(agent);
}

/// Nothing was found so far.
pub(crate) fn assert_silent(agent: &Agent) {
    let incidents = agent.incidents().unwrap();
    assert!(incidents.is_empty(), "{incidents:#?}");
}

/// The incident that is on in a signal.
pub(crate) fn open(agent: &Agent, signal: &str) -> Result<Incident> {
    let incidents = agent.incidents()?;
    let mut open = incidents.iter().filter(|it| it.ended.is_none());
    let found = open.find(|it| it.signal == signal).cloned();
    found.with_context(|| {
        format!(
            "nothing is on in {signal}: {incidents:#?}\n{:#?}",
            agent.pool(POOL)
        )
    })
}

/// What a test expects of an incident.
pub(crate) struct Expected<'a> {
    pub(crate) signal: &'a str,
    pub(crate) alert: &'a str,
    pub(crate) cause: &'a str,
    /// All that get too much, in the order of their addresses; none if that is not what the test is about.
    pub(crate) hot: Option<&'a [SocketAddr]>,
    /// All that get too little, likewise.
    pub(crate) cold: Option<&'a [SocketAddr]>,
}

fn is_side(expected: Option<&[SocketAddr]>, side: &[Deviation]) -> bool {
    let mut backends: Vec<_> = side.iter().map(|one| one.backend).collect();
    backends.sort_unstable();
    expected.is_none_or(|expected| backends == expected)
}

impl Expected<'_> {
    /// Waits for the incident with these backends and this cause, and for its alert.
    pub(crate) fn wait(&self, agent: &Agent, alertmanager: &Alertmanager<'_>) -> (Incident, Alert) {
        let what = format!("an incident in {}", self.signal);
        let first = eventually(DEADLINE, &what, || open(agent, self.signal));
        println!(
            "at first {}: {}\n    hot {:?}, cold {:?}",
            first.cause.id, first.cause.text, first.hot, first.cold
        );
        let what = format!("{} with its backends", self.cause);
        let incident = eventually(DELIVERY, &what, || self.check(agent));
        assert_eq!(
            (&incident.id, &incident.started),
            (&first.id, &first.started)
        );
        let what = format!("the alert {}", self.alert);
        let alert = eventually(DELIVERY, &what, || {
            let alert = self.alert(alertmanager)?;
            ensure!(
                alert.annotations["cause"] == self.cause,
                "{:#?}",
                alert.annotations
            );
            Ok(alert)
        });
        assert_eq!(alert.annotations["incident"], incident.id);
        assert_eq!(alert.starts_at, incident.started);
        let named = [self.hot, self.cold].into_iter().flatten().flatten();
        for backend in named {
            let description = &alert.annotations["description"];
            assert!(description.contains(&backend.to_string()), "{description}");
        }
        (incident, alert)
    }

    /// The incident, if it is as expected now.
    pub(crate) fn check(&self, agent: &Agent) -> Result<Incident> {
        let incident = open(agent, self.signal)?;
        ensure!(
            incident.cause.id == self.cause
                && is_side(self.hot, &incident.hot)
                && is_side(self.cold, &incident.cold),
            "{incident:#?}"
        );
        Ok(incident)
    }

    /// The alert, of which there is one.
    pub(crate) fn alert(&self, alertmanager: &Alertmanager<'_>) -> Result<Alert> {
        let alerts = alertmanager.alerts()?;
        let mut ours = alerts.iter().filter(|alert| {
            alert.labels["alertname"] == self.alert && alert.labels["signal"] == self.signal
        });
        let alert = ours.next().with_context(|| format!("{alerts:#?}"))?;
        ensure!(ours.next().is_none(), "more than one: {alerts:#?}");
        Ok(alert.clone())
    }

    /// Waits until the incident is over, and Alertmanager has been told.
    pub(crate) fn wait_over(
        &self,
        agent: &Agent,
        alertmanager: &Alertmanager<'_>,
        incident: &Incident,
    ) {
        // When evidence is gone is a matter of chance.
        eventually(3 * DEADLINE, "the end of the incident", || {
            let incidents = agent.incidents()?;
            let ours = incidents.iter().find(|it| it.id == incident.id);
            let ours = ours.context("it is gone")?;
            ensure!(ours.ending.as_deref() == Some("recovered"), "{ours:#?}");
            Ok(())
        });
        eventually(DELIVERY, "Alertmanager to know of the end", || {
            ensure!(self.alert(alertmanager).is_err(), "still on");
            Ok(())
        });
    }
}

/// Nothing else was found than in these signals, and once in each.
pub(crate) fn assert_only(agent: &Agent, signals: &[&str]) {
    let incidents = agent.incidents().unwrap();
    let mut found: Vec<&str> = incidents.iter().map(|it| it.signal.as_str()).collect();
    found.sort_unstable();
    assert_eq!(found, signals, "{incidents:#?}");
}

/// Waits until the share that an incident reports for a backend is that of the truth: figures are brought up to date every
/// ten seconds.
pub(crate) fn wait_share(
    agent: &Agent,
    signal: &str,
    backend: SocketAddr,
    truth: impl Fn() -> f64,
) {
    eventually(Duration::from_secs(15), "the reported share", || {
        let incident = open(agent, signal)?;
        let mut named = incident.hot.iter().chain(&incident.cold);
        let reported = named
            .find(|one| one.backend == backend)
            .with_context(|| format!("{backend} is not named: {incident:#?}"))?
            .observed_share;
        let truth = truth();
        ensure!(
            (reported - truth).abs() <= CLOSE,
            "{backend}: reported {reported:.3}, in truth {truth:.3}"
        );
        println!("{backend}: reported {reported:.3}, in truth {truth:.3}");
        Ok(())
    });
}

/// A backend's share of the connections that backends accepted since `before`.
pub(crate) fn share_since(before: &Ledger, now: &Ledger, backend: SocketAddr) -> f64 {
    let opened = |address| now.get(address).opened - before.get(address).opened;
    let total: u64 = now.iter().map(|(address, _)| opened(address)).sum();
    opened(backend) as f64 / total.max(1) as f64
}

/// A backend's share of the connections that are open at the backends.
pub(crate) fn share_open(now: &Ledger, backend: SocketAddr) -> f64 {
    now.get(backend).open() as f64 / now.total().open().max(1) as f64
}
