//! An agent that answers and does not count, and a browser without scripts.

use std::sync::Arc;
use std::time::Duration;

use evenkeel::publish::Limits;
use serde_json::json;

use crate::driver::Browser;
use crate::fixtures::small;
use crate::http::Running;

#[test]
fn figures_that_do_not_change_any_longer_are_called_stale() {
    let limits = Limits {
        late: Duration::from_millis(500),
        ..Limits::default()
    };
    let mut state = small();
    state.interval = Duration::from_millis(100);
    let server = Running::start_with(state.clone(), limits);
    let browser = Browser::start();
    browser.open(&format!("http://{}/", server.address));
    browser.wait("document.querySelector('#state')?.innerText === 'stale'");
    let text = browser.text();
    assert!(
        text.contains("the agent answers, but it does not count"),
        "{text}"
    );
    state.tick += 1;
    server.states.send_replace(Arc::new(state));
    browser.wait("document.querySelector('#state').innerText === 'live' && !document.querySelector('#banner')");
}

#[test]
fn without_scripts_there_is_a_table() {
    let server = Running::start(small());
    let browser = Browser::start();
    browser.devtools(
        "Emulation.setScriptExecutionDisabled",
        &json!({ "value": true }),
    );
    browser.open(&format!("http://{}/", server.address));
    let seen = browser
        .devtools("Accessibility.getFullAXTree", &json!({}))
        .to_string();
    assert!(
        seen.contains("checkout") && seen.contains("No traffic to judge by."),
        "{seen}"
    );
    assert!(seen.contains("With scripts, this page is live"), "{seen}");
}
