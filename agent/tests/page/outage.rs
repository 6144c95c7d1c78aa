//! A real agent and real connections: traffic becomes uneven while the page is open, then the agent goes and comes back.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::Duration;

use evenkeel_lab::netns::Namespace;

use crate::common::{agent, alone, config, pool};
use crate::driver::Browser;

/// Connections to backends on loopback addresses, evenly in turns, but for a part that all goes to the first.
struct Traffic {
    backends: Vec<SocketAddr>,
    /// Of a hundred connections, those that go to the first instead.
    astray: Arc<AtomicU32>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Traffic {
    fn start(count: u8) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let astray = Arc::new(AtomicU32::new(0));
        let mut traffic = Self {
            backends: Vec::new(),
            astray: Arc::clone(&astray),
            stop: Arc::clone(&stop),
            threads: Vec::new(),
        };
        for host in 1..=count {
            let listener =
                TcpListener::bind((std::net::Ipv4Addr::new(127, 0, 71, host), 0)).unwrap();
            traffic.backends.push(listener.local_addr().unwrap());
            let stop = Arc::clone(&stop);
            traffic.threads.push(std::thread::spawn(move || {
                // The last connection is made by `drop`, so that the thread notices.
                while !stop.load(Relaxed) {
                    drop(listener.accept());
                }
            }));
        }
        let backends = traffic.backends.clone();
        traffic.threads.push(std::thread::spawn(move || {
            for turn in 0_u32.. {
                if stop.load(Relaxed) {
                    return;
                }
                let strays = turn.wrapping_mul(61) % 100 < astray.load(Relaxed);
                let place = if strays {
                    0
                } else {
                    turn as usize % backends.len()
                };
                drop(TcpStream::connect(backends[place]));
                std::thread::sleep(Duration::from_micros(1500));
            }
        }));
        traffic
    }
}

impl Drop for Traffic {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        for backend in &self.backends {
            drop(TcpStream::connect(backend));
        }
        for thread in self.threads.drain(..) {
            drop(thread.join());
        }
    }
}

#[test]
fn an_outage_is_seen_where_an_alert_leads_and_so_is_the_agents_end() {
    let _turn = alone();
    let traffic = Traffic::start(4);
    let name = "shop: checkout/EU";
    let pools = [pool(
        &format!("'{name}'"),
        "upstream",
        traffic.backends.clone(),
    )];
    // Sooner than by default, which waits longer for the sake of fewer false alarms.
    let mut agent = agent(&format!(
        "detection: {{false_alarm_every: 1h}}\n{}",
        config(&pools)
    ));
    let browser = Browser::start();
    // As in an alert.
    browser.open(&format!(
        "http://{}/#pool-shop%3A%20checkout%2FEU",
        agent.address()
    ));
    browser.wait(&format!(
        "document.querySelector('h1 bdi')?.textContent === '{name}'"
    ));
    browser.wait("document.querySelectorAll('.backends tbody tr').length === 4");
    browser.wait("document.querySelector('svg.hour .trace')");
    browser.wait("document.querySelector('h1 .badge')?.classList.contains('even')");

    traffic.astray.store(70, Relaxed);
    browser.wait("document.querySelector('h1 .badge')?.classList.contains('skewed')");
    browser.wait("document.querySelector('article.incident.on .cause')");
    // The hot backend is first in the table, and has its mark.
    let first = browser.run("return document.querySelector('.backends tbody tr th').innerText");
    let hot = traffic.backends[0].to_string();
    let first = first.as_str().unwrap();
    assert!(first.contains(&hot) && first.contains("▲ hot"), "{first}");
    let incident = browser.run("return document.querySelector('article.incident.on').innerText");
    assert!(incident.as_str().unwrap().contains(&hot), "{incident}");
    browser.wait("document.title.includes('skewed')");

    browser.press("\u{E00C}");
    browser.wait("document.querySelector('.rows .row.skewed .who')?.innerText.includes('▲ hot')");

    agent.process().stop().unwrap();
    browser.wait("document.querySelector('#state').innerText === 'agent gone'");
    browser.wait("document.querySelector('#banner').innerText.includes('does not answer')");
    let kept = browser.run("return document.querySelectorAll('.rows .row').length");
    assert_eq!(kept, 1, "what was seen last stays");

    agent.resume(&Namespace::current()).unwrap();
    browser.wait("document.querySelector('#state').innerText === 'live'");
    browser.wait("!document.querySelector('#banner')");
    drop(agent);
    // The stop of the agent is the only thing that went wrong.
    let complaints = browser.complaints();
    let unexpected = complaints
        .iter()
        .filter(|one| !one.contains("ERR_") && !one.contains("503"));
    assert_eq!(unexpected.count(), 0, "{complaints:?}");
}
