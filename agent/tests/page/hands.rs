//! The page by keyboard and by screen reader.

use crate::driver::Browser;
use crate::world::outage;

const ENTER: &str = "\u{E007}";
const ESCAPE: &str = "\u{E00C}";
const DOWN: &str = "\u{E015}";

#[test]
fn everything_can_be_reached_by_keyboard() {
    let (server, _) = outage();
    let browser = Browser::start();
    browser.open(&format!("http://{}/", server.address));
    browser.wait("document.querySelectorAll('.rows .row').length === 7");

    browser.press("/");
    browser.wait("document.activeElement.id === 'search'");
    browser.press("team-b up");
    browser.wait("document.querySelectorAll('.rows .row').length === 2");
    let found = browser.run("return document.querySelector('.rows').innerText");
    assert!(found.as_str().unwrap().contains("team-b/basket"), "{found}");
    assert_eq!(
        browser.run("return document.activeElement.id"),
        "search",
        "typing goes on"
    );
    browser.run("document.querySelector('#search').select()");
    browser.press("\u{E017}");
    browser.wait("document.querySelectorAll('.rows .row').length === 7");

    browser.press(ESCAPE);
    browser.press(DOWN);
    browser.wait("document.activeElement.closest('.row')?.innerText.includes('checkout')");
    browser.press(DOWN);
    browser.wait("document.activeElement.closest('.row')?.innerText.includes('basket')");
    browser.press("\u{E013}");
    browser.press(ENTER);
    browser.wait("location.hash === '#pool-checkout' && document.querySelector('.backends')");
    browser.wait("document.activeElement.id === 'main'");
    // Focus stays where it is while figures come.
    browser.run("document.querySelector('button[value=active]').focus()");
    browser.press(ENTER);
    browser.wait(
        "document.querySelector('button[value=active]').getAttribute('aria-pressed') === 'true'",
    );
    let before = browser.run("return document.querySelector('.fresh').innerText");
    let mut next = server.states.borrow().as_ref().clone();
    next.tick += 1;
    server.states.send_replace(std::sync::Arc::new(next));
    browser.wait(&format!(
        "document.querySelector('.fresh').innerText !== {before}"
    ));
    assert_eq!(browser.run("return document.activeElement.value"), "active");
    browser.press(ESCAPE);
    browser.wait("document.querySelectorAll('.rows .row').length === 7");

    browser.run("document.querySelector('.chip[value=even]').click()");
    browser.wait("document.querySelectorAll('.rows .row').length === 4");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

/// Roles with names in the tree that screen readers get.
fn tree(browser: &Browser) -> Vec<(String, String)> {
    let tree = browser.devtools("Accessibility.getFullAXTree", &serde_json::json!({}));
    let nodes = tree["nodes"].as_array().unwrap().iter();
    let seen = nodes.filter(|node| node["ignored"] == false);
    let text = |value: &serde_json::Value| value["value"].as_str().unwrap_or("").to_owned();
    seen.map(|node| (text(&node["role"]), text(&node["name"])))
        .collect()
}

#[test]
fn a_screen_reader_is_told_everything() {
    let (server, _) = outage();
    let browser = Browser::start();
    browser.screen(1360, 900, 1.0, false);
    let page = format!("http://{}/", server.address);
    browser.open(&page);
    browser.wait("document.querySelectorAll('.rows .row').length === 7");
    let all = tree(&browser);
    let has = |role: &str, part: &str| {
        all.iter()
            .any(|(is, name)| is == role && name.contains(part))
    };
    assert!(has("table", "Pools, the worst first"), "{all:?}");
    assert_eq!(
        all.iter()
            .filter(|(role, _)| role == "columnheader")
            .count(),
        8
    );
    assert!(
        has("link", "checkout") && has("searchbox", "Search") && has("button", "skewed"),
        "{all:?}"
    );
    assert!(has("StaticText", "67.1"), "{all:?}");

    browser.open("about:blank");
    browser.open(&format!("{page}#pool-checkout"));
    browser.wait("document.querySelector('svg.hour .trace')");
    let one = tree(&browser);
    let has = |role: &str, part: &str| {
        one.iter()
            .any(|(is, name)| is == role && name.contains(part))
    };
    for (role, name) in [
        ("heading", "checkout"),
        ("region", "Shares against expected"),
        ("rowheader", "198.51.100.14:8080 ▲ hot"),
        ("image", "Shares of new connections over the last hour"),
        (
            "image",
            "Lorenz curve. The least loaded half of the capacity gets 20.3",
        ),
        ("button", "Copy the query"),
    ] {
        assert!(has(role, name), "no {role} {name}: {one:?}");
    }
    let unnamed: Vec<_> = one
        .iter()
        .filter(|(role, name)| {
            matches!(
                role.as_str(),
                "button" | "link" | "image" | "heading" | "region"
            ) && name.is_empty()
        })
        .collect();
    assert!(unnamed.is_empty(), "{unnamed:?}");
}
