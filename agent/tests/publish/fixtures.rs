//! Made-up states to publish.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use evenkeel::discovery::{DiscoveryStatus, SourceStatus, StaleFile};
use evenkeel::model::{
    Algorithm, BackendSpec, BackendState, Canary, Clients, Counters, Endpoint, Finding,
    KernelState, Losses, NetnsCookie, PerSignal, Pool, PoolSpec, PoolState, Role, Severity, Signal,
    SignalState, Source, State, Verdict, View, Weight,
};
use evenkeel::publish::TrafficSample;
use evenkeel::publish::alerts::ReceiverStatistics;
use evenkeel::publish::prometheus::{Format, Process, Scrape};
use evenkeel::recording::RecordingSample;
use evenkeel::reload::ReloadStatus;
use evenkeel_skew::{Expected, Meter};

/// A backend to be; what it says of counters is both their value and what came within the window.
#[derive(Clone, Debug, Default)]
pub(crate) struct Member {
    pub(crate) address: String,
    pub(crate) weight: f64,
    pub(crate) labels: Vec<(&'static str, &'static str)>,
    pub(crate) counters: Counters,
    pub(crate) active: u64,
}

impl Member {
    pub(crate) fn new(address: &str, opened: u64, active: u64) -> Self {
        Self {
            address: address.to_owned(),
            weight: 1.0,
            labels: Vec::new(),
            counters: Counters {
                opened,
                closed: opened - active,
                received: opened * 1000,
                sent: opened * 250,
                handshakes: opened,
                handshake_micros: opened * 400,
                ..Counters::default()
            },
            active,
        }
    }
}

/// A pool whose shares and measures fit to its members.
pub(crate) fn pool(name: &str, role: Role, source: Source, members: &[Member]) -> PoolState {
    let spec = PoolSpec {
        name: name.to_owned(),
        role,
        source,
        tolerance: (source == Source::Config).then_some(0.25),
        algorithm: Algorithm::default(),
        expected: None,
        standby: Vec::new(),
        findings: (name == "checkout")
            .then(|| finding(Severity::Warning))
            .into_iter()
            .collect(),
        backends: members.iter().map(backend_spec).collect(),
    };
    let addresses = spec.backends.iter().map(|backend| backend.address);
    let endpoints = addresses.map(|address| Endpoint::new(role, address, NetnsCookie(1)));
    let weights: Vec<f64> = members.iter().map(|member| member.weight).collect();
    let pool = Pool {
        endpoints: endpoints.collect(),
        names: members
            .iter()
            .map(|member| member.address.clone())
            .collect(),
        expected: Expected::from_weights(&weights).unwrap(),
        standby_endpoints: Vec::new(),
        standby_names: Vec::new(),
        spec,
    };
    let mut backends: Vec<BackendState> = members
        .iter()
        .zip(pool.expected.shares())
        .map(|(member, share)| backend_state(member, *share))
        .collect();
    let mut signals = PerSignal::<SignalState>::default();
    for signal in Signal::ALL {
        let levels: Vec<f64> = members.iter().map(|member| level(member, signal)).collect();
        let total: f64 = levels.iter().sum();
        let measured = Meter::new().measure_levels(&pool.expected, &levels, total);
        *signals.get_mut(signal) = SignalState {
            total,
            measures: measured.unwrap(),
            judgement: None,
        };
        for (backend, level) in backends.iter_mut().zip(&levels) {
            *backend.shares.get_mut(signal) = (total > 0.0).then(|| level / total);
        }
    }
    PoolState {
        pool: Arc::new(pool),
        backends,
        standby: Vec::new(),
        changes: Arc::default(),
        signals,
        verdict: Verdict::Unknown,
        detection_time: None,
        tolerance: 0.25,
        dispersion: 1.0,
    }
}

fn backend_spec(member: &Member) -> BackendSpec {
    let labels = member.labels.iter();
    BackendSpec {
        identity: None,
        address: member.address.parse::<SocketAddr>().unwrap(),
        netns: None,
        weight: Weight::new(member.weight).unwrap(),
        share: None,
        labels: labels
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect(),
    }
}

fn backend_state(member: &Member, expected_share: f64) -> BackendState {
    BackendState {
        counters: member.counters,
        active: member.active,
        shares: PerSignal::default(),
        expected_share,
        skewed: PerSignal::default(),
    }
}

fn level(member: &Member, signal: Signal) -> f64 {
    let counters = &member.counters;
    let level = match signal {
        Signal::Opened => counters.opened,
        Signal::Active => member.active,
        Signal::Bytes => counters.received + counters.sent,
        Signal::Failed => counters.failed,
    };
    level as f64
}

/// A state of an agent that works, with `pools`.
pub(crate) fn state(pools: Vec<PoolState>) -> State {
    State {
        tick: 75,
        taken: SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_250),
        interval: Duration::from_secs(1),
        window: Duration::from_secs(60),
        tick_duration: Duration::from_micros(1500),
        pools,
        incidents: Arc::default(),
        incidents_started: PerSignal::default(),
        kernel: KernelState {
            view: View::Live {
                every: Duration::from_secs(1),
                took: Duration::from_micros(250),
                namespaces: 2,
                unreachable: 0,
            },
            canary: Canary::Counted,
            learning: true,
            map_entries: 6,
            map_capacity: 16384,
            losses: Losses {
                map_full: 1,
                insert_refused: 2,
                mark_refused: 3,
            },
            drift_corrected: 4,
            counter_resets: 5,
            clients: Some(Clients {
                effective: 3.5,
                connections: 240,
            }),
            fleet: None,
        },
    }
}

/// A small state with what matters: weights, labels, a backend without traffic, failures, a pool without traffic.
pub(crate) fn small() -> State {
    let mut hot = Member::new("192.0.2.1:8080", 600, 30);
    hot.weight = 2.0;
    hot.labels = vec![("version", "v12"), ("zone", "a")];
    let mut failing = Member::new("192.0.2.2:8080", 200, 10);
    failing.counters.failed = 7;
    failing.counters.retransmits = 3;
    let checkout = [hot, failing, Member::new("192.0.2.3:8080", 0, 0)];
    let search = [
        Member::new("[2001:db8::1]:443", 0, 0),
        Member::new("[2001:db8::2]:443", 0, 0),
    ];
    state(vec![
        pool("checkout", Role::Upstream, Source::Config, &checkout),
        pool("search", Role::Local, Source::Auto, &search),
    ])
}

/// `pools` pools of `backends` backends each, all with traffic.
pub(crate) fn large(pools: u16, backends: u16) -> State {
    let pools = (0..pools).map(|number| {
        let members: Vec<Member> = (0..backends)
            .map(|backend| {
                let [high, low] = number.to_be_bytes();
                let port = 8000 + backend;
                let opened = 1000 + u64::from(number % 7) * 10 + u64::from(backend) * 37;
                Member::new(&format!("198.51.{high}.{low}:{port}"), opened, opened / 13)
            })
            .collect();
        let name = format!("team-{:02}/service-{number:04}", number % 40);
        pool(&name, Role::Upstream, Source::Config, &members)
    });
    state(pools.collect())
}

/// The outcome of a reload that went well.
pub(crate) fn reloaded() -> ReloadStatus {
    ReloadStatus {
        successful: true,
        last_success: SystemTime::UNIX_EPOCH + Duration::from_secs(1_699_999_000),
        error: None,
    }
}

/// A finding about the pool `checkout`.
pub(crate) fn finding(severity: Severity) -> Finding {
    Finding {
        rule: "NGX-009".to_owned(),
        severity,
        place: "/etc/nginx/nginx.conf:12:9".to_owned(),
        pool: Some("checkout".to_owned()),
        message: "`ip_hash` <sees> 3 octets".to_owned(),
        help: "use `hash $http_x_forwarded_for consistent`".to_owned(),
    }
}

/// Two sources of pools, of which one does not answer any longer.
pub(crate) fn discovery() -> DiscoveryStatus {
    let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    let source = |source, answered| SourceStatus {
        source,
        since: at(1_699_999_000),
        last_success: Some(at(answered)),
        failures: 0,
        error: None,
        pools: 1,
        backends: 3,
        files: vec![format!("/etc/{source}.conf")],
        stale: Vec::new(),
    };
    let failing = SourceStatus {
        failures: 7,
        error: Some("/etc/haproxy.conf: there is no such file".to_owned()),
        stale: vec![StaleFile {
            file: "/etc/pools.json".to_owned(),
            since: at(1_699_999_995),
            error: "there is no such file".to_owned(),
        }],
        ..source(Source::Haproxy, 1_699_999_993)
    };
    DiscoveryStatus {
        sources: vec![source(Source::Nginx, 1_700_000_000), failing],
        left_out: 2,
        findings: [finding(Severity::Warning), finding(Severity::Error)].into(),
    }
}

/// The exposition of `state` with figures of the process that never change, of an agent that pages nobody.
pub(crate) fn exposition(state: &State, format: Format) -> String {
    exposition_with(state, format, Vec::new())
}

/// The exposition of an agent that sends alerts, with what became of them.
pub(crate) fn exposition_with(
    state: &State,
    format: Format,
    alerts: Vec<ReceiverStatistics>,
) -> String {
    let scrape = Scrape {
        state: Arc::new(state.clone()),
        reload: reloaded(),
        process: Process {
            cpu: Some(Duration::from_millis(1250)),
            resident: Some(12_345_344),
            virtual_size: Some(123_456_789),
            open_fds: Some(23),
            max_fds: Some(1024),
            started: Some(1_699_998_999.5),
        },
        traffic: TrafficSample::default(),
        alerts,
        recording: Some(RecordingSample {
            bytes: 4096,
            dropped_ticks: 2,
        }),
        discovery: discovery(),
    };
    let mut text = String::new();
    scrape.write(format, &mut text).unwrap();
    text
}
