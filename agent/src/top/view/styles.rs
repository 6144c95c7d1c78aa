//! How things look. Only the sixteen colours that every terminal has, as its user has set them; whatever a colour tells, a shape or a
//! word beside it tells as well.

use ratatui_core::style::{Color, Modifier, Style};

use crate::model::Verdict;
use crate::top::feed::Mark;

pub(super) const PLAIN: Style = Style::new();
pub(super) const STRONG: Style = Style::new().add_modifier(Modifier::BOLD);
pub(super) const FAINT: Style = Style::new().add_modifier(Modifier::DIM);
pub(super) const ALARM: Style = Style::new()
    .fg(Color::LightRed)
    .add_modifier(Modifier::BOLD);
pub(super) const WARNING: Style = Style::new().fg(Color::Yellow);
pub(super) const GOOD: Style = Style::new().fg(Color::Green);
/// Bars of shares that are as they should be.
pub(super) const BAR: Style = Style::new().fg(Color::Cyan);
pub(super) const HOT: Style = Style::new().fg(Color::LightRed);
pub(super) const COLD: Style = Style::new().fg(Color::LightBlue);
pub(super) const FAILING: Style = Style::new().fg(Color::LightMagenta);
pub(super) const CHOSEN: Style = Style::new().add_modifier(Modifier::REVERSED);

/// Shape and style of a verdict.
pub(super) const fn verdict(verdict: Verdict) -> (&'static str, Style) {
    match verdict {
        Verdict::Skewed => ("▲", ALARM),
        Verdict::Suspect => ("◆", WARNING),
        Verdict::Unknown => ("○", FAINT),
        Verdict::Even => ("●", GOOD),
    }
}

/// Shape and style of what is found of a backend.
pub(super) const fn mark(mark: Mark) -> (&'static str, Style) {
    match mark {
        Mark::Hot => ("▲", HOT),
        Mark::Cold => ("▼", COLD),
        Mark::Failing => ("✕", FAILING),
        Mark::None => (" ", PLAIN),
    }
}

/// How a backend's bar looks.
pub(super) const fn bar(found: Mark) -> Style {
    match found {
        Mark::None => BAR,
        found => mark(found).1,
    }
}
