//! Webhooks: each change once, in order, until it is accepted.

use evenkeel::model::Incident;

use crate::fixtures::{RESEND, Sender, ended, incident, wait_until, webhook};
use crate::server::{Answer, Request, Server};

fn keys(requests: &[Request]) -> Vec<String> {
    let keys = requests.iter().map(|request| {
        let key = request.headers["idempotency-key"].clone();
        assert_eq!(request.body["key"], key);
        key
    });
    keys.collect()
}

/// A webhook with a path that is a secret.
async fn start(answer: Answer, incidents: Vec<Incident>) -> (Server, Sender) {
    let server = Server::start(answer).await;
    let url = format!("{}/hook?token=geheim", server.url());
    let sender = Sender::start(&webhook(&url), incidents);
    (server, sender)
}

#[tokio::test]
async fn each_change_is_sent_once_and_in_order() {
    let (older, newer) = (incident("one", "checkout"), incident("two", "search"));
    let (server, sender) = start(Answer::fine(), vec![newer.clone(), older.clone()]).await;
    server.count(2).await;
    // Nothing to tell of that.
    let mut grown = newer.clone();
    grown.evidence += 1.0;
    sender.publish([grown.clone(), older.clone()]);
    sender.publish([grown.clone(), ended(older.clone())]);
    server.count(3).await;
    sender.publish([ended(grown), ended(older)]);
    server.count(4).await;
    tokio::time::sleep(RESEND * 2).await;
    let requests = server.requests();
    assert_eq!(
        keys(&requests),
        ["one/opened", "two/opened", "one/ended", "two/ended"]
    );
    assert_eq!(requests[0].line, "POST /hook?token=geheim HTTP/1.1");
    let statistics = sender.statistics();
    assert_eq!(statistics.receiver, format!("{}/...", server.url()));
    assert_eq!((statistics.sent, statistics.errors), (4, 0));
    assert_eq!(
        (statistics.queue_length, statistics.queue_capacity),
        (0, 1000)
    );
}

#[tokio::test]
async fn a_webhook_that_was_away_hears_of_beginning_and_end() {
    let one = incident("one", "checkout");
    let (server, sender) = start(Answer::status(503), vec![one.clone()]).await;
    server.count(1).await;
    sender.publish([ended(one)]);
    wait_until("both to wait", || sender.statistics().queue_length == 2).await;
    // The engine forgets it; the webhook must hear of it nevertheless.
    sender.publish([]);
    server.answer(Answer::fine());
    wait_until("both to be sent", || sender.statistics().sent == 2).await;
    let requests = server.requests();
    let keys = keys(&requests);
    assert_eq!(&keys[keys.len() - 2..], ["one/opened", "one/ended"]);
    assert_eq!(sender.statistics().queue_length, 0);
}

#[tokio::test]
async fn a_body_that_is_refused_is_given_up_and_the_next_is_sent() {
    let one = incident("one", "checkout");
    let (server, sender) = start(Answer::status(422), vec![one.clone()]).await;
    wait_until("it to be given up", || sender.statistics().dropped == 1).await;
    server.answer(Answer::fine());
    sender.publish([ended(one)]);
    let requests = server.count(2).await;
    assert_eq!(keys(&requests), ["one/opened", "one/ended"]);
}

#[tokio::test]
async fn an_agent_that_is_refused_tries_again_later() {
    let (server, sender) = start(Answer::status(401), vec![incident("one", "checkout")]).await;
    let requests = server.count(2).await;
    assert!(requests[1].at - requests[0].at >= RESEND * 9 / 10);
    server.answer(Answer::fine());
    wait_until("it to be sent", || sender.statistics().sent == 1).await;
    assert_eq!(sender.statistics().dropped, 0);
}

#[tokio::test]
async fn after_a_restart_what_is_on_is_sent_again_under_the_same_key() {
    let one = incident("one", "checkout");
    let (server, sender) = start(Answer::fine(), vec![one.clone()]).await;
    server.count(1).await;
    sender.stop().await;
    let _sender = Sender::start(&webhook(&server.url()), [one]);
    let requests = server.count(2).await;
    assert_eq!(keys(&requests), ["one/opened", "one/opened"]);
}
