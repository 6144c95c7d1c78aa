//! Many alerts at once.

use std::collections::BTreeSet;

use crate::fixtures::{RESEND, Sender, alertmanagers, ended, incident, wait_until};
use crate::server::{Answer, Server};

#[tokio::test]
async fn many_alerts_are_sent_in_requests_of_at_most_64() {
    let server = Server::start(Answer::fine()).await;
    let many = || (0..150).map(|n| incident(&format!("id{n}"), &format!("pool{n}")));
    let mut alerting = alertmanagers(&[&server.url()]);
    alerting.resend = RESEND * 60;
    let sender = Sender::start(&alerting, many());
    wait_until("all to be sent", || sender.statistics().sent >= 150).await;
    let requests = server.requests();
    let sizes: Vec<usize> = requests.iter().map(|r| r.alerts().len()).collect();
    assert_eq!(sizes, [64, 64, 22]);
    let ids: BTreeSet<String> = requests
        .iter()
        .flat_map(crate::server::Request::alerts)
        .map(|alert| alert["annotations"]["incident"].to_string())
        .collect();
    assert_eq!(ids.len(), 150);
    let statistics = sender.statistics();
    assert_eq!((statistics.sent, statistics.errors), (150, 0));
    assert_eq!(
        (statistics.queue_length, statistics.queue_capacity),
        (0, 10_000)
    );
    assert_eq!(statistics.latency_count, 3);
    assert!(!statistics.latency_sum.is_zero());
}

#[tokio::test]
async fn only_what_changes_is_sent_before_the_next_repetition() {
    let server = Server::start(Answer::fine()).await;
    let mut alerting = alertmanagers(&[&server.url()]);
    alerting.resend = RESEND * 60;
    let (one, two) = (incident("one", "checkout"), incident("two", "search"));
    let sender = Sender::start(&alerting, [two.clone(), one.clone()]);
    server.count(1).await;
    // The evidence grows with every tick: no reason to send anything.
    let mut grown = two.clone();
    grown.evidence += 1.0;
    sender.publish([grown.clone(), one.clone()]);
    // An end is one.
    sender.publish([grown, ended(one)]);
    let requests = server.count(2).await;
    assert_eq!(requests[1].alerts().len(), 1);
    assert_eq!(requests[1].alerts()[0]["annotations"]["incident"], "one");
}
