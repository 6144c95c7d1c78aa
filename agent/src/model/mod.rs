//! The words of the product as types; every other module speaks in them.

mod alerting;
mod change;
mod counters;
mod detection;
mod endpoint;
mod finding;
mod incident;
mod pool;
mod state;
mod time;
mod verdict;
mod web;

pub use alerting::{Alerting, Credentials, Receiver, Tls};
pub use change::Change;
pub use counters::{Counters, PerSignal, Signal};
pub use detection::{Algorithm, Detection, Expectation};
pub use endpoint::{Endpoint, NetnsCookie, Role, canonical};
pub use finding::{Finding, Severity};
pub use incident::{AlertName, Cause, CauseId, Deviation, Ended, Ending, Incident};
pub use pool::{BackendSpec, Pool, PoolSpec, Source, Standby, StandbySpec, Weight};
pub use state::{
    BackendState, Canary, Clients, FleetState, KernelState, Losses, PoolState, SignalState,
    StandbyState, State, View,
};
pub use time::rfc3339;
pub use verdict::{Judgement, PerVerdict, Side, Verdict, explanation, words};
pub use web::{ClientCertificates, ServerTls, TlsVersions, WebFile};
