//! `/metrics` as bytes, and by its rules.

use std::io::Write;
use std::process::{Command, Stdio};

use evenkeel::model::{Canary, Role, Source, State, View};
use evenkeel::publish::prometheus::Format;

use crate::findings::{judged, receivers};
use crate::fixtures::{Member, exposition, exposition_with, large, pool, small, state};
use crate::openmetrics::Exposition;

/// What Prometheus would read.
pub(crate) fn read(state: &State) -> Exposition {
    let text = exposition(state, Format::OpenMetrics);
    Exposition::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// The exposition without what differs between builds.
fn golden(format: Format) -> String {
    exposition_with(&judged(), format, receivers())
        .replace(env!("CARGO_PKG_VERSION"), "VERSION")
        .replace(std::env::consts::ARCH, "ARCH")
}

#[test]
fn openmetrics_is_as_recorded() {
    insta::assert_snapshot!(golden(Format::OpenMetrics));
}

#[test]
fn classic_is_as_recorded() {
    insta::assert_snapshot!(golden(Format::Classic));
}

/// Runs `promtool check metrics` on the classic form of `state`; it must have nothing to say.
fn assert_promtool_is_content(state: &State) {
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool is needed: install the package `prometheus`");
    let mut input = promtool.stdin.take().unwrap();
    let text = exposition_with(state, Format::Classic, receivers());
    let feeder = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let output = promtool.wait_with_output().unwrap();
    feeder.join().unwrap().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success() && said.is_empty(), "{said}");
}

#[test]
fn promtool_has_no_complaint() {
    assert_promtool_is_content(&small());
    assert_promtool_is_content(&judged());
    assert_promtool_is_content(&state(Vec::new()));
    assert_promtool_is_content(&large(20, 5));
}

#[test]
fn both_formats_have_the_same_samples() {
    let samples = |format| -> Vec<String> {
        let text = exposition_with(&judged(), format, receivers());
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines.map(str::to_owned).collect()
    };
    assert_eq!(samples(Format::OpenMetrics), samples(Format::Classic));
}

#[test]
fn a_backend_without_traffic_has_its_counters_at_zero() {
    let metrics = read(&small());
    let idle = [("pool", "checkout"), ("backend", "192.0.2.3:8080")];
    for name in [
        "evenkeel_backend_connections_opened_total",
        "evenkeel_backend_connections_failed_total",
        "evenkeel_backend_connections",
        "evenkeel_backend_received_bytes_total",
        "evenkeel_backend_handshake_seconds_count",
    ] {
        metrics.assert_is(name, &idle, 0.0);
    }
    let share = [idle[0], idle[1], ("signal", "opened")];
    metrics.assert_is("evenkeel_backend_share_ratio", &share, 0.0);
}

#[test]
fn a_pool_without_traffic_has_no_ratios_but_is_there() {
    let metrics = read(&small());
    for family in &metrics.families {
        let has = |pool| {
            let mut samples = family.samples.iter();
            samples.any(|sample| sample.labels.get("pool").is_some_and(|name| name == pool))
        };
        if has("checkout") {
            let windowed = family.help.contains("last 60s");
            assert_eq!(has("search"), !windowed, "{}", family.name);
        }
    }
    let pool = [("pool", "search")];
    metrics.assert_is("evenkeel_pool_backends", &pool, 2.0);
}

#[test]
fn verdicts_and_incidents_are_told() {
    let metrics = read(&judged());
    let opened = [("pool", "checkout"), ("signal", "opened")];
    for (verdict, wanted) in [
        ("even", 0.0),
        ("suspect", 0.0),
        ("skewed", 1.0),
        ("unknown", 0.0),
    ] {
        let labels = [opened[0], opened[1], ("verdict", verdict)];
        metrics.assert_is("evenkeel_pool_verdict", &labels, wanted);
    }
    metrics.assert_is("evenkeel_pool_evidence", &opened, 9.75);
    metrics.assert_is("evenkeel_pool_evidence_threshold", &opened, 6.89);
    metrics.assert_is(
        "evenkeel_pool_skew_started_timestamp_seconds",
        &opened,
        1_699_999_670.0,
    );
    for (backend, wanted) in [
        ("192.0.2.1:8080", 1.0),
        ("192.0.2.2:8080", 0.0),
        ("192.0.2.3:8080", -1.0),
    ] {
        let labels = [opened[0], opened[1], ("backend", backend)];
        metrics.assert_is("evenkeel_backend_skewed", &labels, wanted);
    }
    metrics.assert_is("evenkeel_pool_detection_seconds", &opened[..1], 12.5);
    metrics.assert_is("evenkeel_pool_dispersion_ratio", &opened[..1], 1.25);
    metrics.assert_is("evenkeel_incidents_open", &[], 2.0);
    metrics.assert_is(
        "evenkeel_incidents_started_total",
        &[("signal", "active")],
        2.0,
    );
    // What has ended, and what is not judged, has no series.
    let of = |name, signal| {
        let samples = metrics.samples(name).into_iter();
        samples
            .filter(|sample| sample.labels["signal"] == signal)
            .count()
    };
    assert_eq!(
        of("evenkeel_pool_skew_started_timestamp_seconds", "active"),
        0
    );
    for name in [
        "evenkeel_pool_verdict",
        "evenkeel_pool_evidence",
        "evenkeel_backend_skewed",
    ] {
        assert_eq!(of(name, "bytes"), 0, "{name}");
    }
}

#[test]
fn without_receivers_alerting_is_told_to_be_off_and_has_no_other_series() {
    let metrics = read(&judged());
    metrics.assert_is("evenkeel_alerting_configured", &[], 0.0);
    assert!(metrics.samples("evenkeel_alerts_sent_total").is_empty());
    let text = exposition_with(&judged(), Format::OpenMetrics, receivers());
    let metrics = Exposition::parse(&text).unwrap();
    metrics.assert_is("evenkeel_alerting_configured", &[], 1.0);
    let webhook = [("receiver", "https://192.0.2.81"), ("kind", "webhook")];
    metrics.assert_is("evenkeel_alerts_sent_total", &webhook, 12.0);
    metrics.assert_is("evenkeel_alerts_latency_seconds_count", &webhook, 15.0);
}

#[test]
fn the_expected_share_is_what_shares_are_compared_with() {
    let mut state = small();
    state.pools[0].backends[0].expected_share = 0.625;
    let backend = [("pool", "checkout"), ("backend", "192.0.2.1:8080")];
    read(&state).assert_is("evenkeel_backend_expected_share_ratio", &backend, 0.625);
}

#[test]
fn windowed_gauges_name_their_window() {
    let mut state = small();
    state.window = std::time::Duration::from_millis(1500);
    let metrics = read(&state);
    let windowed = [
        "_share_ratio",
        "_pool_gini",
        "_pool_max",
        "_pool_cv",
        "_pool_theil",
    ];
    for family in &metrics.families {
        let expected = family.name.contains("expected");
        if !expected && windowed.iter().any(|part| family.name.contains(part)) {
            assert!(family.help.contains("last 1.5s"), "{}", family.help);
        }
        assert!(!family.help.contains('{'), "{}", family.help);
    }
}

#[test]
fn series_go_with_what_they_are_about() {
    let members = [
        Member::new("192.0.2.1:80", 5, 1),
        Member::new("192.0.2.2:80", 5, 1),
    ];
    let build = |members| {
        let web = pool("web", Role::Upstream, Source::Auto, members);
        exposition(&state(vec![web]), Format::OpenMetrics)
    };
    assert!(build(&members).contains("192.0.2.2:80"));
    assert!(!build(&members[..1]).contains("192.0.2.2:80"));
    let none = exposition(&state(Vec::new()), Format::OpenMetrics);
    assert!(!none.contains("pool=\"web\""));
    Exposition::parse(&none).unwrap();
}

#[test]
fn the_agents_own_state_is_told() {
    let mut state = small();
    let metrics = read(&state);
    metrics.assert_is("evenkeel_kernel_live_view", &[], 1.0);
    metrics.assert_is("evenkeel_kernel_canary_counted", &[], 1.0);
    let full = [("reason", "map_full")];
    metrics.assert_is("evenkeel_kernel_events_lost_total", &full, 1.0);

    state.tick = 0;
    state.kernel.canary = Canary::Pending;
    state.kernel.view = View::AtClose {
        reason: "no socket iterator".to_owned(),
    };
    let metrics = read(&state);
    metrics.assert_is("evenkeel_kernel_live_view", &[], 0.0);
    metrics.assert_is("evenkeel_kernel_canary_counted", &[], 0.0);
    assert!(
        metrics
            .samples("evenkeel_kernel_live_interval_seconds")
            .is_empty()
    );
    assert!(
        metrics
            .samples("evenkeel_last_tick_timestamp_seconds")
            .is_empty()
    );
}
