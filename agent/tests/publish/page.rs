//! The page for people.

use std::sync::Arc;

use evenkeel::model::{
    Canary, Ended, Ending, Losses, PoolState, Role, Signal, Source, State, Verdict, View,
};
use evenkeel::publish::page::{ASSETS, Page};

use crate::findings::{before, incident, judge, judged};
use crate::fixtures::{Member, pool, reloaded, small, state};
use crate::http::Running;

fn html(state: &State) -> String {
    let reload = reloaded();
    let page = Page {
        state,
        reload: &reload,
        host: "balancer-1",
    };
    let mut text = String::new();
    page.write(&mut text).unwrap();
    text
}

/// What is between the first `open` and the next `close`.
fn between<'a>(text: &'a str, open: &str, close: &str) -> &'a str {
    let (_, after) = text.split_once(open).unwrap_or_else(|| panic!("no {open}"));
    after
        .split_once(close)
        .unwrap_or_else(|| panic!("no {close}"))
        .0
}

#[test]
fn the_policy_allows_the_pages_own_files_alone() {
    let server = Running::start(small());
    let answer = server.get("/");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    for path in ["/", "/api/v1/pools", "/metrics", "/page/app.js", "/nothing"] {
        let answer = server.get(path);
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
        let policy = answer.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none';"),
            "{path}: {policy}"
        );
        assert!(
            !policy.contains("unsafe") && !policy.contains("http"),
            "{path}: {policy}"
        );
    }
    // Nothing that the policy would block.
    for forbidden in ["<style", " style=", " onclick=", "<script>"] {
        assert!(!answer.body.contains(forbidden), "{forbidden}");
    }
}

#[test]
fn every_file_of_the_page_is_served_and_none_is_from_elsewhere() {
    let server = Running::start(small());
    for asset in ASSETS {
        let answer = server.get(&format!("/page/{}", asset.name));
        assert_eq!((answer.status, answer.body.as_str()), (200, asset.text));
        assert_eq!(answer.header("content-type"), asset.kind);
        // Names of the SVG language are no addresses.
        let text = asset.text.replace("http://www.w3.org/2000/svg", "");
        for forbidden in [
            "http://",
            "https://",
            "@import",
            "url(",
            "innerHTML",
            "eval(",
        ] {
            assert!(!text.contains(forbidden), "{}: {forbidden}", asset.name);
        }
        let lines = asset.text.lines().count();
        assert!(lines <= 300, "{} has {lines} lines", asset.name);
    }
    let page = server.get("/").body;
    let named = page.split("=\"page/").skip(1);
    for name in named.map(|rest| rest.split('"').next().unwrap()) {
        assert_eq!(server.get(&format!("/page/{name}")).status, 200, "{name}");
    }
    assert_eq!(server.get("/page/nothing.js").status, 404);
    assert_eq!(server.get("/page/..%2fmod.rs").status, 404);
}

#[test]
fn hostile_names_stay_text() {
    let evil = "</td><script>alert(1)</script><img src=x onerror='a\"b'>";
    let members = [Member::new("192.0.2.1:80", 5, 1)];
    let mut state = state(vec![pool(evil, Role::Upstream, Source::Config, &members)]);
    let mut one = incident("1", Signal::Opened, &[(evil, 0.9, 0.5)]);
    one.pool = evil.to_owned();
    one.cause.text = evil.to_owned();
    state.incidents = [Arc::new(one)].into();
    state.kernel.view = View::AtClose {
        reason: evil.to_owned(),
    };
    state.kernel.canary = Canary::Missed {
        reason: evil.to_owned(),
    };
    let html = html(&state);
    assert_eq!(html.matches("<script").count(), 1, "the page's own");
    assert!(!html.contains("<img"));
    assert!(html.matches("&lt;script&gt;").count() >= 6);
}

fn uneven(name: &str, hot: u64) -> PoolState {
    let members = [
        Member::new("192.0.2.1:80", hot, 1),
        Member::new("192.0.2.2:80", 100, 1),
    ];
    pool(name, Role::Upstream, Source::Config, &members)
}

#[test]
fn the_most_uneven_pool_comes_first_and_the_idle_one_last() {
    let idle = pool(
        "idle",
        Role::Local,
        Source::Auto,
        &[Member::new("192.0.2.9:80", 0, 0)],
    );
    let pools = vec![
        uneven("even", 100),
        idle,
        uneven("skewed", 900),
        uneven("slightly", 150),
    ];
    let html = html(&state(pools));
    let place = |name: &str| html.find(&format!("<bdi>{name}</bdi>")).unwrap();
    assert!(place("skewed") < place("slightly"));
    assert!(place("slightly") < place("even"));
    assert!(place("even") < place("idle"));
    let row = between(&html, "<bdi>skewed</bdi>", "</tr>");
    assert!(
        row.contains("90.0\u{a0}% of connections, expected\u{a0}50.0\u{a0}%"),
        "{row}"
    );
    // 1000 connections within a window of 60 s.
    assert!(row.contains("data-of=\"Opened/s\">16.7<"), "{row}");
    assert!(row.contains("<b>1.80</b>"), "{row}");
}

/// The judged state with a pool that is even and does nothing else.
fn with_an_even_pool() -> State {
    let mut state = judged();
    let mut even = uneven("even", 110);
    judge(&mut even, Signal::Opened, Verdict::Even);
    judge(&mut even, Signal::Active, Verdict::Even);
    even.verdict = Verdict::Even;
    state.pools.insert(1, even);
    state
}

#[test]
fn the_page_is_as_recorded() {
    let html = html(&with_an_even_pool());
    let main = between(&html, "<main class=\"plain\">\n", "</main>");
    insta::assert_snapshot!(main.replace(env!("CARGO_PKG_VERSION"), "VERSION"));
}

#[test]
fn verdicts_are_words_and_the_worst_comes_first() {
    let mut pools: Vec<PoolState> = ["even", "suspect", "skewed", "unknown"]
        .map(|name| uneven(name, 110))
        .into();
    // Even and far from equal, which is what a large tolerance is for.
    pools[0] = uneven("even", 900);
    let verdicts = [
        Verdict::Even,
        Verdict::Suspect,
        Verdict::Skewed,
        Verdict::Unknown,
    ];
    for (pool, verdict) in pools.iter_mut().zip(verdicts) {
        judge(pool, Signal::Opened, verdict);
        pool.verdict = verdict;
    }
    let html = html(&state(pools));
    let place = |name: &str| html.find(&format!("<bdi>{name}</bdi>")).unwrap();
    assert!(place("skewed") < place("suspect"));
    assert!(place("suspect") < place("unknown"));
    assert!(place("unknown") < place("even"));
    for (name, sentence) in [
        (
            "even",
            "The traffic is even (new connections within the tolerance): the balancer is not the problem, look elsewhere.",
        ),
        (
            "suspect",
            "There is some evidence of skew (new connections), not enough to alarm.",
        ),
        ("skewed", "The traffic is skewed: new connections."),
        ("unknown", "Too little traffic yet to tell."),
    ] {
        let row = between(&html, &format!("<bdi>{name}</bdi>"), "</tr>");
        let wanted = format!("<b class=\"{name}\">{name}</b> <small>{sentence}</small>");
        assert!(row.contains(&wanted), "{row}");
    }
}

#[test]
fn skewed_backends_are_marked_and_named() {
    let html = html(&judged());
    let row = between(&html, "<bdi>checkout</bdi>", "</tr>");
    for wanted in [
        "▲ hot</b> <bdi>192.0.2.1:8080</bdi> <small>75.0\u{a0}% of connections, expected\u{a0}50.0\u{a0}%",
        "✕ failing</b> <bdi>192.0.2.2:8080</bdi>",
        "▼ cold</b> <bdi>192.0.2.3:8080</bdi> <small>0.0\u{a0}% of connections",
        "<title>192.0.2.1:8080: 75.0\u{a0}%, expected 50.0\u{a0}%, hot</title>",
        "The traffic is skewed: new connections. Connections to a backend fail.",
    ] {
        assert!(row.contains(wanted), "{wanted}: {row}");
    }
}

#[test]
fn the_last_incidents_are_listed_and_those_that_are_on_come_first() {
    assert!(html(&small()).contains("None so far."));
    let mut state = small();
    let numbered = |number: u64| {
        let mut one = incident(
            &number.to_string(),
            Signal::Opened,
            &[("192.0.2.1:80", 0.9, 0.5)],
        );
        one.pool = format!("pool-{number}");
        one.started = before(7200 + number);
        // The oldest alone is on.
        one.ended = (number < 11).then(|| Ended {
            at: before(3600),
            why: Ending::NoTraffic,
        });
        Arc::new(one)
    };
    state.incidents = (0..12).map(numbered).collect();
    let html = html(&state);
    let list = between(&html, "<h2>Incidents</h2>", "</main>");
    assert_eq!(list.matches("<tr").count(), 11, "the head and ten");
    assert!(list.contains("10 of 12 incidents"), "{list}");
    let place = |name: &str| list.find(&format!("<bdi>{name}</bdi>")).unwrap();
    assert!(place("pool-11") < place("pool-0") && place("pool-0") < place("pool-8"));
    assert!(!list.contains("pool-9"), "{list}");
    assert!(list.contains("<b class=\"skewed\">on</b> for 2h"), "{list}");
    assert!(
        list.contains("<b>ended</b> 1h ago, no traffic; lasted 1h"),
        "{list}"
    );
    assert!(
        list.contains("since <time>2023-11-14T20:13:09.000Z</time>"),
        "{list}"
    );
}

#[test]
fn a_pool_with_open_connections_alone_is_judged_by_those() {
    let mut members = [
        Member::new("192.0.2.1:80", 0, 0),
        Member::new("192.0.2.2:80", 0, 0),
    ];
    members[0].active = 3;
    members[1].active = 1;
    let html = html(&state(vec![pool(
        "db",
        Role::Upstream,
        Source::Auto,
        &members,
    )]));
    assert!(
        html.contains("75.0\u{a0}% of open connections, expected\u{a0}50.0\u{a0}%"),
        "{html}"
    );
}

#[test]
fn the_page_is_bounded_and_says_so() {
    let pools = |count| {
        state(
            (0..count)
                .map(|number| uneven(&format!("pool-{number}"), 100))
                .collect(),
        )
    };
    let rows = |html: &str| html.matches("<tr><td").count();
    let exactly = html(&pools(200));
    assert_eq!(rows(&exactly), 200);
    assert!(!exactly.contains("worst of"));
    let more = html(&pools(201));
    assert_eq!(rows(&more), 200);
    assert!(more.contains("The 200 worst of 201 pools"));

    let members: Vec<Member> = (1..=300)
        .map(|port: u64| Member::new(&format!("192.0.2.1:{port}"), port, 0))
        .collect();
    let html = html(&state(vec![pool(
        "big",
        Role::Local,
        Source::Auto,
        &members,
    )]));
    assert_eq!(html.matches("<g><title>").count(), 48);
    assert!(
        html.contains("<title>192.0.2.1:300: "),
        "the hottest is not in the picture"
    );
}

#[test]
fn what_limits_the_figures_is_said() {
    let mut state = small();
    assert!(html(&state).contains("Not everything was counted"));
    state.kernel.losses = Losses::default();
    assert!(!html(&state).contains("class=\"note\""));
    state.tick = 0;
    state.pools.clear();
    let html = html(&state);
    assert!(
        html.contains("no tick yet") && html.contains("No pools yet."),
        "{html}"
    );
}
