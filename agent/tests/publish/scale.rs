//! What 10,000 backends in 1,000 pools cost. Run by hand, optimised:
//! `cargo test --release -p evenkeel --test publish -- --ignored --nocapture scale`.

use std::fmt;
use std::time::{Duration, Instant};

use evenkeel::publish::api::PoolsAnswer;
use evenkeel::publish::prometheus::{Format, Process, Scrape};

use crate::fixtures::{large, reloaded};
use crate::http::Running;

/// Counts what is written and keeps none of it.
#[derive(Default)]
struct Counted {
    bytes: usize,
    lines: u32,
}

impl fmt::Write for Counted {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.bytes += text.len();
        self.lines += u32::from(text.ends_with('\n'));
        Ok(())
    }
}

fn best_of(times: usize, mut run: impl FnMut()) -> Duration {
    let took = (0..times).map(|_| {
        let began = Instant::now();
        run();
        began.elapsed()
    });
    took.min().unwrap()
}

/// The most memory that this process ever had, in bytes.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    let kilobytes = line.trim().trim_end_matches(" kB");
    kilobytes.parse::<u64>().unwrap() * 1024
}

#[test]
#[ignore = "a measurement: means something only when optimised and alone on the host"]
fn ten_thousand_backends() {
    let state = std::sync::Arc::new(large(1000, 10));
    let mut counted = Counted::default();
    let scrape = Scrape {
        state: std::sync::Arc::clone(&state),
        reload: reloaded(),
        process: Process::default(),
        traffic: evenkeel::publish::TrafficSample::default(),
        alerts: Vec::new(),
        recording: None,
        discovery: evenkeel::discovery::DiscoveryStatus::default(),
    };
    let rendered = best_of(10, || {
        counted = Counted::default();
        scrape
            .clone()
            .write(Format::OpenMetrics, &mut counted)
            .unwrap();
    });
    let Counted { bytes, lines } = counted;
    println!(
        "render: {rendered:?}, {lines} lines, {bytes} bytes, {:?} per line",
        rendered / lines
    );

    let mut length = 0;
    let json = best_of(5, || {
        length = serde_json::to_vec(&PoolsAnswer::new(&state)).unwrap().len();
    });
    println!("JSON: {json:?}, {length} bytes");

    let server = Running::start((*state).clone());
    let before = peak_memory();
    let discard = |path: &str| {
        let mut stream = server.connect();
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        std::io::Write::write_all(&mut stream, request.as_bytes()).unwrap();
        std::io::copy(&mut stream, &mut std::io::sink()).unwrap()
    };
    for path in ["/metrics", "/api/v1/pools", "/"] {
        let mut bytes = 0;
        let took = best_of(5, || bytes = discard(path));
        let more = peak_memory() - before;
        println!("GET {path}: {took:?}, {bytes} bytes, peak memory so far + {more} bytes");
    }
    assert!(
        rendered < Duration::from_millis(50),
        "rendering took {rendered:?}"
    );
}
