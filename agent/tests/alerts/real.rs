//! Real Alertmanagers: people are notified once, of the right thing, whatever happens in between.

use std::time::Duration;

use evenkeel::model::rfc3339;
use serde_json::json;
use tokio::time::sleep;

use crate::fixtures::{RESEND, Sender, alertmanagers, ended, incident, wait_until};
use crate::manager::Manager;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_incident_fires_with_its_labels_stays_and_resolves() {
    let manager = Manager::started().await;
    let one = incident("one", "checkout");
    let sender = Sender::start(&alertmanagers(&[&manager.url()]), [one.clone()]);
    let fired = manager.notification("firing").await;
    let alert = &fired["alerts"][0];
    assert_eq!(
        alert["labels"],
        json!({
            "alertname": "EvenkeelPoolSkewed",
            "pool": "checkout",
            "role": "upstream",
            "signal": "opened",
            "severity": "warning",
            "team": "shop",
            "instance": "lb1:9797",
            "node": "lb1",
            "sender": "evenkeel",
        })
    );
    // Alertmanager leaves zeros at the end of a fraction away.
    let started = humantime::parse_rfc3339(alert["startsAt"].as_str().unwrap()).unwrap();
    assert_eq!(
        rfc3339(started).to_string(),
        rfc3339(one.started).to_string()
    );
    assert_eq!(
        alert["generatorURL"],
        "https://evenkeel.example/lb1/#pool-checkout"
    );
    assert_eq!(alert["annotations"]["incident"], "one");
    // Longer than an alert lives that is not repeated.
    sleep(RESEND * 5).await;
    assert_eq!(manager.alerts().len(), 1, "it must stay on");
    sender.publish([ended(one)]);
    manager.notification("resolved").await;
    manager.knows(0).await;
    assert_eq!(
        (manager.notified("firing"), manager.notified("resolved")),
        (1, 1)
    );
    sender.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alertmanager_that_comes_late_and_goes_away_for_a_while_notifies_once() {
    let mut manager = Manager::new().await;
    let one = incident("one", "checkout");
    let sender = Sender::start(&alertmanagers(&[&manager.url()]), [one.clone()]);
    wait_until("attempts to fail", || sender.statistics().errors >= 2).await;
    manager.start().await;
    let fired = manager.notification("firing").await;
    assert_moment(&fired["alerts"][0]["startsAt"], one.started);
    manager.stop().await;
    let errors = sender.statistics().errors;
    wait_until("attempts to fail again", || {
        sender.statistics().errors >= errors + 2
    })
    .await;
    manager.start().await;
    manager.knows(1).await;
    sender.publish([ended(one)]);
    manager.notification("resolved").await;
    assert_eq!(
        (manager.notified("firing"), manager.notified("resolved")),
        (1, 1)
    );
    assert_eq!(sender.statistics().dropped, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_an_incident_that_ended_while_alertmanager_was_down_it_hears_the_end_alone() {
    let mut manager = Manager::new().await;
    let one = incident("one", "checkout");
    let sender = Sender::start(&alertmanagers(&[&manager.url()]), [one.clone()]);
    wait_until("an attempt to fail", || sender.statistics().errors >= 1).await;
    sender.publish([ended(one)]);
    manager.start().await;
    wait_until("the end to be accepted", || sender.statistics().sent >= 1).await;
    // Its groups are looked at every half second.
    sleep(Duration::from_secs(1)).await;
    assert!(manager.alerts().is_empty());
    assert!(
        manager.notifications().is_empty(),
        "nobody needs to wake up"
    );
    assert_eq!(sender.statistics().dropped, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_alertmanagers_are_told_and_one_that_is_down_holds_up_none() {
    let (up, also_up, down) = (
        Manager::started().await,
        Manager::started().await,
        Manager::new().await,
    );
    let one = incident("one", "checkout");
    let urls = [down.url(), up.url(), also_up.url()];
    let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
    let sender = Sender::start(&alertmanagers(&urls), [one.clone()]);
    for manager in [&up, &also_up] {
        manager.notification("firing").await;
    }
    sender.publish([ended(one)]);
    for manager in [&up, &also_up] {
        manager.notification("resolved").await;
        assert_eq!(manager.notified("firing"), 1);
    }
    let [first, second, third] = sender.handle.statistics().try_into().unwrap();
    assert!(first.errors > 0 && first.sent == 0 && first.queue_length == 1);
    assert!(second.errors == 0 && second.sent >= 2);
    assert!(third.errors == 0 && third.sent >= 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_is_restarted_goes_on_with_its_alerts() {
    let manager = Manager::started().await;
    let one = incident("one", "checkout");
    let alerting = alertmanagers(&[&manager.url()]);
    let sender = Sender::start(&alerting, [one.clone()]);
    manager.notification("firing").await;
    let before = manager.alerts();
    sender.stop().await;
    assert_eq!(manager.alerts().len(), 1, "stopping resolves nothing");
    let sender = Sender::start(&alerting, [one.clone()]);
    sleep(RESEND * 5).await;
    let after = manager.alerts();
    for constant in ["labels", "startsAt", "fingerprint"] {
        assert_eq!(before[0][constant], after[0][constant], "{constant}");
    }
    sender.publish([ended(one)]);
    manager.notification("resolved").await;
    assert_eq!(
        (manager.notified("firing"), manager.notified("resolved")),
        (1, 1)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_incident_that_recurs_fires_again() {
    let manager = Manager::started().await;
    let first = incident("one", "checkout");
    let sender = Sender::start(&alertmanagers(&[&manager.url()]), [first.clone()]);
    manager.notification("firing").await;
    let first = ended(first);
    sender.publish([first.clone()]);
    manager.notification("resolved").await;
    let mut second = incident("two", "checkout");
    second.started = crate::fixtures::ago(0);
    sender.publish([second.clone(), first]);
    wait_until("a second notification", || manager.notified("firing") == 2).await;
    // The end of the first is not repeated any longer: to Alertmanager it would be the end of the second.
    sleep(RESEND * 3).await;
    let known = manager.knows(1).await;
    assert_moment(&known[0]["startsAt"], second.started);
    assert_eq!(manager.notified("resolved"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_is_gone_for_good_leaves_nothing_on() {
    let manager = Manager::started().await;
    let sender = Sender::start(
        &alertmanagers(&[&manager.url()]),
        [incident("one", "checkout")],
    );
    manager.notification("firing").await;
    drop(sender);
    manager.knows(0).await;
}

/// Alertmanager leaves zeros at the end of a fraction away.
fn assert_moment(text: &serde_json::Value, moment: std::time::SystemTime) {
    let read = humantime::parse_rfc3339(text.as_str().unwrap()).unwrap();
    assert_eq!(rfc3339(read).to_string(), rfc3339(moment).to_string());
}
