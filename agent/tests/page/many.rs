//! Five thousand pools stay smooth.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use evenkeel::model::Verdict;
use serde_json::json;

use crate::driver::Browser;
use crate::fixtures::large;
use crate::http::Running;

const POOLS: u16 = 5000;

/// Scrolls down in as many frames as fill four seconds on a screen, and notes the times between them.
const SCROLL: &str = "
    window.frames = [];
    let last = performance.now();
    const step = (now) => {
        window.frames.push(now - last);
        last = now;
        scrollBy(0, 90);
        if (window.frames.length < 240) requestAnimationFrame(step);
    };
    requestAnimationFrame(step);";

/// Milliseconds that the processor has spent in the page's thread so far: scripts, styles, layout.
fn work(browser: &Browser) -> f64 {
    let metrics = browser.devtools("Performance.getMetrics", &json!({}));
    let metrics = metrics["metrics"].as_array().unwrap();
    let spent = metrics.iter().find(|metric| metric["name"] == "ThreadTime");
    spent.unwrap()["value"].as_f64().unwrap() * 1e3
}

#[test]
fn five_thousand_pools_stay_smooth() {
    let mut state = large(POOLS, 6);
    let server = Running::start(state.clone());
    let browser = Browser::start();
    browser.screen(1360, 900, 1.0, false);
    // The processor's time, so that the figures are of the page and not of what else the machine does.
    browser.devtools("Performance.enable", &json!({}));
    let began = Instant::now();
    browser.open(&format!("http://{}/", server.address));
    browser.wait("document.querySelector('h1')?.innerText === '5000 pools'");
    let complete = began.elapsed();

    // All figures of all pools change every second while the list is scrolled.
    let stop = Arc::new(AtomicBool::new(false));
    let ticking = std::thread::scope(|scope| {
        let stopped = Arc::clone(&stop);
        let states = &server.states;
        scope.spawn(move || {
            let mut turn = 0;
            while !stopped.load(Relaxed) {
                state.tick += 1;
                turn += 1;
                for pool in &mut state.pools {
                    pool.signals.opened.total = f64::from(1000 + turn * 60);
                }
                state.pools[4999].verdict = if turn % 2 == 0 {
                    Verdict::Even
                } else {
                    Verdict::Skewed
                };
                states.send_replace(Arc::new(state.clone()));
                std::thread::sleep(Duration::from_secs(1));
            }
        });
        let before = work(&browser);
        browser.run(SCROLL);
        let waited = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            browser.wait("window.frames.length >= 240");
            let took = work(&browser) - before;
            // A new verdict at the end of the list comes to its top at once.
            browser.run("scrollTo(0, 0)");
            browser.wait("document.querySelector('.rows .row.skewed .name')?.innerText.includes('service-4999')");
            took / 240.0
        }));
        stop.store(true, Relaxed);
        waited
    });
    let per_frame = ticking.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    let figures = browser.run(
        "const frames = window.frames.slice(1).sort((a, b) => a - b);
         return [frames[120], frames[227], document.querySelectorAll('.rows .row').length,
             document.querySelectorAll('*').length, performance.memory.usedJSHeapSize / 1048576]",
    );
    let figure = |place: usize| figures[place].as_f64().unwrap();
    println!(
        "5000 pools: complete after {complete:.1?}; {per_frame:.1} ms of processor time per frame while scrolling; frames every {:.1} ms (median), \
         {:.1} ms (95 %); {} rows and {} elements in the document; heap {:.1} MiB",
        figure(0),
        figure(1),
        figure(2),
        figure(3),
        figure(4),
    );
    assert!(figure(2) < 80.0 && figure(3) < 4000.0, "{figures}");
    // Sixty frames a second leave 16 ms; a machine that does other things too needs longer for the same work.
    assert!(per_frame < 30.0, "{per_frame} ms of work per frame");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}
