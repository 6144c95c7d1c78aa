//! What people read.

use std::time::{Duration, SystemTime};

use evenkeel::model::{
    AlertName, Cause, CauseId, Change, Ended, Ending, Finding, Incident, Role, Severity, Signal,
    Source,
};
use serde_json::Value;

use crate::fixtures::{Sender, alertmanagers, deviation, incident, webhook};
use crate::server::{Answer, Server};

/// 2026-11-20 14:03:20 UTC.
const BEGINNING: Duration = Duration::from_secs(1_795_183_400);

/// The incident of the fixtures at a time that is always the same.
pub(crate) fn skewed() -> Incident {
    Incident {
        started: SystemTime::UNIX_EPOCH + BEGINNING,
        detected: SystemTime::UNIX_EPOCH + BEGINNING + Duration::from_secs(12),
        change: Some(Change {
            at: SystemTime::UNIX_EPOCH + BEGINNING - Duration::from_secs(4),
            source: Source::Nginx,
            text: "weight of 10.0.0.2:8080 changed from 5 to 1".to_owned(),
        }),
        ..incident("lb1-1795183412-7", "checkout")
    }
}

fn starved() -> Incident {
    let cold = vec![deviation("10.0.0.4:8080", 0.0, 0.25)];
    Incident {
        alert: AlertName::at_detection(Signal::Active, &[]),
        signal: Signal::Active,
        role: Role::Local,
        hot: Vec::new(),
        cold,
        cause: Cause {
            id: CauseId::NotInRotation,
            text: "The balancer does not try the backend at all.".to_owned(),
            findings: vec![Finding {
                rule: "NGX-005".to_owned(),
                severity: Severity::Warning,
                place: "/etc/nginx/nginx.conf:14:31".to_owned(),
                pool: Some("checkout".to_owned()),
                message: "10.0.0.4:8080 gets no requests".to_owned(),
                help: "remove `down`".to_owned(),
            }],
        },
        other_causes: Vec::new(),
        ended: Some(Ended {
            at: SystemTime::UNIX_EPOCH + BEGINNING + Duration::from_secs(2000),
            why: Ending::Recovered,
        }),
        ..skewed()
    }
}

fn failing() -> Incident {
    let hot = (1..=13).map(|n| {
        deviation(
            &format!("10.0.0.{n}:8080"),
            0.97 - 0.05 * f64::from(n),
            0.05,
        )
    });
    let hot: Vec<_> = hot.collect();
    Incident {
        alert: AlertName::at_detection(Signal::Failed, &hot),
        signal: Signal::Failed,
        hot,
        cold: Vec::new(),
        cause: Cause {
            id: CauseId::Refusing,
            text: "The backends refuse connections: nothing listens there.".to_owned(),
            findings: Vec::new(),
        },
        other_causes: Vec::new(),
        ..skewed()
    }
}

/// The alert as it is sent, without the time of sending.
pub(crate) async fn alert(incident: Incident) -> Value {
    let server = Server::start(Answer::fine()).await;
    let is_open = incident.is_open();
    // An agent that saw it when it was on knows that it ended just now, whatever the clock says.
    let open = Incident {
        ended: None,
        ..incident.clone()
    };
    let sender = Sender::start(&alertmanagers(&[&server.url()]), [open]);
    server.count(1).await;
    sender.publish([incident]);
    let count = if is_open { 1 } else { 2 };
    let requests = server.count(count).await;
    let mut alert = requests[count - 1].alerts()[0].clone();
    if is_open {
        alert["endsAt"] = "2026-11-20T14:07:32.000Z".into();
    }
    alert
}

/// The body of a webhook.
pub(crate) async fn body(incident: Incident) -> Value {
    let server = Server::start(Answer::fine()).await;
    let _sender = Sender::start(&webhook(&server.url()), [incident]);
    server.count(1).await[0].body.clone()
}

#[tokio::test]
async fn a_pool_that_is_skewed() {
    insta::assert_json_snapshot!(alert(skewed()).await);
}

#[tokio::test]
async fn a_backend_that_was_starved() {
    insta::assert_json_snapshot!(alert(starved()).await);
}

#[tokio::test]
async fn backends_that_fail() {
    insta::assert_json_snapshot!(alert(failing()).await);
}

#[tokio::test]
async fn the_body_of_a_webhook() {
    insta::assert_json_snapshot!(body(skewed()).await);
}

/// The page in lines, as people see it.
#[tokio::test]
async fn descriptions() {
    let mut pages = Vec::new();
    for incident in [skewed(), starved(), failing()] {
        let alert = alert(incident).await;
        let annotation = |name: &str| alert["annotations"][name].as_str().unwrap().to_owned();
        pages.push(annotation("summary") + "\n\n" + &annotation("description"));
    }
    insta::assert_snapshot!(pages.join("\n\n====\n\n"));
}

#[tokio::test]
async fn the_name_of_an_alert_and_its_labels_stay_when_other_backends_are_concerned() {
    let mut turned = starved();
    turned.ended = None;
    let before = alert(turned.clone()).await;
    turned.hot = vec![deviation("10.0.0.9:8080", 0.6, 0.25)];
    turned.cold = Vec::new();
    let after = alert(turned).await;
    assert_eq!(before["labels"], after["labels"]);
    assert_eq!(after["labels"]["alertname"], "EvenkeelBackendStarved");
}
