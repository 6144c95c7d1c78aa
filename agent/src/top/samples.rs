//! A made-up world to draw: what an agent would tell, in its own JSON.

use std::time::Instant;

use serde_json::{Value, json};

use super::feed::{Event, News};
use super::order::Sort;
use super::ui::Ui;
use super::world::World;

/// When all this is.
const NOW: &str = "2026-03-14T09:44:11.000Z";

pub(super) fn row(name: &str, verdict: &str, shares: &[u16]) -> Value {
    let expected = 1000 / u16::try_from(shares.len()).unwrap();
    let most = *shares.iter().max().unwrap();
    let skewed = verdict == "skewed";
    let mark = |share: u16| match share {
        hot if skewed && hot > expected * 5 / 4 => 1,
        cold if skewed && cold < expected * 3 / 4 => -1,
        _ => 0,
    };
    let bars: Vec<Value> = shares
        .iter()
        .map(|share| json!([share, expected, mark(*share)]))
        .collect();
    json!({
        "name": name, "role": "upstream", "source": "nginx", "verdict": verdict, "backends": shares.len(),
        "rate": 66.0, "active": 12, "signal": "opened",
        "max_to_mean": f64::from(most) / f64::from(expected), "gini": 0.021, "gini_by_chance": 0.03,
        "bars": bars, "marked": 0,
        "worst": {"address": "198.51.100.14:8080", "share": f64::from(most) / 1000.0,
                  "expected": f64::from(expected) / 1000.0, "mark": mark(most)},
    })
}

fn backend(host: u32, share: f64, opened: u64) -> Value {
    let side = if share > 0.5 { "hot" } else { "cold" };
    json!({
        "address": format!("198.51.100.{host}:8080"), "weight": 1.0, "labels": {"zone": "a"}, "expected_share": 0.2,
        "connections": {"opened": opened, "failed": u64::from(share > 0.5) * 12, "closed": opened, "active": opened / 500},
        "bytes": {"received": opened * 900, "sent": opened * 100},
        "handshake": {"count": opened, "mean_seconds": if share > 0.5 { 0.0042 } else { 0.0004 }},
        "share": {"opened": share, "active": share, "bytes": share, "failed": null},
        "skewed": 1, "skewed_in": {"opened": side, "active": null, "bytes": null, "failed": null},
    })
}

pub(super) fn incident(pool: &str) -> Value {
    json!({
        "id": "20260314093004-5f0c2e91", "pool": pool, "role": "upstream", "signal": "opened",
        "started": "2026-03-14T09:29:57.250Z", "detected": "2026-03-14T09:30:04.250Z", "ended": null, "ending": null,
        "hot": [{"backend": "198.51.100.14:8080", "observed_share": 0.671, "expected_share": 0.2}],
        "cold": [{"backend": "198.51.100.15:8080", "observed_share": 0.079, "expected_share": 0.2},
                 {"backend": "198.51.100.12:8080", "observed_share": 0.082, "expected_share": 0.2}],
        "cause": {"id": "weights_differ", "text": "The shares fit the weights 1, 1, 1, 8, 1 and not the equal weights of the \
                  configuration: compare the balancer's weights with those here.", "findings": [finding()]},
        "other_causes": [{"id": "between_groups", "text": "97 % of the skew lies between values of the label version.", "findings": []}],
        "change": {"at": "2026-03-14T09:29:53.000Z", "source": "nginx", "text": "weight of 198.51.100.14:8080 changed from 1 to 8"},
        "evidence": 31.2, "threshold": 7.2, "peak_max_to_mean": 3.41, "tolerance": 0.25, "false_alarm_every_seconds": 7_776_000.0,
    })
}

fn finding() -> Value {
    json!({"rule": "NGX-003", "severity": "warning", "place": "/etc/nginx/nginx.conf:12:16", "pool": "checkout",
           "message": "Weights add up to 12.", "help": "Write weight=1."})
}

pub(super) fn incidents(pools: &[&str]) -> Value {
    let mut over = incident("login");
    over["id"] = "20260314080000-00000000".into();
    over["started"] = "2026-03-14T08:40:00.000Z".into();
    over["ended"] = "2026-03-14T09:00:00.000Z".into();
    over["ending"] = "recovered".into();
    let on = pools.iter().map(|pool| incident(pool));
    json!({"taken": NOW, "incidents": on.chain([over]).collect::<Vec<_>>()})
}

pub(super) fn pools(rows: &[Value]) -> Value {
    json!({"taken": NOW, "interval_seconds": 1.0, "window_seconds": 60.0, "total": rows.len(), "complete": true,
           "pools": rows, "gone": []})
}

fn measures(max: f64) -> Value {
    json!({"total": 3960.0, "gini": 0.471, "gini_by_chance": 0.021, "max_to_mean": max, "min_to_mean": 0.39, "cv": 1.17,
           "jain": 0.42, "theil": 0.4, "hoover": 0.471, "wasted_capacity": 0.702})
}

fn pool(name: &str) -> Value {
    let judged = json!({"verdict": "skewed", "evidence": 31.2, "threshold": 7.2});
    let standby = json!({"address": "198.51.100.19:8080", "why": "backup", "labels": {},
                         "connections": {"opened": 3, "failed": 0, "closed": 3, "active": 0}});
    json!({"taken": NOW, "interval_seconds": 1.0, "window_seconds": 60.0, "pool": {
        "name": name, "role": "upstream", "source": "nginx", "verdict": "skewed",
        "explanation": "New connections are not shared as they should be.", "tolerance": 0.25, "algorithm": "rotation",
        "expected": "weights", "detection_seconds": 9.0, "dispersion": 1.18,
        "judgements": {"opened": judged, "active": judged, "bytes": null, "failed": null},
        "backends": [backend(11, 0.086, 2120), backend(12, 0.082, 2050), backend(13, 0.084, 2080),
                     backend(14, 0.671, 16800), backend(15, 0.077, 1990)],
        "standby": [standby],
        "changes": [{"at": "2026-03-14T09:29:53.000Z", "source": "nginx", "text": "weight of 198.51.100.14:8080 changed from 1 to 8"}],
        "findings": [finding()],
        "measures": {"opened": measures(3.36), "active": measures(3.3), "bytes": null, "failed": null},
    }})
}

fn history() -> Value {
    let times: Vec<String> = (0..60)
        .map(|minute| format!("2026-03-14T08:{minute:02}:00.000Z"))
        .collect();
    let tracks: Vec<Value> = (11..16)
        .map(|host| {
            let shares: Vec<f64> = (0..60)
                .map(|minute| match (minute < 40, host) {
                    (true, _) => 0.2,
                    (false, 14) => 0.67,
                    (false, _) => 0.08,
                })
                .collect();
            json!({"address": format!("198.51.100.{host}:8080"), "opened": shares, "active": shares})
        })
        .collect();
    json!({"step_seconds": 60, "times": times, "backends": tracks})
}

pub(super) fn status() -> Value {
    json!({"version": "0.1.0", "ready": true, "reason": null,
           "kernel": {"view": {"kind": "live", "reason": null}, "learning": false,
                      "events_lost": {"map_full": 0, "insert_refused": 0, "mark_refused": 0}},
           "reload": {"successful": true, "error": null}})
}

/// An event, as a stream has it.
pub(super) fn news(name: &str, data: &Value) -> News {
    let text = format!("event: {name}\ndata: {data}\n\n");
    News::Event(only(text.as_bytes()))
}

fn only(bytes: &[u8]) -> Event {
    let mut events = super::feed::parsed(bytes);
    assert_eq!(events.len(), 1);
    events.remove(0)
}

/// A world with one pool skewed, and the user who looks at it; the time is that of the last figures.
pub(super) fn world() -> (World, Ui, Instant) {
    let rows = [
        row("checkout", "skewed", &[86, 82, 84, 671, 77]),
        row("team-b/basket", "suspect", &[160, 170, 165, 175, 168, 162]),
        row("login", "even", &[333, 334, 333]),
        row("search", "even", &[90; 11]),
        row("mail-out", "unknown", &[500, 500]),
    ];
    let (mut world, now) = (World::new(), Instant::now());
    let mut ui = Ui::new(Sort::default(), String::new());
    world.take(News::Opened, now);
    world.take(news("status", &status()), now);
    world.take(news("pools", &pools(&rows)), now);
    world.take(news("incidents", &incidents(&["checkout"])), now);
    ui.follow(&world, true, now);
    (world, ui, now)
}

/// Tells of a pool in full.
pub(super) fn tell(world: &mut World, name: &str) {
    world.look_at(Some(name));
    world.take_detail(News::Opened);
    world.take_detail(news("pool", &pool(name)));
    world.take_detail(news("history", &history()));
    world.take_detail(news("incidents", &incidents(&[name])));
}
