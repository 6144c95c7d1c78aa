//! Names that try to break out of where they are shown.

use std::sync::Arc;

use evenkeel::model::{PoolState, Role, Signal, Source, State, Verdict};
use evenkeel::publish::api::{IncidentsAnswer, IncidentsQuery, PoolAnswer, PoolsAnswer};
use evenkeel::publish::prometheus::Format;
use proptest::prelude::*;

use crate::exposition::read;
use crate::findings::{incident, judge};
use crate::fixtures::{Member, exposition, pool, state};

fn named(name: &str) -> State {
    let members = [Member::new("192.0.2.1:80", 5, 1)];
    state(vec![pool(name, Role::Upstream, Source::Config, &members)])
}

/// The name of the only pool, read back from both formats and from the API.
fn round_trip(name: &str) -> [String; 3] {
    let state = named(name);
    let metrics = read(&state);
    let samples = metrics.samples("evenkeel_pool_backends");
    let openmetrics = samples[0].labels["pool"].clone();
    // The classic format has the same escapes, so what the strict reader makes of its samples counts.
    let classic = exposition(&state, Format::Classic);
    let line = classic
        .lines()
        .find(|line| line.starts_with("evenkeel_pool_backends{"))
        .unwrap();
    let alone = format!(
        "# HELP evenkeel_pool_backends X\n# TYPE evenkeel_pool_backends gauge\n{line}\n# EOF\n"
    );
    let alone = crate::openmetrics::Exposition::parse(&alone).unwrap();
    let classic = alone.families[0].samples[0].labels["pool"].clone();
    let json = serde_json::to_value(PoolsAnswer::new(&state)).unwrap();
    let api = json["pools"][0]["name"].as_str().unwrap().to_owned();
    [openmetrics, classic, api]
}

#[test]
fn hostile_names_come_back_as_they_were() {
    let long = "x".repeat(300_000);
    for name in [
        "a\"b",
        "a\\b",
        "a\\nb",
        "a\nb",
        "\"} 1\nevil_total{x=\"",
        "# EOF\n# EOF",
        "\u{fffd}\u{0}\u{7f}\u{feff}\u{202e}",
        "größe 東京 🚢",
        "\r\n",
        "\\",
        "",
        long.as_str(),
    ] {
        assert_eq!(round_trip(name), [name, name, name]);
    }
}

#[test]
fn hostile_backend_labels_come_back_as_they_were() {
    let mut member = Member::new("192.0.2.1:80", 5, 1);
    member.labels = vec![("zone", "a\"}\\\n"), ("a-b", "1"), ("a.b", "2")];
    let web = pool("web", Role::Upstream, Source::Config, &[member]);
    let metrics = read(&state(vec![web]));
    let labels = &metrics.samples("evenkeel_backend_info")[0].labels;
    assert_eq!(labels["label_zone"], "a\"}\\\n");
    assert_eq!(labels["label_a_b"], "1");
    assert_eq!(labels["label_a_b_2"], "2");
}

#[test]
fn hostile_names_in_incidents_come_back_as_they_were() {
    for name in [
        "\"} 1\nevil_total{x=\"",
        "# EOF\n# EOF",
        "a\\nb\u{0}\u{202e}",
        "größe 🚢",
    ] {
        let mut one = incident("1", Signal::Opened, &[(name, 0.9, 0.5)]);
        one.pool = name.to_owned();
        one.cause.text = name.to_owned();
        let mut state = named(name);
        judge(&mut state.pools[0], Signal::Opened, Verdict::Skewed);
        state.incidents = [Arc::new(one)].into();
        let metrics = read(&state);
        for family in [
            "evenkeel_pool_skew_started_timestamp_seconds",
            "evenkeel_pool_evidence",
        ] {
            assert_eq!(metrics.samples(family)[0].labels["pool"], name, "{family}");
        }
        let answer = IncidentsAnswer::new(&state, &IncidentsQuery::default());
        let json = serde_json::to_value(answer).unwrap();
        let incident = &json["incidents"][0];
        assert_eq!(incident["pool"], name);
        assert_eq!(incident["hot"][0]["backend"], name);
        assert_eq!(incident["cause"]["text"], name);
    }
}

proptest! {
    #[test]
    fn any_name_comes_back(name in any::<String>()) {
        prop_assert_eq!(round_trip(&name), [name.as_str(), &name, &name]);
    }

    #[test]
    fn numbers_of_the_api_are_finite_or_null(opened in proptest::collection::vec(any::<u32>(), 1..9)) {
        let members: Vec<Member> = (1..)
            .zip(&opened)
            .map(|(number, opened): (u16, _)| {
                Member::new(&format!("192.0.2.1:{number}"), u64::from(*opened), u64::from(opened / 2))
            })
            .collect();
        let pools: Vec<PoolState> = vec![pool("web", Role::Local, Source::Auto, &members)];
        let text = serde_json::to_string(&PoolAnswer::find(&state(pools), "web")).unwrap();
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        let gini = &json["pool"]["measures"]["opened"]["gini"];
        prop_assert_eq!(gini.is_null(), opened.iter().all(|opened| *opened == 0));
    }
}
