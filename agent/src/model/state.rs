//! What the engine publishes after a tick: everything that a reader of any kind needs, and nothing that changes.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use evenkeel_skew::Measures;

use super::change::Change;
use super::counters::{Counters, PerSignal};
use super::incident::Incident;
use super::pool::Pool;
use super::verdict::{Judgement, Side, Verdict};

/// The agent's view of the world after one tick.
#[derive(Clone, Debug)]
pub struct State {
    /// How many ticks there were since the agent started, this one included; 0 before the first.
    pub tick: u64,
    /// When the kernel's counters were read.
    pub taken: SystemTime,
    /// How often they are read.
    pub interval: Duration,
    /// How far back the sliding windows reach.
    pub window: Duration,
    /// How long the tick before took, from reading the counters to publishing.
    pub tick_duration: Duration,
    /// Ordered by name.
    pub pools: Vec<PoolState>,
    /// Incidents, newest first: all that are on, and those that ended last.
    pub incidents: Arc<[Arc<Incident>]>,
    /// Incidents that began since the agent started, by signal.
    pub incidents_started: PerSignal<u64>,
    /// The agent's own eyes.
    pub kernel: KernelState,
}

/// One pool after a tick.
#[derive(Clone, Debug)]
pub struct PoolState {
    /// What does not change from tick to tick.
    pub pool: Arc<Pool>,
    /// In the order of `pool.spec.backends`.
    pub backends: Vec<BackendState>,
    /// In the order of `pool.spec.standby`.
    pub standby: Vec<StandbyState>,
    /// How the pool's description changed while it was watched, the latest change first; the last 20.
    pub changes: Arc<[Change]>,
    /// Each signal over the window.
    pub signals: PerSignal<SignalState>,
    /// What the pool is found to be, over all signals.
    pub verdict: Verdict,
    /// The tolerance in force.
    pub tolerance: f64,
    /// How long it would take to see that a backend gets twice its share, at the present rate; `None` if the rate is 0 or
    /// nothing is judged by new connections.
    pub detection_time: Option<Duration>,
    /// How much more the counts of new connections vary than independent arrivals would, at least 1.
    pub dispersion: f64,
}

/// One signal of a pool over the window.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SignalState {
    /// Connections, bytes or failed attempts within the window; for `active` the mean number of open connections.
    pub total: f64,
    /// How the total is spread over the backends; `None` when the total is zero.
    pub measures: Option<Measures>,
    /// What the signal tells; `None` if the pool is not judged by it.
    pub judgement: Option<Judgement>,
}

/// One backend after a tick.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BackendState {
    /// Since the agent began to watch the backend.
    pub counters: Counters,
    /// Connections open now, those older than the agent included.
    pub active: u64,
    /// The backend's part of each signal's total over the window, 0 to 1; `None` when the total is zero.
    pub shares: PerSignal<Option<f64>>,
    /// The part of each signal that it should have: by its weight, or as it was learned.
    pub expected_share: f64,
    /// Where a signal's share is outside of its tolerance.
    pub skewed: PerSignal<Option<Side>>,
}

/// A member of a pool that should get no traffic, after a tick.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StandbyState {
    /// Since the agent began to watch it.
    pub counters: Counters,
    /// Connections open now.
    pub active: u64,
}

/// What the kernel side can see, and what it could not.
#[derive(Clone, Debug)]
pub struct KernelState {
    /// How connections that stay open are observed.
    pub view: View,
    /// Whether the hook was proven to see traffic.
    pub canary: Canary,
    /// Whether endpoints unknown so far are counted as they appear (auto mode).
    pub learning: bool,
    /// Endpoints in the kernel's map.
    pub map_entries: u64,
    /// Endpoints that the map can hold.
    pub map_capacity: u64,
    /// What could not be counted.
    pub losses: Losses,
    /// Open connections added to or taken from `active` because callbacks were lost to other programs; cumulative.
    pub drift_corrected: u64,
    /// Times that a counter was seen to go backwards (it was reset from outside); cumulative.
    pub counter_resets: u64,
    /// How many clients the host's new connections come from; `None` if too few were accepted lately to tell.
    pub clients: Option<Clients>,
    /// What is read instead of a kernel: the counters of all agents.
    pub fleet: Option<FleetState>,
}

/// What the view of a fleet rests on.
#[derive(Clone, Debug, PartialEq)]
pub struct FleetState {
    /// The store that is asked, without anything that may be secret.
    pub store: String,
    /// How long after an instant it is evaluated.
    pub delay: Duration,
    /// Agents that were scraped up to the instant that was evaluated last.
    pub agents: u64,
    /// Agents that were not scraped since, and may be again.
    pub silent: u64,
    /// Backends of pools of agents: one that two agents export counts twice.
    pub rows: u64,
    /// Pools that wait for a silent agent.
    pub waiting: u64,
    /// Samples that were taken over; cumulative.
    pub samples: u64,
    /// Agents' counters that were seen to begin anew; cumulative.
    pub resets: u64,
    /// When the store last answered.
    pub answered: Option<SystemTime>,
    /// How long the last evaluation took, from the first query to publishing.
    pub took: Duration,
    /// Queries that failed; cumulative.
    pub failures: u64,
    /// Why the last query failed, if it did: what is shown is as old as the last answer.
    pub error: Option<String>,
}

impl KernelState {
    /// Of a kernel side that nothing is known of: when counts come from elsewhere.
    pub fn unseen() -> Self {
        Self {
            view: View::AtClose {
                reason: String::new(),
            },
            canary: Canary::Pending,
            learning: false,
            map_entries: 0,
            map_capacity: 0,
            clients: None,
            fleet: None,
            losses: Losses::default(),
            drift_corrected: 0,
            counter_resets: 0,
        }
    }
}

/// How many clients connect to this host, whatever endpoints they connect to: by the remote addresses of accepted
/// connections, IPv6 by its /64, without those of the host with itself. Over the last 30 to 60 seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clients {
    /// The effective number: `1 / sum(q^2)` with each client's part `q` of the connections (the Hill number of order 2, the
    /// inverse of Simpson's index; Hill, "Diversity and Evenness", Ecology 54, 1973). As many clients that
    /// connect equally often would be found in one place as often. At least 1, at most `connections`.
    pub effective: f64,
    /// The connections that it was told by, at least 20.
    pub connections: u64,
}

/// How connections that stay open are observed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum View {
    /// The kernel's socket table is walked: bytes and `active` are right within `every`.
    Live {
        /// The interval in force; longer than configured when walks would cost too much.
        every: Duration,
        /// How long the last walk took, over all namespaces.
        took: Duration,
        /// Network namespaces that the last walk visited.
        namespaces: u64,
        /// Namespaces that could not be visited in the last walk.
        unreachable: u64,
    },
    /// Bytes appear when a connection closes, and connections older than the agent are not seen.
    AtClose {
        /// What is missing, and how to get it.
        reason: String,
    },
}

/// Whether the hook was proven to see traffic, by a connection that the agent made to itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Canary {
    /// No canary connection was judged yet.
    Pending,
    /// The last one was counted.
    Counted,
    /// The last one was not counted: the agent is blind.
    Missed {
        /// What was seen instead.
        reason: String,
    },
}

/// Events that could not be counted, by reason; cumulative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// Connection attempts to endpoints that no longer fitted into the map.
    pub map_full: u64,
    /// Connection attempts to endpoints that the map refused for another reason (contention, no memory).
    pub insert_refused: u64,
    /// Open connections whose bytes appear only at close, because the kernel refused the mark that they need.
    pub mark_refused: u64,
}
