//! What is told when, with made-up time and without a network.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::board::{Board, RESOLVED_FOR, Tracker};
use super::changes::Changes;
use super::clock::{Clock, Now};
use super::ledger::{Ledger, Outcome, Parcel};
use super::repeats::Repeats;
use super::wording::{Identity, Wording};
use crate::model::{AlertName, Alerting, Cause, CauseId, Ended, Ending, Incident, Role, Signal};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// An agent with one receiver that does what it is told.
struct Bench<L> {
    clock: Clock,
    began: SystemTime,
    tracker: Tracker,
    board: Board,
    ledger: L,
    wording: Wording,
    dropped: u64,
}

/// How far the clock on the wall was set off.
#[derive(Clone, Copy)]
enum Wall {
    Right,
    Ahead(Duration),
    Behind(Duration),
}

impl<L: Ledger + Default> Bench<L> {
    fn new() -> Self {
        let identity = Identity {
            node: "lb1".to_owned(),
            listen: "127.0.0.1:9797".parse().unwrap(),
            https: false,
        };
        Self {
            clock: Clock::start(),
            began: SystemTime::now(),
            tracker: Tracker::default(),
            board: Board::default(),
            ledger: L::default(),
            wording: Wording::new(&Alerting::default(), &identity),
            dropped: 0,
        }
    }

    /// `passed` after the start.
    fn now(&self, passed: Duration, wall: Wall) -> Now {
        let right = self.began + passed;
        let wall = match wall {
            Wall::Right => right,
            Wall::Ahead(by) => right + by,
            Wall::Behind(by) => right - by,
        };
        self.clock.at(passed, wall)
    }

    /// The engine publishes these.
    fn publish(&mut self, incidents: &[Incident], now: &Now) {
        let incidents: Arc<[_]> = incidents.iter().cloned().map(Arc::new).collect();
        self.board = self.tracker.update(&incidents, now).unwrap();
    }

    /// The next request at this moment.
    fn next(&mut self, now: &Now) -> Option<Parcel> {
        self.dropped += self.ledger.update(&self.board, now);
        self.ledger.next(&self.wording, now)
    }

    /// Makes all requests that are due; returns them.
    fn send(&mut self, now: &Now, outcome: Outcome) -> Vec<Parcel> {
        let mut sent = Vec::new();
        while let Some(parcel) = self.next(now) {
            let resend = self.wording.resend;
            self.dropped += self.ledger.settle(&parcel, outcome, resend, now);
            sent.push(parcel);
        }
        sent
    }
}

/// An incident that began at `started`.
fn incident(id: usize, started: SystemTime) -> Incident {
    Incident {
        id: format!("id{id}"),
        alert: AlertName::PoolSkewed,
        pool: format!("pool{id}"),
        role: Role::Upstream,
        signal: Signal::Opened,
        started,
        detected: started,
        ended: None,
        hot: Vec::new(),
        cold: Vec::new(),
        cause: Cause {
            id: CauseId::Unexplained,
            text: String::new(),
            findings: Vec::new(),
        },
        other_causes: Vec::new(),
        change: None,
        evidence: 8.0,
        threshold: 7.0,
        peak_max_to_mean: 2.0,
        tolerance: 0.25,
        false_alarm_every: HOUR,
    }
}

fn ended(incident: &Incident, at: SystemTime) -> Incident {
    let why = Ending::Recovered;
    Incident {
        ended: Some(Ended { at, why }),
        ..incident.clone()
    }
}

/// Start and end of the only alert in a request.
fn times(parcels: &[Parcel]) -> (SystemTime, SystemTime) {
    let [parcel] = parcels else {
        panic!("{} requests", parcels.len());
    };
    let alerts: Value = serde_json::from_slice(&parcel.body).unwrap();
    let [alert] = &alerts.as_array().unwrap()[..] else {
        panic!("not one alert: {alerts}");
    };
    let time = |name: &str| humantime::parse_rfc3339(alert[name].as_str().unwrap()).unwrap();
    (time("startsAt"), time("endsAt"))
}

#[test]
fn an_alert_is_repeated_every_interval_and_outlives_four() {
    let mut bench = Bench::<Repeats>::new();
    let one = incident(1, bench.began);
    for second in 0..=300 {
        let now = bench.now(Duration::from_secs(second), Wall::Right);
        if second == 0 {
            bench.publish(std::slice::from_ref(&one), &now);
        }
        let sent = bench.send(&now, Outcome::Accepted);
        assert_eq!(sent.len(), usize::from(second % 60 == 0), "second {second}");
        if !sent.is_empty() {
            let (_, ends) = times(&sent);
            let ahead = ends.duration_since(now.wall).unwrap();
            assert!(ahead.abs_diff(MINUTE * 4) < Duration::from_millis(2));
        }
    }
}

#[test]
fn another_cause_is_told_soon_and_a_restless_one_not_every_second() {
    let mut bench = Bench::<Repeats>::new();
    let mut one = incident(1, bench.began);
    let mut when = Vec::new();
    for second in 0..50 {
        let now = bench.now(Duration::from_secs(second), Wall::Right);
        if matches!(second, 15 | 30..) {
            one.cause.id = match one.cause.id {
                CauseId::Unexplained => CauseId::Affinity,
                _ => CauseId::Unexplained,
            };
        }
        bench.publish(std::slice::from_ref(&one), &now);
        if !bench.send(&now, Outcome::Accepted).is_empty() {
            when.push(second);
        }
    }
    assert_eq!(when, [0, 15, 30, 40]);
}

#[test]
fn an_end_is_repeated_for_a_quarter_of_an_hour() {
    let mut bench = Bench::<Repeats>::new();
    let one = incident(1, bench.began);
    let now = bench.now(Duration::ZERO, Wall::Right);
    bench.publish(std::slice::from_ref(&one), &now);
    bench.send(&now, Outcome::Accepted);
    let now = bench.now(Duration::from_secs(10), Wall::Right);
    bench.publish(&[ended(&one, now.wall)], &now);
    let mut count = 0;
    for second in 10..2000 {
        let now = bench.now(Duration::from_secs(second), Wall::Right);
        count += bench.send(&now, Outcome::Accepted).len();
    }
    assert_eq!(count, 15);
    assert_eq!((bench.dropped, bench.ledger.due()), (0, None));
}

#[test]
fn steps_of_the_clock_neither_fire_nor_resolve_nor_delay_anything() {
    for wall in [Wall::Ahead(HOUR), Wall::Behind(HOUR)] {
        let mut bench = Bench::<Repeats>::new();
        let one = incident(1, bench.began);
        let two = incident(2, bench.began);
        let old = ended(&two, bench.began);
        let now = bench.now(Duration::ZERO, Wall::Right);
        bench.publish(&[two, one.clone()], &now);
        bench.send(&now, Outcome::Accepted);
        bench.publish(&[old, one.clone()], &now);
        bench.send(&now, Outcome::Accepted);
        // The clock is set, and nothing is due because of it.
        let now = bench.now(MINUTE / 2, wall);
        assert!(bench.send(&now, Outcome::Accepted).is_empty());
        let now = bench.now(MINUTE, wall);
        let [parcel] = &bench.send(&now, Outcome::Accepted)[..] else {
            panic!("not one request");
        };
        let alerts: Value = serde_json::from_slice(&parcel.body).unwrap();
        let real = bench.began + MINUTE;
        for alert in alerts.as_array().unwrap() {
            let time =
                |name: &str| humantime::parse_rfc3339(alert[name].as_str().unwrap()).unwrap();
            assert!(
                time("startsAt") <= time("endsAt"),
                "Alertmanager refuses that"
            );
            if alert["annotations"]["incident"] == "id1" {
                assert!(
                    time("startsAt")
                        .duration_since(bench.began)
                        .unwrap_or_default()
                        < HOUR
                );
                assert!(
                    time("endsAt") > real + MINUTE * 3,
                    "it must not end by itself"
                );
            } else {
                assert!(time("endsAt") <= real, "it must not come back");
            }
        }
        // Back again: still as it was, and the end is repeated no longer than it would have been.
        let now = bench.now(RESOLVED_FOR + MINUTE, Wall::Right);
        let (starts, ends) = times(&bench.send(&now, Outcome::Accepted));
        assert!(starts <= bench.began && ends > now.wall + MINUTE * 3);
    }
}

#[test]
fn an_end_from_a_clock_that_was_ahead_is_no_end_to_come() {
    let mut bench = Bench::<Repeats>::new();
    let one = incident(1, bench.began);
    let now = bench.now(Duration::ZERO, Wall::Right);
    bench.publish(std::slice::from_ref(&one), &now);
    let now = bench.now(MINUTE, Wall::Ahead(HOUR));
    bench.publish(&[ended(&one, now.wall)], &now);
    bench.send(&now, Outcome::Accepted);
    let now = bench.now(MINUTE * 2, Wall::Right);
    let (_, ends) = times(&bench.send(&now, Outcome::Accepted));
    assert!(ends <= now.wall, "Alertmanager would take it for on");
}

#[test]
fn an_agent_that_starts_tells_of_recent_ends_and_not_of_history() {
    let mut bench = Bench::<Repeats>::new();
    let now = bench.now(Duration::ZERO, Wall::Right);
    let recent = ended(&incident(1, now.wall - HOUR), now.wall - MINUTE);
    let past = ended(&incident(2, now.wall - HOUR), now.wall - RESOLVED_FOR);
    bench.publish(&[recent.clone(), past.clone()], &now);
    let sent = bench.send(&now, Outcome::Accepted);
    assert_eq!(sent[0].incidents, ["id1"]);
    // Not even when the clock is set back to where the past was recent.
    let now = bench.now(MINUTE / 2, Wall::Behind(HOUR));
    bench.publish(&[recent, past], &now);
    assert!(bench.send(&now, Outcome::Accepted).is_empty());
    assert_eq!(bench.dropped, 0, "somebody else has told of it");
}

#[test]
fn what_could_not_be_told_for_a_quarter_of_an_hour_is_counted_as_dropped() {
    let mut bench = Bench::<Repeats>::new();
    let one = incident(1, bench.began);
    let now = bench.now(Duration::ZERO, Wall::Right);
    bench.publish(std::slice::from_ref(&one), &now);
    bench.publish(&[ended(&one, now.wall)], &now);
    assert!(bench.next(&now).is_some());
    assert_eq!((bench.ledger.pending(&now), bench.dropped), (1, 0));
    let now = bench.now(RESOLVED_FOR, Wall::Right);
    assert!(bench.next(&now).is_none());
    assert_eq!((bench.ledger.pending(&now), bench.dropped), (0, 1));
}

#[test]
fn of_incidents_with_the_same_labels_the_one_that_is_on_is_told() {
    let mut bench = Bench::<Repeats>::new();
    let now = bench.now(Duration::ZERO, Wall::Right);
    let mut again = incident(2, bench.began);
    again.pool = "pool1".to_owned();
    let first = ended(&incident(1, bench.began - HOUR), bench.began);
    bench.publish(&[again, first], &now);
    let sent = bench.send(&now, Outcome::Accepted);
    assert_eq!(sent[0].incidents, ["id2"]);
}

#[test]
fn an_alertmanager_that_is_away_keeps_ten_thousand_alerts_waiting_at_most() {
    let mut bench = Bench::<Repeats>::new();
    let now = bench.now(Duration::ZERO, Wall::Right);
    let mut many: Vec<Incident> = (0..10_050).map(|id| incident(id, bench.began)).collect();
    for _ in 0..2 {
        bench.publish(&many, &now);
        assert!(bench.next(&now).is_some());
        assert_eq!(bench.ledger.pending(&now), 10_000);
        assert_eq!(bench.dropped, 50, "each is counted once");
    }
    // Those that were left out come when there is room.
    many.drain(..50);
    bench.publish(&many, &now);
    assert!(bench.next(&now).is_some());
    assert_eq!((bench.ledger.pending(&now), bench.dropped), (10_000, 100));
}

#[test]
fn a_webhook_that_is_away_keeps_a_thousand_changes_waiting_at_most() {
    let mut bench = Bench::<Changes>::new();
    let now = bench.now(Duration::ZERO, Wall::Right);
    let many: Vec<Incident> = (0..1200)
        .rev()
        .map(|id| incident(id, bench.began))
        .collect();
    bench.publish(&many, &now);
    let oldest = bench.next(&now).unwrap();
    assert_eq!(oldest.key.unwrap(), "id200/opened");
    assert_eq!((bench.ledger.pending(&now), bench.dropped), (1000, 200));
    // All of them end, and the engine forgets them.
    let ends: Vec<Incident> = many.iter().map(|one| ended(one, now.wall)).collect();
    bench.publish(&ends, &now);
    bench.next(&now);
    bench.publish(&[], &now);
    let sent = bench.send(&now, Outcome::Accepted);
    assert_eq!(sent.len(), 1000);
    assert_eq!(bench.dropped, 1400);
    assert_eq!((bench.ledger.pending(&now), bench.ledger.due()), (0, None));
}
