//! The fleet: the same engine on the counters that all agents exported to a store with the API of Prometheus.
//!
//! [`store`] asks, [`rows`] keeps what each agent exports of each backend, [`counter`] makes growth between instants of its samples,
//! [`merge`] sums it up into pools, [`vantages`] tells the engine what each agent saw, [`watch`] is the loop. Nothing is
//! kept on disk but incidents: what is needed is reread from the store at the start.

mod agents;
mod counter;
mod merge;
mod rows;
mod service;
mod store;
#[cfg(test)]
mod tests;
mod vantages;
mod watch;

pub(crate) use service::Service;
