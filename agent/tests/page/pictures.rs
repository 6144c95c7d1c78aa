//! The page on a phone, on a desk and on a wall, by day and by night. With `EVENKEEL_PICTURES=DIRECTORY` the pictures are kept.

use std::path::PathBuf;

use crate::driver::Browser;
use crate::world::outage;

/// A screen: its name, width and height in pixels of CSS, and how many pixels make one.
const SCREENS: [(&str, u32, u32, f64); 3] = [
    ("phone", 390, 844, 2.0),
    ("desktop", 1360, 900, 1.0),
    ("wall", 2560, 1440, 1.0),
];

fn keep(name: &str, picture: &[u8]) {
    if let Some(directory) = std::env::var_os("EVENKEEL_PICTURES") {
        std::fs::write(PathBuf::from(directory).join(name), picture).unwrap();
    }
}

/// Everything is within the screen's width, and figures can be read.
fn assert_fits(browser: &Browser, what: &str) {
    let wide = browser.run("return document.documentElement.scrollWidth - innerWidth");
    assert!(
        wide.as_i64().unwrap() <= 0,
        "{what}: wider than the screen by {wide}"
    );
    let small = browser.run(
        "return Math.min(...[...document.querySelectorAll('main *')].filter((one) => one.textContent.trim() && \
         one.getClientRects().length).map((one) => parseFloat(getComputedStyle(one).fontSize)))",
    );
    assert!(
        small.as_f64().unwrap() >= 10.0,
        "{what}: text of {small} pixels"
    );
}

#[test]
fn it_can_be_read_on_every_screen_by_day_and_by_night() {
    let (server, _) = outage();
    let browser = Browser::start();
    let page = format!("http://{}/", server.address);
    for (screen, width, height, scale) in SCREENS {
        for dark in [false, true] {
            browser.screen(width, height, scale, dark);
            let theme = if dark { "dark" } else { "light" };
            for (view, address, ready) in [
                (
                    "overview",
                    "",
                    "document.querySelectorAll('.rows .row').length === 7",
                ),
                (
                    "pool",
                    "#pool-checkout",
                    "document.querySelector('svg.hour .trace')",
                ),
            ] {
                browser.open("about:blank");
                browser.open(&format!("{page}{address}"));
                browser.wait(ready);
                if view == "pool" {
                    // All of it.
                    let all = browser.run("return document.documentElement.scrollHeight");
                    let all = u32::try_from(all.as_u64().unwrap()).unwrap();
                    browser.screen(width, all.min(6000), scale, dark);
                }
                let name = format!("{view}-{screen}-{theme}.png");
                keep(&name, &browser.picture());
                assert_fits(&browser, &name);
                browser.screen(width, height, scale, dark);
            }
        }
    }
    assert_eq!(browser.complaints(), Vec::<String>::new());
}
