//! A pool whose traffic is made up, tick by tick, in front of a real engine.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use evenkeel::engine::{Engine, Moment, Plan, Transition};
use evenkeel::kernel::Observed;
use evenkeel::model::{
    Algorithm, BackendSpec, Clients, Counters, Detection, Endpoint, Incident, KernelState,
    NetnsCookie, PoolSpec, PoolState, Role, Signal, Source, State, Verdict, Weight,
};

const OWN: NetnsCookie = NetnsCookie(1);
pub(crate) const WINDOW: u64 = 30;

pub(crate) fn address(n: usize) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, u8::try_from(n).unwrap()], 80))
}

/// What a backend gets in one tick.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Part {
    pub(crate) opened: u64,
    pub(crate) failed: u64,
    pub(crate) bytes: u64,
    /// Open connections after it.
    pub(crate) active: u64,
}

/// An engine with one pool, `shop`, of backends 1, 2, ...
pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) spec: PoolSpec,
    pub(crate) detection: Detection,
    /// Who connects to the host.
    pub(crate) clients: Option<Clients>,
    /// What the wall says.
    pub(crate) clock: SystemTime,
    pub(crate) transitions: Vec<Transition>,
    pub(crate) state: Option<Arc<State>>,
    counters: BTreeMap<SocketAddr, (Counters, u64)>,
    random: u64,
}

impl World {
    pub(crate) fn new(weights: &[u32]) -> Self {
        Self::with(spec(weights), Detection::default(), Vec::new())
    }

    pub(crate) fn with(spec: PoolSpec, detection: Detection, past: Vec<Incident>) -> Self {
        let plan = plan(Some(spec.clone()), &detection);
        Self {
            engine: Engine::new(plan, OWN, past).unwrap(),
            spec,
            detection,
            clients: None,
            clock: SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000),
            transitions: Vec::new(),
            state: None,
            counters: BTreeMap::new(),
            random: 0x9e37_79b9_7f4a_7c15,
        }
    }

    /// Puts the present `spec` and `detection` in force.
    pub(crate) fn reload(&mut self) {
        let plan = plan(Some(self.spec.clone()), &self.detection);
        self.engine.set_plan(plan).unwrap();
    }

    pub(crate) fn remove_pool(&mut self) {
        let plan = Plan {
            pools: Some(Vec::new()),
            ..plan(None, &self.detection)
        };
        self.engine.set_plan(plan).unwrap();
    }

    /// One second.
    pub(crate) fn tick(&mut self, parts: &[Part]) {
        for (backend, part) in self.spec.backends.iter().zip(parts) {
            let (counters, active) = self.counters.entry(backend.address).or_default();
            counters.opened += part.opened;
            counters.failed += part.failed;
            counters.received += part.bytes;
            *active = part.active;
        }
        let snapshot: Vec<Observed> = self
            .counters
            .iter()
            .map(|(address, (counters, active))| Observed {
                endpoint: Endpoint::new(Role::Upstream, *address, OWN),
                counters: *counters,
                active: *active,
            })
            .collect();
        self.clock += Duration::from_secs(1);
        let moment = Moment {
            taken: self.clock,
            last_tick: Duration::ZERO,
        };
        let kernel = KernelState {
            clients: self.clients,
            ..KernelState::unseen()
        };
        let tick = self.engine.tick(&snapshot, &kernel, moment);
        self.transitions.extend(tick.transitions);
        self.state = Some(tick.state);
    }

    /// `seconds` in which `rate` connections a second choose a backend at random, by the given weights.
    pub(crate) fn random(&mut self, seconds: u64, rate: u64, weights: &[u32]) {
        for _ in 0..seconds {
            let parts = self.draw(rate, weights);
            self.tick(&parts);
        }
    }

    /// As [`World::random`], until `wanted`; the seconds it took.
    pub(crate) fn random_until(
        &mut self,
        most: u64,
        rate: u64,
        weights: &[u32],
        wanted: impl Fn(&Self) -> bool,
    ) -> u64 {
        for second in 1..=most {
            self.random(1, rate, weights);
            if wanted(self) {
                return second;
            }
        }
        panic!("not within {most} s: {:?}", self.pool());
    }

    pub(crate) fn draw(&mut self, rate: u64, weights: &[u32]) -> Vec<Part> {
        let total: u32 = weights.iter().sum();
        let mut parts = vec![Part::default(); weights.len()];
        for _ in 0..rate {
            // xorshift64*
            self.random ^= self.random >> 12;
            self.random ^= self.random << 25;
            self.random ^= self.random >> 27;
            let drawn = self.random.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32;
            let mut place = (drawn * u64::from(total)) >> 32;
            for (part, weight) in parts.iter_mut().zip(weights) {
                if place < u64::from(*weight) {
                    part.opened += 1;
                    part.bytes += 1000;
                    break;
                }
                place -= u64::from(*weight);
            }
        }
        parts
    }

    pub(crate) fn pool(&self) -> &PoolState {
        &self.state.as_ref().unwrap().pools[0]
    }

    pub(crate) fn verdict(&self) -> Verdict {
        self.pool().verdict
    }

    pub(crate) fn incidents(&self) -> &[Arc<Incident>] {
        &self.state.as_ref().unwrap().incidents
    }

    pub(crate) fn open(&self, signal: Signal) -> Option<&Arc<Incident>> {
        let mut open = self
            .incidents()
            .iter()
            .filter(|incident| incident.is_open());
        open.find(|incident| incident.signal == signal)
    }
}

pub(crate) fn spec(weights: &[u32]) -> PoolSpec {
    PoolSpec {
        name: "shop".to_owned(),
        role: Role::Upstream,
        source: Source::Config,
        tolerance: None,
        algorithm: Algorithm::default(),
        expected: None,
        standby: Vec::new(),
        findings: Vec::new(),
        backends: (1..)
            .zip(weights)
            .map(|(n, weight)| backend(n, *weight))
            .collect(),
    }
}

pub(crate) fn backend(n: usize, weight: u32) -> BackendSpec {
    BackendSpec {
        identity: None,
        address: address(n),
        netns: None,
        weight: Weight::new(weight.into()).unwrap(),
        share: None,
        labels: BTreeMap::new(),
    }
}

fn plan(pool: Option<PoolSpec>, detection: &Detection) -> Plan {
    Plan {
        interval: Duration::from_secs(1),
        window: Duration::from_secs(WINDOW),
        detection: detection.clone(),
        found: Vec::new(),
        pools: Some(pool.into_iter().collect()),
    }
}

/// The names of backends.
pub(crate) fn names(deviations: &[evenkeel::model::Deviation]) -> Vec<String> {
    deviations
        .iter()
        .map(|deviation| deviation.backend.clone())
        .collect()
}
