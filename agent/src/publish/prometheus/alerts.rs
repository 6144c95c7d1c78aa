//! The families about alerts that were sent, as Prometheus has them about its own.

use std::fmt;

use super::family::{Exposition, Family};
use crate::publish::alerts::ReceiverStatistics;

const CONFIGURED: Family = Family::gauge(
    "evenkeel_alerting_configured",
    "1 if this agent sends alerts itself, 0 if only rules on its metrics can.",
);
const SENT: Family = Family::counter(
    "evenkeel_alerts_sent",
    "Alerts that the receiver accepted; repetitions count.",
);
const DROPPED: Family = Family::counter(
    "evenkeel_alerts_dropped",
    "Alerts that were given up and that the receiver will never know of.",
);
const ERRORS: Family = Family::counter(
    "evenkeel_alerts_errors",
    "Alerts in requests that failed or were refused; each attempt counts.",
);
const QUEUE_LENGTH: Family = Family::gauge(
    "evenkeel_alerts_queue_length",
    "Alerts that are to be sent to the receiver now.",
);
const QUEUE_CAPACITY: Family = Family::gauge(
    "evenkeel_alerts_queue_capacity",
    "The most alerts that may wait for the receiver.",
);
const LATENCY: Family = Family::summary(
    "evenkeel_alerts_latency",
    "Time that requests to the receiver took, also those that failed.",
)
.in_seconds();

type Counter = (Family, fn(&ReceiverStatistics) -> u64);

const COUNTERS: [Counter; 3] = [
    (SENT, |receiver| receiver.sent),
    (DROPPED, |receiver| receiver.dropped),
    (ERRORS, |receiver| receiver.errors),
];

/// Writes all families about alerts.
pub(super) fn write(out: &mut Exposition<'_>, receivers: &[ReceiverStatistics]) -> fmt::Result {
    out.gauge(&CONFIGURED, u32::from(!receivers.is_empty()))?;
    for (family, value) in &COUNTERS {
        let mut samples = out.family(family)?;
        for receiver in receivers {
            samples.counter(&labels(receiver), value(receiver))?;
        }
    }
    let mut samples = out.family(&QUEUE_LENGTH)?;
    for receiver in receivers {
        samples.gauge(&labels(receiver), receiver.queue_length)?;
    }
    let mut samples = out.family(&QUEUE_CAPACITY)?;
    for receiver in receivers {
        samples.gauge(&labels(receiver), receiver.queue_capacity)?;
    }
    let mut samples = out.family(&LATENCY)?;
    for receiver in receivers {
        let seconds = receiver.latency_sum.as_secs_f64();
        samples.summary(&labels(receiver), seconds, receiver.latency_count)?;
    }
    Ok(())
}

fn labels(receiver: &ReceiverStatistics) -> [(&str, &str); 2] {
    [
        ("receiver", &receiver.receiver),
        ("kind", receiver.kind.as_str()),
    ]
}
