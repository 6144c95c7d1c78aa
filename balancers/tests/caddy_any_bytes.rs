//! Any bytes are a configuration of Caddy's or an error with its place; nothing panics, and time grows with length alone.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on must fail"
)]

mod common;

use evenkeel_balancers::{Configuration, Product, ReadError};
use proptest::prelude::*;

use common::bytes::{cases, one, repeated, time_grows_with_length};

fn read_text(text: impl Into<Vec<u8>>) -> Result<Configuration, ReadError> {
    common::bytes::read_text(Product::Caddy, "caddy.json", text)
}

/// Reads, audits, and looks at everything that was found.
fn exercise(bytes: &[u8]) {
    common::bytes::exercise(bytes, |bytes| read_text(bytes));
}

const POLICY: &[&str] = &[
    r#""policy": "random""#,
    r#""policy": "random_choose", "choose": 99999999999999999999"#,
    r#""policy": "random_choose", "choose": -1"#,
    r#""policy": "random_choose", "choose": 1"#,
    r#""policy": "weighted_round_robin""#,
    r#""policy": "weighted_round_robin", "weights": []"#,
    r#""policy": "weighted_round_robin", "weights": [0, 0]"#,
    r#""policy": "weighted_round_robin", "weights": [1, 18446744073709551615, -3, "x", {}, 7]"#,
    r#""policy": "first""#,
    r#""policy": "ip_hash""#,
    r#""policy": "header", "field": "Host""#,
    r#""policy": "cookie", "max_age": -1"#,
    r#""policy": []"#,
    "",
];
const FIELDS: &[&str] = &[
    "",
    r#""dynamic_upstreams": {"source": "a"},"#,
    r#""dynamic_upstreams": {"source": "multi", "sources": []},"#,
    r#""health_checks": {"passive": {"fail_duration": 1e300, "max_fails": -1}},"#,
    r#""health_checks": {"passive": {"fail_duration": "9999999999h", "unhealthy_request_count": 3}},"#,
    r#""health_checks": {"active": {"uri": "/"}},"#,
    r#""transport": {"protocol": "fastcgi"},"#,
    r#""@id": "x","#,
];
const UPSTREAM: &[&str] = &[
    r#""dial": "192.0.2.1:80""#,
    r#""dial": "192.0.2.2:80", "max_requests": 18446744073709551615"#,
    r#""dial": "shop.example:80", "max_requests": 1"#,
    r#""dial": "unix//run/a""#,
    r#""dial": "{env.A}:80""#,
    r#""dial": "////::::""#,
    r#""dial": {}"#,
    "",
];

/// Configurations that can be read, with any settings.
fn configurations() -> impl Strategy<Value = String> {
    let upstream = one(UPSTREAM).prop_map(|fields| format!("{{{fields}}}"));
    let upstreams = prop::collection::vec(upstream, 0..6);
    let handler = (one(POLICY), one(FIELDS), upstreams).prop_map(|(policy, fields, upstreams)| {
        format!(
            r#"{{"handler": "reverse_proxy", {fields} "load_balancing": {{"selection_policy": {{{policy}}}}}, "upstreams": [{}]}}"#,
            upstreams.join(",")
        )
    });
    prop::collection::vec(handler, 1..4).prop_map(|handlers| {
        format!(
            r#"{{"apps": {{"http": {{"servers": {{"a": {{"routes": [{{"handle": [{}]}}]}}}}}}}}}}"#,
            handlers.join(",")
        )
    })
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        exercise(&bytes);
    }

    #[test]
    fn texts_of_its_signs(text in "[a:{}&*,'\"\\\\#$ \n|>!%\\[\\]\t-]{0,200}") {
        exercise(text.as_bytes());
        exercise(format!("{{\"apps\": {{ {text}").as_bytes());
    }

    #[test]
    fn whole_configurations(text in configurations()) {
        let configuration = read_text(text.clone()).unwrap();
        assert!(!configuration.pools.is_empty());
        exercise(text.as_bytes());
    }
}

/// Texts that are costly for one or the other part, all of the same length.
#[test]
fn time_grows_with_length_alone() {
    let upstreams = r#"{"handler": "reverse_proxy", "upstreams": ["#;
    let weighted = r#"{"handler": "reverse_proxy", "load_balancing": {"selection_policy": {"policy": "weighted_round_robin", "weights": ["#;
    let closed = |head: &str, part: &str, tail: &str| repeated(head, part) + tail;
    let texts = [
        ("brackets", repeated("{\"a\":", "[")),
        ("braces", repeated("", "{\"a\":")),
        ("lines", repeated("", "apps:\n")),
        (
            "handlers",
            closed(
                r#"{"routes": ["#,
                r#"{"handler": "reverse_proxy"}, "#,
                "{}]}",
            ),
        ),
        (
            "routes",
            closed(r#"{"routes": ["#, r#"{"routes": [{}]}, "#, "{}]}"),
        ),
        (
            "upstreams",
            closed(upstreams, r#"{"dial": "192.0.2.1:80"}, "#, "{}]}"),
        ),
        (
            "names",
            closed(upstreams, r#"{"dial": "a.example:80"}, "#, "{}]}"),
        ),
        ("weights", repeated(weighted, "7, ") + "1]}}}"),
    ];
    time_grows_with_length(texts, exercise);
}

/// Aliases that stand for more than a text could hold, and depth.
#[test]
fn growth_and_depth_are_bounded() {
    use std::fmt::Write as _;

    let error = |text: String| read_text(text).unwrap_err().to_string();
    let mut laughs = String::from("apps:\na0: &a0 [1, 1]\n");
    for level in 1..40 {
        writeln!(laughs, "a{level}: &a{level} [*a{0}, *a{0}]", level - 1).unwrap();
    }
    assert!(error(laughs).ends_with("the text stands for more than 4000000 values"));
    let deep = error("{\"a\":".repeat(100));
    assert!(deep.starts_with("caddy.json:1:3"), "{deep}");
    assert!(error(":80 {\n\treverse_proxy app:80\n}\n".to_owned()).contains("caddy adapt"));
}
