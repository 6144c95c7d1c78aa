//! Made-up incidents, and an agent that consists of the sender alone.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use evenkeel::model::{
    AlertName, Alerting, Cause, CauseId, Deviation, Ended, Ending, Finding, Incident, KernelState,
    PerSignal, Receiver, Role, Severity, Signal, State, Tls,
};
use evenkeel::publish::alerts::{Alerts, AlertsHandle, Identity, ReceiverStatistics};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How long anything may take that is waited for.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// The interval of repetition in these tests.
pub(crate) const RESEND: Duration = Duration::from_secs(1);

pub(crate) fn deviation(backend: &str, observed: f64, expected: f64) -> Deviation {
    Deviation {
        backend: backend.to_owned(),
        observed_share: observed,
        expected_share: expected,
    }
}

/// A moment of this host's clock, to the millisecond, as incidents have it after they were stored.
pub(crate) fn ago(seconds: u64) -> SystemTime {
    let now = SystemTime::now() - Duration::from_secs(seconds);
    let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(since.as_millis()).unwrap())
}

/// An incident that began a minute ago: one backend of pool `pool` is hot, one cold.
pub(crate) fn incident(id: &str, pool: &str) -> Incident {
    let hot = vec![deviation("10.0.0.3:8080", 0.412, 0.25)];
    Incident {
        id: id.to_owned(),
        alert: AlertName::at_detection(Signal::Opened, &hot),
        pool: pool.to_owned(),
        role: Role::Upstream,
        signal: Signal::Opened,
        started: ago(60),
        detected: ago(48),
        ended: None,
        hot,
        cold: vec![deviation("10.0.0.1:8080", 0.084, 0.25)],
        cause: Cause {
            id: CauseId::WeightsDiffer,
            text: "The shares fit the weights 1, 3, 3, 5, not the configured 1, 1, 1, 1."
                .to_owned(),
            findings: vec![Finding {
                rule: "NGX-003".to_owned(),
                severity: Severity::Warning,
                place: "/etc/nginx/nginx.conf:12:16".to_owned(),
                pool: Some("checkout".to_owned()),
                message: "app.example:8080 is one server for each of its addresses, and weighs as much as all of them"
                    .to_owned(),
                help: "write each address".to_owned(),
            }],
        },
        other_causes: vec![Cause {
            id: CauseId::Affinity,
            text: "Few clients, each bound to a backend.".to_owned(),
            findings: Vec::new(),
        }],
        change: None,
        evidence: 9.31,
        threshold: 6.89,
        peak_max_to_mean: 1.65,
        tolerance: 0.25,
        false_alarm_every: Duration::from_secs(90 * 86_400),
    }
}

/// The same, ended now.
pub(crate) fn ended(mut incident: Incident) -> Incident {
    incident.ended = Some(Ended {
        at: ago(0),
        why: Ending::Recovered,
    });
    incident
}

/// A state with these incidents, newest first.
pub(crate) fn state(incidents: impl IntoIterator<Item = Incident>) -> Arc<State> {
    Arc::new(State {
        tick: 1,
        taken: SystemTime::now(),
        interval: Duration::from_secs(1),
        window: Duration::from_secs(60),
        tick_duration: Duration::ZERO,
        pools: Vec::new(),
        incidents: incidents.into_iter().map(Arc::new).collect(),
        incidents_started: PerSignal::default(),
        kernel: KernelState::unseen(),
    })
}

pub(crate) fn receiver(url: &str) -> Receiver {
    Receiver {
        url: url.to_owned(),
        credentials: None,
        tls: Tls::default(),
        timeout: Duration::from_secs(5),
    }
}

/// Alertmanagers at these addresses, with short intervals.
pub(crate) fn alertmanagers(urls: &[&str]) -> Alerting {
    Alerting {
        alertmanagers: urls.iter().map(|url| receiver(url)).collect(),
        labels: BTreeMap::from([
            ("severity".to_owned(), "warning".to_owned()),
            ("team".to_owned(), "shop".to_owned()),
        ]),
        external_url: Some("https://evenkeel.example/lb1/".to_owned()),
        resend: RESEND,
        ..Alerting::default()
    }
}

/// A webhook at this address.
pub(crate) fn webhook(url: &str) -> Alerting {
    Alerting {
        alertmanagers: Vec::new(),
        webhooks: vec![receiver(url)],
        ..alertmanagers(&[])
    }
}

pub(crate) fn identity() -> Identity {
    Identity {
        node: "lb1".to_owned(),
        listen: "0.0.0.0:9797".parse().unwrap(),
        https: false,
    }
}

/// The sender, at work. It ends when this is dropped.
pub(crate) struct Sender {
    states: watch::Sender<Arc<State>>,
    pub(crate) handle: AlertsHandle,
    stop: CancellationToken,
    running: JoinHandle<()>,
}

impl Sender {
    pub(crate) fn start(
        alerting: &Alerting,
        incidents: impl IntoIterator<Item = Incident>,
    ) -> Self {
        let (states, watched) = watch::channel(state(incidents));
        let (alerts, handle) = Alerts::start(watched, alerting, identity()).unwrap();
        let stop = CancellationToken::new();
        let running = tokio::spawn(alerts.run(stop.clone()));
        Self {
            states,
            handle,
            stop,
            running,
        }
    }

    /// The engine publishes these incidents, newest first.
    pub(crate) fn publish(&self, incidents: impl IntoIterator<Item = Incident>) {
        self.states.send_replace(state(incidents));
    }

    /// The statistics of the only receiver.
    pub(crate) fn statistics(&self) -> ReceiverStatistics {
        let [statistics] = self.handle.statistics().try_into().unwrap();
        statistics
    }

    /// Stops as the agent does; says how long that took.
    pub(crate) async fn stop(mut self) -> Duration {
        let began = Instant::now();
        self.stop.cancel();
        (&mut self.running).await.unwrap();
        began.elapsed()
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.running.abort();
    }
}

/// Waits until `look` finds something.
pub(crate) async fn wait_for<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut look: impl FnMut() -> F,
) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(
            began.elapsed() < DEADLINE,
            "waited {DEADLINE:?} in vain for {what}"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Waits until the condition holds.
pub(crate) async fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    wait_for(what, || std::future::ready(condition().then_some(()))).await;
}
