//! Traffic that is made up, tick by tick, recorded and shown to an engine at the same time.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use evenkeel::backtest::{Basis, Replay, Report, Setting};
use evenkeel::engine::{Engine, Moment, Plan};
use evenkeel::kernel::Observed;
use evenkeel::model::{
    Algorithm, BackendSpec, Clients, Counters, Detection, Endpoint, Incident, KernelState,
    NetnsCookie, PoolSpec, Role, Source, State, Weight,
};
use evenkeel::recording::{Beginning, Reader, Writer, Written};

pub(crate) const OWN: NetnsCookie = NetnsCookie(1);
pub(crate) const EVEN: [u64; 4] = [1, 1, 1, 1];
/// The second backend gets half of the connections.
pub(crate) const SKEWED: [u64; 4] = [1, 3, 1, 1];
/// The third one gets none.
pub(crate) const STARVED: [u64; 4] = [1, 1, 0, 1];

pub(crate) fn address(n: usize) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, u8::try_from(n).unwrap()], 80))
}

pub(crate) fn pool(name: &str, backends: std::ops::RangeInclusive<usize>) -> PoolSpec {
    PoolSpec {
        name: name.to_owned(),
        role: Role::Upstream,
        source: Source::Config,
        tolerance: None,
        algorithm: Algorithm::default(),
        expected: None,
        standby: Vec::new(),
        findings: Vec::new(),
        backends: backends
            .map(|n| BackendSpec {
                identity: None,
                address: address(n),
                netns: None,
                weight: Weight::ONE,
                share: None,
                labels: BTreeMap::from([("zone".to_owned(), format!("z{}", n % 2))]),
            })
            .collect(),
    }
}

pub(crate) fn plan(pools: Option<Vec<PoolSpec>>) -> Plan {
    Plan {
        interval: Duration::from_secs(1),
        window: Duration::from_secs(30),
        detection: Detection::default(),
        found: Vec::new(),
        pools,
    }
}

/// An engine and a recording that see the same.
pub(crate) struct Live {
    pub(crate) engine: Engine,
    pub(crate) writer: Writer,
    pub(crate) clock: SystemTime,
    pub(crate) state: Option<Arc<State>>,
    pub(crate) clients: Option<Clients>,
    counters: BTreeMap<SocketAddr, (Counters, u64)>,
    random: u64,
}

impl Live {
    pub(crate) fn begin(file: &Path, plan: Plan, past: Vec<Incident>) -> Self {
        let mut writer = Writer::open(file, u64::MAX).unwrap();
        let open = past.iter().filter(|incident| incident.is_open());
        writer
            .begin(&Beginning {
                version: "0.1.0".to_owned(),
                node: "lb1".to_owned(),
                own: OWN,
                past: open.cloned().collect(),
                plan: plan.clone(),
            })
            .unwrap();
        Self {
            engine: Engine::new(plan, OWN, past).unwrap(),
            writer,
            // With a fraction that a file must not lose.
            clock: SystemTime::UNIX_EPOCH + Duration::new(1_800_000_000, 123_456_789),
            state: None,
            clients: None,
            counters: BTreeMap::new(),
            random: 0x9e37_79b9_7f4a_7c15,
        }
    }

    pub(crate) fn plan(&mut self, plan: Plan) {
        self.writer.plan(&plan).unwrap();
        self.engine.set_plan(plan).unwrap();
    }

    /// `seconds` in which `rate` connections a second choose among backends from `first` on at random, by weight.
    pub(crate) fn run(&mut self, seconds: u64, rate: u64, first: usize, weights: &[u64]) {
        for _ in 0..seconds {
            self.open(rate, first, weights);
            self.tick();
        }
    }

    /// The connections of a second.
    pub(crate) fn open(&mut self, rate: u64, first: usize, weights: &[u64]) {
        let total: u64 = weights.iter().sum();
        for (counters, active) in self.counters.values_mut() {
            counters.closed += std::mem::take(active);
        }
        for _ in 0..rate {
            let mut drawn = self.draw(total);
            let chosen = weights.iter().position(|weight| {
                let here = drawn < *weight;
                drawn = drawn.saturating_sub(*weight);
                here
            });
            let bytes = 500 + self.draw(1000);
            let entry = self.counters.entry(address(first + chosen.unwrap()));
            let (counters, active) = entry.or_default();
            counters.opened += 1;
            counters.received += bytes;
            counters.sent += 200;
            *active += 1;
        }
    }

    /// A second passes.
    pub(crate) fn tick(&mut self) {
        let jitter = self.draw(3_000_000);
        self.clock += Duration::from_nanos(998_500_000 + jitter);
        let snapshot = self.snapshot();
        self.writer.tick(self.clock, &snapshot, self.clients);
        let moment = Moment {
            taken: self.clock,
            last_tick: Duration::ZERO,
        };
        let tick = self.engine.tick(&snapshot, &kernel(self.clients), moment);
        for endpoint in tick.forgotten {
            self.counters.remove(&endpoint.address());
        }
        self.state = Some(tick.state);
        if self.writer.is_due() {
            self.flush();
        }
    }

    pub(crate) fn snapshot(&self) -> Vec<Observed> {
        let observed = |(address, (counters, active)): (&SocketAddr, &(Counters, u64))| Observed {
            endpoint: Endpoint::new(Role::Upstream, *address, OWN),
            counters: *counters,
            active: *active,
        };
        self.counters.iter().map(observed).collect()
    }

    pub(crate) fn flush(&mut self) {
        assert!(matches!(self.writer.flush().unwrap(), Written::Bytes(_)));
    }

    /// What the agent has of incidents, the one that began first comes first.
    pub(crate) fn incidents(&self) -> Vec<Incident> {
        let listed = &self.state.as_ref().unwrap().incidents;
        listed
            .iter()
            .rev()
            .map(|one| Incident::clone(one))
            .collect()
    }

    fn draw(&mut self, below: u64) -> u64 {
        // xorshift64*
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        let drawn = self.random.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32;
        (drawn * below) >> 32
    }
}

/// Replays a file.
pub(crate) fn replay(file: &Path, settings: Vec<Setting>) -> Report {
    let mut replay = Replay::new(Basis::default(), settings);
    let mut reader = Reader::open(file).unwrap();
    while let Some(event) = reader.next().unwrap() {
        replay.take("lb1", event).unwrap();
    }
    replay.finish()
}

/// The incidents of a setting, the one that began first comes first.
pub(crate) fn incidents(report: &Report, setting: usize) -> Vec<Incident> {
    let all = report.outcomes[setting].incidents();
    let mut all: Vec<_> = all.map(|(_, incident)| Incident::clone(incident)).collect();
    all.sort_by(|a, b| (a.started, &a.id).cmp(&(b.started, &b.id)));
    all
}

fn kernel(clients: Option<Clients>) -> KernelState {
    KernelState {
        clients,
        ..KernelState::unseen()
    }
}
