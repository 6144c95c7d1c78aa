//! Receivers that do not work: the truth arrives when they do again, and nobody is bothered more than necessary.

use std::io::Write;
use std::sync::Mutex;
use std::time::Duration;

use crate::fixtures::{RESEND, Sender, alertmanagers, incident, wait_until};
use crate::server::{Answer, Server};

/// Alertmanagers at this address that have little time.
fn hurried(url: &str) -> evenkeel::model::Alerting {
    let mut alerting = alertmanagers(&[url]);
    alerting.alertmanagers[0].timeout = Duration::from_millis(300);
    alerting
}

#[tokio::test]
async fn whatever_a_receiver_answers_the_alert_arrives_once_it_works() {
    let endless = b"HTTP/1.1 503 Busy\r\nContent-Length: 99999999999\r\n\r\nbusy".to_vec();
    let answers = [
        Answer::status(500),
        Answer::status(429),
        Answer::Never,
        Answer::Bytes(Vec::new()),
        Answer::Bytes(b"\0\x01garbage\r\n\r\n".to_vec()),
        Answer::Bytes(b"HTTP/1.1 2".to_vec()),
        Answer::Bytes(endless),
        Answer::Bytes([b"HTTP/1.1 200 OK\r\nX: ".to_vec(), vec![b'x'; 1_000_000]].concat()),
    ];
    let cases = answers.map(|answer| tokio::spawn(arrives_in_the_end(answer)));
    for case in cases {
        case.await.unwrap();
    }
}

async fn arrives_in_the_end(answer: Answer) {
    let server = Server::start(answer.clone()).await;
    let sender = Sender::start(&hurried(&server.url()), [incident("one", "checkout")]);
    wait_until("two attempts to fail", || sender.statistics().errors >= 2).await;
    assert_eq!(sender.statistics().sent, 0, "{answer:?}");
    assert_eq!(sender.statistics().queue_length, 1, "{answer:?}");
    server.answer(Answer::fine());
    wait_until("the alert to arrive", || sender.statistics().sent >= 1).await;
    let requests = server.requests();
    assert_eq!(requests[0].line, "POST /api/v2/alerts HTTP/1.1");
    assert_eq!(requests[0].headers["content-type"], "application/json");
    for request in &requests {
        for constant in ["labels", "startsAt"] {
            let (first, this) = (&requests[0].alerts()[0], &request.alerts()[0]);
            assert_eq!(first[constant], this[constant], "{answer:?}");
        }
    }
}

#[tokio::test]
async fn pauses_between_attempts_grow_but_stay_within_their_bounds() {
    let server = Server::start(Answer::status(500)).await;
    let mut alerting = alertmanagers(&[&server.url()]);
    alerting.resend = Duration::from_secs(60);
    let _sender = Sender::start(&alerting, [incident("one", "checkout")]);
    let requests = server.count(4).await;
    let slack = Duration::from_millis(700);
    for (pair, longest) in requests.windows(2).zip([1, 2, 4]) {
        let pause = pair[1].at - pair[0].at;
        assert!(
            pause <= Duration::from_secs(longest) + slack,
            "{pause:?} of {longest} s"
        );
    }
}

#[tokio::test]
async fn what_is_refused_is_not_tried_again_before_the_next_repetition() {
    let cases = [400, 401, 404, 302].map(|status| tokio::spawn(is_left_alone(status)));
    for case in cases {
        case.await.unwrap();
    }
}

async fn is_left_alone(status: u16) {
    let server = Server::start(Answer::status(status)).await;
    let sender = Sender::start(
        &alertmanagers(&[&server.url()]),
        [incident("one", "checkout")],
    );
    let requests = server.count(3).await;
    for pair in requests.windows(2) {
        let pause = pair[1].at - pair[0].at;
        // They are measured where they arrive.
        assert!(pause >= RESEND * 9 / 10, "{pause:?} after {status}");
    }
    assert_eq!(sender.statistics().sent, 0);
    server.answer(Answer::fine());
    wait_until("the next repetition", || sender.statistics().sent == 1).await;
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let elsewhere = Server::start(Answer::fine()).await;
    let redirect = format!(
        "HTTP/1.1 307 Temporary Redirect\r\nLocation: {}/api/v2/alerts\r\nContent-Length: 0\r\n\r\n",
        elsewhere.url()
    );
    let server = Server::start(Answer::Bytes(redirect.into_bytes())).await;
    let sender = Sender::start(
        &alertmanagers(&[&server.url()]),
        [incident("one", "checkout")],
    );
    server.count(2).await;
    assert!(sender.statistics().errors >= 1);
    assert!(elsewhere.requests().is_empty());
}

#[tokio::test]
async fn stopping_does_not_wait_for_a_receiver_that_hangs() {
    let server = Server::start(Answer::Never).await;
    let sender = Sender::start(
        &alertmanagers(&[&server.url()]),
        [incident("one", "checkout")],
    );
    server.count(1).await;
    let took = sender.stop().await;
    assert!(took < Duration::from_secs(5), "stopping took {took:?}");
}

#[tokio::test]
async fn what_is_news_when_the_agent_stops_is_sent_before_it_ends() {
    let server = Server::start(Answer::fine()).await;
    let one = incident("one", "checkout");
    let sender = Sender::start(&alertmanagers(&[&server.url()]), [one.clone()]);
    server.count(1).await;
    sender.publish([incident("two", "search"), one]);
    sender.stop().await;
    let sent = server.requests().into_iter();
    let pools: Vec<String> = sent
        .flat_map(|request| request.alerts().to_vec())
        .map(|alert| alert["labels"]["pool"].to_string())
        .collect();
    assert!(pools.contains(&"\"search\"".to_owned()), "{pools:?}");
}

/// What was logged, by all tests of this process.
static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOG.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_log_says_once_that_a_receiver_fails_and_once_that_it_works_again() {
    let log = tracing_subscriber::fmt().with_ansi(false);
    log.with_writer(|| Log).init();
    // Places that log were found uninteresting by tests that ran before.
    tracing::callsite::rebuild_interest_cache();
    let body = format!("first line\nsecond line {}", "x".repeat(1000));
    let server = Server::start(Answer::Status(500, body)).await;
    let url = format!("{}/?token=geheim", server.url());
    let sender = Sender::start(&alertmanagers(&[&url]), [incident("one", "checkout")]);
    wait_until("three attempts", || sender.statistics().errors >= 3).await;
    server.answer(Answer::fine());
    wait_until("the alert to arrive", || sender.statistics().sent >= 1).await;
    let log = String::from_utf8(LOG.lock().unwrap().clone()).unwrap();
    let own: Vec<&str> = log
        .lines()
        .filter(|line| line.contains(&server.url()))
        .collect();
    let [failing, working] = &own[..] else {
        panic!("not two lines: {own:?}");
    };
    assert!(failing.contains("cannot send alerts"), "{failing}");
    assert!(failing.contains("answered 500"), "{failing}");
    assert!(failing.contains(r"first line\nsecond line x"), "{failing}");
    assert!(failing.len() < 500, "{failing}");
    assert!(working.contains("alerts are sent again"), "{working}");
    assert!(!log.contains("geheim"), "a secret was logged");
}
