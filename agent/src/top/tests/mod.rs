//! The view as a whole: what is drawn, and what keys do.

mod frames;
mod hands;
mod hostile;
mod scale;

use std::time::Instant;

use ratatui_core::backend::TestBackend;
use ratatui_core::buffer::Buffer;
use ratatui_core::layout::Rect;
use ratatui_core::terminal::Terminal;
use ratatui_crossterm::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::keys;
use super::samples;
use super::ui::{Effect, Ui};
use super::view::{self, Look};
use super::world::World;

fn look() -> Look {
    Look {
        from: "http://127.0.0.1:9797".to_owned(),
        colour: true,
    }
}

/// Presses keys as the session does; the pool that is opened is told of.
fn press(world: &mut World, ui: &mut Ui, now: Instant, keys: &[KeyCode]) -> Effect {
    let mut effect = Effect::None;
    draw(world, ui, now, (80, 24));
    for code in keys {
        let key = KeyEvent::new(*code, KeyModifiers::NONE);
        for action in keys::actions(key, ui) {
            effect = ui.act(action, world, now);
        }
        let looked_at = world.detail.as_ref().map(|detail| detail.name.clone());
        if ui.subject() != looked_at.as_deref() {
            match ui.subject().map(str::to_owned) {
                Some(name) => samples::tell(world, &name),
                None => world.look_at(None),
            }
        }
        draw(world, ui, now, (80, 24));
    }
    effect
}

/// Draws as the session does, and gives the screen's text.
fn draw(world: &World, ui: &mut Ui, now: Instant, (width, height): (u16, u16)) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    let mut seen = None;
    terminal
        .draw(|frame| seen = Some(view::draw(frame.buffer_mut(), world, ui, &look(), now)))
        .unwrap();
    ui.saw(seen.unwrap());
    text(terminal.backend().buffer())
}

fn buffer(
    world: &World,
    ui: &Ui,
    look: &Look,
    now: Instant,
    (width, height): (u16, u16),
) -> Buffer {
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    view::draw(&mut buffer, world, ui, look, now);
    buffer
}

fn text(buffer: &Buffer) -> String {
    let rows = buffer.content.chunks(usize::from(buffer.area.width).max(1));
    let line = |row: &[ratatui_core::buffer::Cell]| {
        let text: String = row.iter().map(ratatui_core::buffer::Cell::symbol).collect();
        text.trim_end().to_owned() + "\n"
    };
    rows.map(line).collect()
}
