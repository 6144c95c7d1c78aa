//! Many pools, and pools with many backends.

use std::time::{Duration, Instant};

use ratatui_core::buffer::Buffer;
use ratatui_core::layout::Rect;
use ratatui_crossterm::crossterm::event::KeyCode;

use super::{look, press};
use crate::top::feed::News;
use crate::top::samples;
use crate::top::view;

/// A frame may take no longer, so that thirty a second are possible without optimizations.
const MOST: Duration = Duration::from_millis(30);

#[test]
fn a_frame_of_a_thousand_pools_is_drawn_in_time() {
    let (mut world, mut ui, now) = samples::world();
    let rows: Vec<_> = (0..1000)
        .map(|place| samples::row(&format!("pool-{place:04}"), "even", &[100; 10]))
        .collect();
    world.take(News::Opened, now);
    world.take(samples::news("pools", &samples::pools(&rows)), now);
    let began = Instant::now();
    ui.follow(&world, true, now);
    let ordered = began.elapsed();
    press(
        &mut world,
        &mut ui,
        now,
        &[KeyCode::PageDown, KeyCode::PageDown],
    );
    let mut buffer = Buffer::empty(Rect::new(0, 0, 200, 50));
    let mut times: Vec<Duration> = (0..51)
        .map(|_| {
            let began = Instant::now();
            view::draw(&mut buffer, &world, &ui, &look(), now);
            began.elapsed()
        })
        .collect();
    times.sort();
    let median = times[times.len() / 2];
    println!(
        "1000 pools of 10 backends at 200x50: ordered in {ordered:?}, a frame in {median:?} (median of 51)"
    );
    assert!(median < MOST, "{median:?}");
}
