//! What keys do.

use std::time::Duration;

use ratatui_crossterm::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::{draw, press};
use crate::model::Signal;
use crate::top::keys::{self, Action};
use crate::top::order::Column;
use crate::top::samples;
use crate::top::ui::{Among, Effect, Place};

const fn letter(letter: char) -> KeyCode {
    KeyCode::Char(letter)
}

#[test]
fn pools_are_ordered_by_any_column_and_the_other_way_round() {
    let (mut world, mut ui, now) = samples::world();
    let bad_first = ["checkout", "team-b/basket", "mail-out", "login", "search"];
    assert_eq!(
        ui.order, bad_first,
        "the worst first, and of these the most uneven"
    );
    press(&mut world, &mut ui, now, &[letter('n')]);
    assert_eq!(ui.order[0], "checkout");
    press(&mut world, &mut ui, now, &[letter('n')]);
    assert_eq!(ui.order[0], "team-b/basket");
    press(&mut world, &mut ui, now, &[letter('b')]);
    assert_eq!(
        (ui.sort.by, ui.order[0].as_str()),
        (Column::Backends, "search")
    );
    press(&mut world, &mut ui, now, &[letter('r')]);
    assert_eq!(ui.order[0], "mail-out");
    press(&mut world, &mut ui, now, &[KeyCode::Right]);
    assert_eq!(ui.sort.by, Column::Verdict);
    press(&mut world, &mut ui, now, &[KeyCode::Left, letter('h')]);
    assert_eq!(ui.sort.by, Column::Active);
}

#[test]
fn a_filter_is_typed_kept_and_cleared() {
    let (mut world, mut ui, now) = samples::world();
    press(
        &mut world,
        &mut ui,
        now,
        &[letter('/'), letter('q'), KeyCode::Backspace],
    );
    press(
        &mut world,
        &mut ui,
        now,
        &"team".chars().map(letter).collect::<Vec<_>>(),
    );
    assert_eq!(ui.order, ["team-b/basket"]);
    let drawn = draw(&world, &mut ui, now, (80, 24));
    assert!(
        drawn.contains("/team▏") && drawn.contains("1 of 5 pools"),
        "{drawn}"
    );
    let effect = press(&mut world, &mut ui, now, &[KeyCode::Enter, letter('q')]);
    assert_eq!(effect, Effect::Quit, "q is a letter only while one types");
    press(&mut world, &mut ui, now, &[KeyCode::Esc]);
    assert_eq!(ui.order.len(), 5);
    press(
        &mut world,
        &mut ui,
        now,
        &[letter('/'), letter('z'), KeyCode::Esc],
    );
    assert_eq!(ui.order.len(), 5);
}

#[test]
fn the_chosen_pool_is_followed_and_the_first_is_whichever_is_worst() {
    let (mut world, mut ui, now) = samples::world();
    press(
        &mut world,
        &mut ui,
        now,
        &[KeyCode::Down, KeyCode::Down, letter('j'), letter('k')],
    );
    assert_eq!(ui.order[ui.cursor.at], "mail-out");
    let worse = [
        samples::row("search", "skewed", &[900, 100]),
        samples::row("login", "skewed", &[800, 200]),
    ];
    let mut event = samples::pools(&worse);
    event["total"] = 5.into();
    let later = now + Duration::from_secs(1);
    let turned = world.take(samples::news("pools", &event), later);
    ui.follow(&world, turned, later);
    assert_eq!(ui.order[0], "checkout");
    assert_eq!(
        (ui.order[ui.cursor.at].as_str(), ui.cursor.at),
        ("mail-out", 4)
    );
    press(
        &mut world,
        &mut ui,
        later,
        &[KeyCode::Home, letter('G'), KeyCode::End],
    );
    assert_eq!(ui.cursor.at, 4);
    press(&mut world, &mut ui, later, &[KeyCode::Home]);
    assert_eq!(ui.cursor.at, 0);
}

#[test]
fn a_pool_an_incident_and_back() {
    let (mut world, mut ui, now) = samples::world();
    press(&mut world, &mut ui, now, &[KeyCode::Enter]);
    assert_eq!(ui.subject(), Some("checkout"));
    press(&mut world, &mut ui, now, &[letter('i'), KeyCode::Enter]);
    assert!(matches!(ui.place(), Some(Place::Incident(..))));
    // The pool of the incident is where one came from.
    press(&mut world, &mut ui, now, &[KeyCode::Enter]);
    assert!(matches!(ui.place(), Some(Place::Pool(_))));
    press(&mut world, &mut ui, now, &[letter('?')]);
    assert_eq!(
        ui.subject(),
        Some("checkout"),
        "still told of behind the help"
    );
    press(&mut world, &mut ui, now, &[letter('?'), KeyCode::Esc]);
    assert!(ui.place().is_none() && ui.subject().is_none());
    assert_eq!(
        press(&mut world, &mut ui, now, &[letter('q')]),
        Effect::Quit
    );
}

#[test]
fn backends_are_ordered_filtered_and_seen_in_each_signal() {
    let (mut world, mut ui, now) = samples::world();
    press(&mut world, &mut ui, now, &[KeyCode::Enter]);
    let drawn = draw(&world, &mut ui, now, (80, 24));
    let hot = drawn
        .lines()
        .position(|line| line.contains("▲ 198.51.100.14:8080"))
        .unwrap();
    let cold = drawn
        .lines()
        .position(|line| line.contains("▼ 198.51.100.15:8080"))
        .unwrap();
    assert!(hot < cold, "{drawn}");
    press(&mut world, &mut ui, now, &[letter('n'), letter('s')]);
    let Some(Place::Pool(place)) = ui.place() else {
        panic!("{ui:?}");
    };
    assert_eq!(
        (place.among, place.signal),
        (Among::Name, Some(Signal::Active))
    );
    press(
        &mut world,
        &mut ui,
        now,
        &[
            letter('/'),
            letter('1'),
            letter('5'),
            letter(':'),
            KeyCode::Enter,
        ],
    );
    let drawn = draw(&world, &mut ui, now, (80, 24));
    assert!(
        drawn.contains("198.51.100.15") && !drawn.contains("198.51.100.11"),
        "{drawn}"
    );
    press(&mut world, &mut ui, now, &[KeyCode::Esc]);
    assert!(matches!(ui.place(), Some(Place::Pool(place)) if place.filter.is_empty()));
}

#[test]
fn control_keys_and_escape_sequences() {
    let (_, ui, _) = samples::world();
    let control = |code| keys::actions(KeyEvent::new(code, KeyModifiers::CONTROL), &ui);
    assert_eq!(control(letter('c')), [Action::Quit]);
    assert_eq!(control(letter('z')), [Action::Suspend]);
    assert_eq!(control(letter('d')), [Action::Page(1)]);
    assert_eq!(control(letter('x')), []);
    let fast = keys::actions(KeyEvent::new(KeyCode::Enter, KeyModifiers::ALT), &ui);
    assert_eq!(
        fast,
        [Action::Back, Action::Open],
        "Escape, and Enter soon after"
    );
}
