//! What a key asks for.

use ratatui_crossterm::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::order::Column;
use super::ui::{Among, Place, Ui};

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// So many rows down.
    Move(isize),
    /// So many halves of a screen down.
    Page(isize),
    First,
    Last,
    Open,
    /// Where one came from.
    Back,
    Quit,
    /// Stop until the shell says to go on.
    Suspend,
    Redraw,
    Help,
    Incidents,
    Sort(Column),
    /// By the column so many further.
    SortBy(isize),
    Reverse,
    Among(Among),
    /// The next signal of the pool.
    Signal,
    /// The other half of what is told of a pool.
    Pane,
    /// Begin to type what is looked for.
    Search,
    Type(char),
    Erase,
    EraseAll,
    /// Keep what was typed.
    Keep,
    /// Forget what was typed.
    Forget,
}

/// What the key asks for where the user is. A terminal sends Alt with a key as it sends Escape and that key soon after, and the
/// latter is what is meant here.
pub(super) fn actions(mut key: KeyEvent, ui: &Ui) -> Vec<Action> {
    let mut actions = Vec::new();
    if key.modifiers.contains(KeyModifiers::ALT) {
        key.modifiers.remove(KeyModifiers::ALT);
        let escape = KeyEvent::new(KeyCode::Esc, KeyModifiers::NONE);
        actions.extend(action(escape, ui));
    }
    actions.extend(action(key, ui));
    actions
}

fn action(key: KeyEvent, ui: &Ui) -> Option<Action> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return with_control(key.code, ui);
    }
    if ui.typing {
        return typed(key.code);
    }
    anywhere(key.code).or_else(|| match ui.place() {
        None => of_pools(key.code),
        Some(Place::Pool(_)) => of_backends(key.code),
        Some(Place::Incidents(_) | Place::Incident(..) | Place::Help(_)) => None,
    })
}

fn with_control(code: KeyCode, ui: &Ui) -> Option<Action> {
    match code {
        KeyCode::Char('c') => Some(Action::Quit),
        KeyCode::Char('z') => Some(Action::Suspend),
        KeyCode::Char('l') => Some(Action::Redraw),
        KeyCode::Char('u') if ui.typing => Some(Action::EraseAll),
        KeyCode::Char('h') if ui.typing => Some(Action::Erase),
        KeyCode::Char('d') => Some(Action::Page(1)),
        KeyCode::Char('u') => Some(Action::Page(-1)),
        KeyCode::Char('f') => Some(Action::Page(2)),
        KeyCode::Char('b') => Some(Action::Page(-2)),
        _ => None,
    }
}

fn typed(code: KeyCode) -> Option<Action> {
    match code {
        KeyCode::Char(letter) => Some(Action::Type(letter)),
        KeyCode::Backspace => Some(Action::Erase),
        KeyCode::Enter => Some(Action::Keep),
        KeyCode::Esc => Some(Action::Forget),
        KeyCode::Down => Some(Action::Move(1)),
        KeyCode::Up => Some(Action::Move(-1)),
        _ => None,
    }
}

fn anywhere(code: KeyCode) -> Option<Action> {
    match code {
        KeyCode::Down | KeyCode::Char('j') => Some(Action::Move(1)),
        KeyCode::Up | KeyCode::Char('k') => Some(Action::Move(-1)),
        KeyCode::PageDown | KeyCode::Char(' ') => Some(Action::Page(2)),
        KeyCode::PageUp => Some(Action::Page(-2)),
        KeyCode::Home => Some(Action::First),
        KeyCode::End | KeyCode::Char('G') => Some(Action::Last),
        KeyCode::Enter => Some(Action::Open),
        KeyCode::Esc | KeyCode::Backspace => Some(Action::Back),
        KeyCode::Char('q') => Some(Action::Quit),
        KeyCode::Char('?') | KeyCode::F(1) => Some(Action::Help),
        KeyCode::Char('i') => Some(Action::Incidents),
        KeyCode::Char('/') => Some(Action::Search),
        _ => None,
    }
}

fn of_pools(code: KeyCode) -> Option<Action> {
    let column = match code {
        KeyCode::Left | KeyCode::Char('h' | '<') => return Some(Action::SortBy(-1)),
        KeyCode::Right | KeyCode::Char('l' | '>') => return Some(Action::SortBy(1)),
        KeyCode::Char('r') => return Some(Action::Reverse),
        KeyCode::Char('v') => Column::Verdict,
        KeyCode::Char('n') => Column::Name,
        KeyCode::Char('m') => Column::MaxMean,
        KeyCode::Char('g') => Column::Gini,
        KeyCode::Char('o') => Column::Opened,
        KeyCode::Char('a') => Column::Active,
        KeyCode::Char('b') => Column::Backends,
        _ => return None,
    };
    Some(Action::Sort(column))
}

fn of_backends(code: KeyCode) -> Option<Action> {
    let among = match code {
        KeyCode::Tab | KeyCode::BackTab => return Some(Action::Pane),
        KeyCode::Char('s') => return Some(Action::Signal),
        KeyCode::Char('r') => return Some(Action::Reverse),
        KeyCode::Char('v') => Among::Off,
        KeyCode::Char('n') => Among::Name,
        KeyCode::Char('o') => Among::Share,
        KeyCode::Char('a') => Among::Active,
        KeyCode::Char('b') => Among::Bytes,
        KeyCode::Char('f') => Among::Failed,
        KeyCode::Char('t') => Among::Handshake,
        _ => return None,
    };
    Some(Action::Among(among))
}
