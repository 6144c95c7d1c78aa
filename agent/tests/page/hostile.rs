//! Names and labels that try to be more than text.

use std::sync::Arc;

use evenkeel::model::{PoolState, Role, Signal, Source, State, Verdict};

use crate::driver::Browser;
use crate::findings::{incident, judge};
use crate::fixtures::{Member, pool, state};
use crate::http::Running;

const SCRIPT: &str = "</script></title><script>window.hostile = 1</script><img src=x onerror=\"window.hostile = 1\">";
const QUOTES: &str =
    "\"' onfocus='window.hostile=1' autofocus x=\"`${window.hostile = 1}`&amp;&lt;";
/// Letters that are written from right to left, with an override that would turn what follows.
const TURNED: &str = "\u{202e}תיבה\u{202d} מאגר \u{2067}عربة";

fn hostile() -> State {
    let long = "x".repeat(3000);
    let mut pools: Vec<PoolState> = [
        SCRIPT,
        QUOTES,
        TURNED,
        &long,
        "",
        "__proto__",
        "#pool-%",
        "a\nb\u{0}c",
    ]
    .into_iter()
    .map(|name| {
        let mut members = [
            Member::new("192.0.2.1:80", 900, 10),
            Member::new("[2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff]:65535", 100, 1),
        ];
        members[0].labels = vec![("zone", SCRIPT), ("version", QUOTES), ("rack", TURNED)];
        let mut pool = pool(name, Role::Upstream, Source::Config, &members);
        judge(&mut pool, Signal::Opened, Verdict::Skewed);
        pool.verdict = Verdict::Skewed;
        pool
    })
    .collect();
    pools.sort_by(|one, other| one.pool.spec.name.cmp(&other.pool.spec.name));
    let mut state = state(pools);
    let mut one = incident("1", Signal::Opened, &[(SCRIPT, 0.9, 0.5)]);
    SCRIPT.clone_into(&mut one.pool);
    one.cause.text = format!("{SCRIPT} {QUOTES} {TURNED} {long}");
    state.incidents = [Arc::new(one)].into();
    state
}

#[test]
fn hostile_text_stays_text_and_within_its_place() {
    let state = hostile();
    let names: Vec<String> = state
        .pools
        .iter()
        .map(|pool| pool.pool.spec.name.clone())
        .collect();
    let server = Running::start(state);
    let browser = Browser::start();
    browser.screen(390, 844, 1.0, false);
    let page = format!("http://{}/", server.address);
    browser.open(&page);
    browser.wait("document.querySelectorAll('.rows .row').length === 8");
    let shown = browser.run("return [...document.querySelectorAll('.row .name bdi')].map((one) => one.textContent).sort()");
    let mut wanted = names.clone();
    wanted.sort_by(|one, other| one.encode_utf16().cmp(other.encode_utf16()));
    assert_eq!(shown, serde_json::json!(wanted));
    let fits = |what: &str| {
        let wide = browser.run("return document.documentElement.scrollWidth - innerWidth");
        assert!(
            wide.as_i64().unwrap() <= 0,
            "{what}: wider than the screen by {wide}"
        );
    };
    fits("all pools");
    // Each pool by the link in its row.
    for name in &names {
        let link = "[...document.querySelectorAll('.row .name a')].find((one) => one.textContent === arguments[0]).click()";
        browser.run(&link.replace("arguments[0]", &serde_json::json!(name).to_string()));
        let quoted = serde_json::json!(name);
        browser.wait(&format!(
            "document.querySelector('#pool bdi')?.textContent === {quoted}"
        ));
        browser.wait("document.querySelectorAll('.backends tbody tr').length === 2");
        fits(name.get(..20).unwrap_or(name));
        let labels = browser.run("return document.querySelector('.backends .labels').textContent");
        assert!(labels.as_str().unwrap().contains(SCRIPT), "{labels}");
        browser.run("location.hash = ''");
        browser.wait("document.querySelectorAll('.rows .row').length === 8");
    }
    browser.open(&format!("{page}#incidents"));
    browser.wait("document.querySelector('article.incident')");
    fits("incidents");
    assert_eq!(
        browser.run(
            "return [window.hostile ?? null, document.scripts.length, document.images.length]"
        ),
        serde_json::json!([null, 1, 0])
    );
    assert_eq!(browser.complaints(), Vec::<String>::new());
}
