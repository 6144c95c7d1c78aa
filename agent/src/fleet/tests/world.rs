//! Agents that export to a store, and a fleet that is watched, with a time of its own.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::http::{HeaderName, HeaderValue};
use tokio::sync::watch;

use super::super::store::Store;
use super::super::watch::{Pace, Watch};
use super::store::{Memory, serve};
use crate::http_client::Access;
use crate::model::{Detection, Incident, PoolState, Role, State, Tls};
use crate::prometheus::Prometheus;

/// When it begins, in milliseconds since the epoch; a multiple of the interval.
pub(super) const BEGINNING: u64 = 1_800_000_000_000;
pub(super) const INTERVAL: u64 = 15_000;

/// A backend as one agent sees it.
#[derive(Clone, Debug)]
pub(super) struct Exported {
    pub(super) address: String,
    pub(super) zone: Option<&'static str>,
    pub(super) weight: f64,
    /// Connections a second.
    pub(super) rate: f64,
    pub(super) count: f64,
}

/// One agent.
#[derive(Clone, Debug)]
pub(super) struct Agent {
    pub(super) name: String,
    pub(super) role: Role,
    pub(super) backends: Vec<Exported>,
    /// Its target has this label besides.
    pub(super) zone: Option<&'static str>,
    /// Whether scrapes succeed.
    pub(super) up: bool,
    pub(super) started: u64,
    /// How long after an instant it is scraped.
    offset: u64,
}

pub(super) fn backend(n: usize, rate: f64) -> Exported {
    Exported {
        address: format!("198.51.100.{n}:80"),
        zone: None,
        weight: 1.0,
        rate,
        count: 0.0,
    }
}

impl Agent {
    pub(super) fn new(name: &str, role: Role, backends: Vec<Exported>) -> Self {
        let offset = name.bytes().map(u64::from).sum::<u64>() * 997 % INTERVAL;
        Self {
            name: name.to_owned(),
            role,
            backends,
            zone: None,
            up: true,
            started: BEGINNING - 3_600_000,
            offset,
        }
    }

    /// The agent begins anew.
    pub(super) fn restart(&mut self, at: u64) {
        self.started = at;
        for backend in &mut self.backends {
            backend.count = 0.0;
        }
    }
}

/// The whole.
pub(super) struct World {
    pub(super) memory: Memory,
    pub(super) agents: Vec<Agent>,
    pub(super) now: u64,
    pub(super) watch: Watch,
    pub(super) state: watch::Receiver<Arc<State>>,
    url: String,
    random: u64,
    /// What was opened in all.
    pub(super) opened: f64,
}

impl World {
    pub(super) async fn new(agents: Vec<Agent>) -> Self {
        let memory = Memory::default();
        let url = format!("http://{}/prefix", serve(memory.clone()).await);
        let (watch, state) = watching(&url, BEGINNING, Vec::new());
        Self {
            memory,
            agents,
            now: BEGINNING,
            watch,
            state,
            url,
            random: 42,
            opened: 0.0,
        }
    }

    /// Begins to watch anew, as after a restart.
    pub(super) fn rewatch(&mut self, past: Vec<Incident>) {
        (self.watch, self.state) = watching(&self.url, self.now, past);
    }

    /// Lets some intervals pass: agents count and are scraped, the fleet is evaluated.
    pub(super) async fn pass(&mut self, intervals: usize) {
        for _ in 0..intervals {
            for place in 0..self.agents.len() {
                self.count_and_scrape(place);
            }
            self.now += INTERVAL;
            let evaluated = self.watch.evaluate(at(self.now)).await;
            if let Err(error) = evaluated {
                self.watch.failed(&error);
            }
        }
    }

    fn count_and_scrape(&mut self, place: usize) {
        let seconds = INTERVAL as f64 / 1000.0;
        let agent = &mut self.agents[place];
        for backend in &mut agent.backends {
            // As many as independent arrivals bring, nearly.
            let mean = backend.rate * seconds;
            let mut noise = -6.0;
            for _ in 0..12 {
                self.random = self
                    .random
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                noise += (self.random >> 11) as f64 / (1u64 << 53) as f64;
            }
            let opened = (mean + noise * mean.sqrt()).round().max(0.0);
            backend.count += opened;
            self.opened += opened;
        }
        if agent.up {
            let agent = self.agents[place].clone();
            self.scrape(&agent, self.now + agent.offset);
        }
    }

    fn scrape(&self, agent: &Agent, at: u64) {
        let mut series = self.memory.series.lock().unwrap();
        let mut target = vec![("instance", &*agent.name), ("job", "evenkeel")];
        target.extend(agent.zone.map(|zone| ("zone", zone)));
        let started = agent.started as f64 / 1000.0;
        series.write("process_start_time_seconds", &target, at, started);
        let mut info = target.clone();
        let role = agent.role.as_str();
        info.extend([("pool", "shop"), ("role", role), ("source", "config")]);
        info.extend([("algorithm", "rotation"), ("expected", "weights")]);
        series.write("evenkeel_pool_info", &info, at, 1.0);
        for backend in &agent.backends {
            let mut labels = target.clone();
            labels.extend([("pool", "shop"), ("backend", &*backend.address)]);
            let opened = "evenkeel_backend_connections_opened_total";
            series.write(opened, &labels, at, backend.count);
            let received = "evenkeel_backend_received_bytes_total";
            series.write(received, &labels, at, 100.0 * backend.count);
            series.write("evenkeel_backend_weight", &labels, at, backend.weight);
            labels.push(("role", role));
            labels.extend(backend.zone.map(|zone| ("label_zone", zone)));
            series.write("evenkeel_backend_info", &labels, at, 1.0);
        }
    }

    pub(super) fn state(&self) -> Arc<State> {
        Arc::clone(&self.state.borrow())
    }

    pub(super) fn pool(&self) -> PoolState {
        let state = self.state();
        assert_eq!(state.pools.len(), 1, "{:?}", state.kernel.fleet);
        state.pools[0].clone()
    }

    /// The connections that the fleet has counted.
    pub(super) fn counted(&self) -> u64 {
        let backends = self.pool().backends;
        backends.iter().map(|backend| backend.counters.opened).sum()
    }

    /// The incident in new connections, if there is one.
    pub(super) fn incident(&self) -> Option<Arc<Incident>> {
        let state = self.state();
        let mut open = state.incidents.iter().filter(|incident| incident.is_open());
        let found = open.next().cloned();
        assert!(open.next().is_none(), "{:?}", state.incidents);
        found
    }
}

pub(super) fn at(milliseconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(milliseconds)
}

fn watching(url: &str, now: u64, past: Vec<Incident>) -> (Watch, watch::Receiver<Arc<State>>) {
    let access = Access {
        credentials: None,
        tls: Tls::default(),
        timeout: Duration::from_secs(10),
    };
    let tenant = HeaderName::from_static("x-scope-orgid");
    let prometheus = Prometheus::new(url, access).unwrap();
    let prometheus = prometheus.with_headers(vec![(tenant, HeaderValue::from_static("shop"))]);
    let store = Store::new(prometheus, Some("cluster=\"a\"".to_owned()));
    let pace = Pace {
        interval: Duration::from_millis(INTERVAL),
        window: Duration::from_secs(300),
        delay: Duration::from_secs(30),
        lookback: Duration::from_secs(900),
    };
    let detection = Detection {
        signals: vec![crate::model::Signal::Opened],
        ..Detection::default()
    };
    Watch::new((url.to_owned(), store), pace, detection, past, at(now)).unwrap()
}
