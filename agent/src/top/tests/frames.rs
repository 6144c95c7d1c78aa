//! What is drawn, on a usual, a large and a very small terminal.

use std::time::Duration;

use ratatui_core::style::Color;
use ratatui_crossterm::crossterm::event::KeyCode;

use super::{buffer, draw, look, press};
use crate::top::feed::News;
use crate::top::samples;
use crate::top::view::Look;

const SIZES: [(u16, u16); 4] = [(80, 24), (120, 40), (40, 10), (200, 50)];

#[test]
fn every_place_on_every_size() {
    let places: [(&str, &[KeyCode]); 6] = [
        ("pools", &[]),
        ("pool", &[KeyCode::Enter]),
        ("more", &[KeyCode::Enter, KeyCode::Tab]),
        ("incidents", &[KeyCode::Char('i')]),
        ("incident", &[KeyCode::Char('i'), KeyCode::Enter]),
        ("help", &[KeyCode::Char('?')]),
    ];
    for (name, keys) in places {
        for (width, height) in SIZES {
            let (mut world, mut ui, now) = samples::world();
            press(&mut world, &mut ui, now, keys);
            let drawn = draw(&world, &mut ui, now, (width, height));
            insta::assert_snapshot!(format!("{name}-{width}x{height}"), drawn);
        }
    }
}

#[test]
fn no_terminal_is_too_small() {
    let (mut world, mut ui, now) = samples::world();
    let walks: [&[KeyCode]; 6] = [
        &[],
        &[KeyCode::Enter],
        &[KeyCode::Tab],
        &[KeyCode::Char('i')],
        &[KeyCode::Enter],
        &[KeyCode::Char('?')],
    ];
    for keys in walks {
        press(&mut world, &mut ui, now, keys);
        for width in 0..50 {
            for height in 0..14 {
                drop(buffer(&world, &ui, &look(), now, (width, height)));
            }
        }
    }
}

#[test]
fn without_colours_there_is_none_and_nothing_else_changes() {
    let (mut world, mut ui, now) = samples::world();
    for keys in [&[][..], &[KeyCode::Enter]] {
        press(&mut world, &mut ui, now, keys);
        let colours = buffer(&world, &ui, &look(), now, (120, 40));
        let grey = Look {
            colour: false,
            ..look()
        };
        let none = buffer(&world, &ui, &grey, now, (120, 40));
        assert!(colours.content.iter().any(|cell| cell.fg != Color::Reset));
        for (cell, other) in none.content.iter().zip(&colours.content) {
            assert_eq!((cell.fg, cell.bg), (Color::Reset, Color::Reset));
            assert_eq!(cell.symbol(), other.symbol());
        }
    }
}

#[test]
fn old_figures_are_called_old() {
    let (mut world, mut ui, now) = samples::world();
    world.take(
        samples::news("late", &serde_json::json!({"age_seconds": 12.0})),
        now,
    );
    let drawn = draw(&world, &mut ui, now, (80, 24));
    assert!(
        drawn.contains("◌ stale for 12 s") && drawn.contains("it does not count"),
        "{drawn}"
    );
    let why = "cannot connect: Connection refused";
    world.take(News::Lost(why.to_owned()), now);
    let later = now + Duration::from_secs(60);
    let drawn = draw(&world, &mut ui, later, (80, 24));
    assert!(
        drawn.contains("✕ agent gone for 1 min 12 s") && drawn.contains(why),
        "{drawn}"
    );
    assert!(
        drawn.contains("▲ skewed  checkout"),
        "what was seen last stays:\n{drawn}"
    );
}

#[test]
fn an_even_fleet_is_said_to_be_none_of_the_problem() {
    let (mut world, mut ui, now) = samples::world();
    let rows = [samples::row("login", "even", &[333, 334, 333])];
    world.take(News::Opened, now);
    world.take(samples::news("pools", &samples::pools(&rows)), now);
    world.take(samples::news("incidents", &samples::incidents(&[])), now);
    ui.follow(&world, true, now);
    let drawn = draw(&world, &mut ui, now, (80, 24));
    assert!(
        drawn.contains("● Every pool is even: the balancer is not your problem."),
        "{drawn}"
    );
    assert!(
        !drawn.contains("checkout"),
        "pools that a new stream does not tell of are gone:\n{drawn}"
    );
}
