//! Other receivers and other words while the agent runs.

use std::time::Duration;

use evenkeel::model::Alerting;
use evenkeel::publish::alerts::{ReceiverKind, check};
use tokio::time::sleep;

use crate::fixtures::{RESEND, Sender, alertmanagers, incident, receiver, wait_until};
use crate::server::{Answer, Server};

/// Both kinds of receivers, with repetitions out of the way.
fn both(alertmanager: &Server, webhooks: &[&Server]) -> Alerting {
    Alerting {
        webhooks: webhooks
            .iter()
            .map(|webhook| receiver(&webhook.url()))
            .collect(),
        resend: RESEND * 60,
        ..alertmanagers(&[&alertmanager.url()])
    }
}

#[tokio::test]
async fn receivers_that_stay_are_told_nothing_twice_and_new_ones_everything() {
    let manager = Server::start(Answer::fine()).await;
    let (stays, goes, comes) = (
        Server::start(Answer::fine()).await,
        Server::start(Answer::fine()).await,
        Server::start(Answer::fine()).await,
    );
    let one = incident("one", "checkout");
    let sender = Sender::start(&both(&manager, &[&goes, &stays]), [one.clone()]);
    for server in [&manager, &goes, &stays] {
        server.count(1).await;
    }
    let mut changed = both(&manager, &[&stays, &comes]);
    changed.webhooks[0].timeout = Duration::from_secs(2);
    changed.external_url = Some("https://elsewhere.example".to_owned());
    sender.handle.replace(&changed).unwrap();
    comes.count(1).await;
    sender.publish([incident("two", "search"), one]);
    for server in [&manager, &stays, &comes] {
        let requests = server.count(2).await;
        assert!(
            requests[1]
                .body
                .to_string()
                .contains("https://elsewhere.example/#pool-search")
        );
    }
    sleep(RESEND / 2).await;
    let counts = [&manager, &stays, &comes, &goes].map(|server| server.requests().len());
    assert_eq!(counts, [2, 2, 2, 1]);
    let statistics = sender.handle.statistics();
    let sent: Vec<u64> = statistics.iter().map(|one| one.sent).collect();
    assert_eq!(sent, [2, 2, 2]);
    assert_eq!(statistics[0].kind, ReceiverKind::Alertmanager);
    assert_eq!(statistics[1].receiver, stays.url());
}

#[tokio::test]
async fn other_labels_make_other_alerts_which_are_sent_at_once() {
    let (manager, hook) = (
        Server::start(Answer::fine()).await,
        Server::start(Answer::fine()).await,
    );
    let alerting = both(&manager, &[&hook]);
    let sender = Sender::start(&alerting, [incident("one", "checkout")]);
    manager.count(1).await;
    hook.count(1).await;
    let mut relabelled = alerting;
    relabelled
        .labels
        .insert("severity".to_owned(), "critical".to_owned());
    sender.handle.replace(&relabelled).unwrap();
    let requests = manager.count(2).await;
    assert_eq!(requests[1].alerts()[0]["labels"]["severity"], "critical");
    sleep(RESEND / 2).await;
    assert_eq!(
        hook.requests().len(),
        1,
        "for a webhook nothing has changed"
    );
}

#[tokio::test]
async fn a_repaired_configuration_is_tried_at_once() {
    let manager = Server::start(Answer::status(401)).await;
    let alerting = both(&manager, &[]);
    let sender = Sender::start(&alerting, [incident("one", "checkout")]);
    manager.count(1).await;
    manager.answer(Answer::fine());
    let mut repaired = alerting;
    repaired.alertmanagers[0].timeout = Duration::from_secs(1);
    wait_until("the first to be refused", || {
        sender.statistics().errors == 1
    })
    .await;
    sender.handle.replace(&repaired).unwrap();
    wait_until("the alert to arrive", || sender.statistics().sent == 1).await;
}

#[tokio::test]
async fn an_address_that_cannot_be_used_changes_nothing() {
    let manager = Server::start(Answer::fine()).await;
    let sender = Sender::start(&both(&manager, &[]), [incident("one", "checkout")]);
    manager.count(1).await;
    let mut wrong = both(&manager, &[]);
    wrong.webhooks = vec![receiver(&manager.url()), receiver("hooks.example/geheim")];
    let error = sender.handle.replace(&wrong).unwrap_err();
    assert_eq!(check(&wrong), Err(error.clone()));
    assert_eq!(
        error.to_string(),
        "the url of webhook 2 is not an address of the form http://HOST:PORT/PATH"
    );
    assert_eq!(sender.handle.statistics().len(), 1);
}

#[tokio::test]
async fn receivers_have_names_of_their_own() {
    let manager = Server::start(Answer::fine()).await;
    let mut alerting = both(&manager, &[]);
    let hooks = ["https://hooks.example/a", "https://hooks.example/b"];
    alerting.webhooks = hooks.map(receiver).to_vec();
    alerting.alertmanagers.push(receiver(&manager.url()));
    let sender = Sender::start(&alerting, []);
    let statistics = sender.handle.statistics();
    let names: Vec<&str> = statistics.iter().map(|one| one.receiver.as_str()).collect();
    assert_eq!(
        names,
        [
            manager.url().as_str(),
            "https://hooks.example/...",
            "https://hooks.example/...#2"
        ],
        "one that is listed twice is one"
    );
}
