//! Text that is scrolled.

use ratatui_core::buffer::Buffer;
use ratatui_core::layout::Rect;
use ratatui_core::text::Line;

use super::styles;
use super::table::put;
use crate::top::ui::{Cursor, Seen};

/// Columns beyond which lines are hard to read.
pub(super) const WIDEST: usize = 120;

/// Draws what there is room for from the cursor on; the last line says if there is more.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, lines: &[Line<'_>], cursor: Cursor) -> Seen {
    let height = usize::from(area.height);
    let cursor = cursor.of_text(lines.len(), height);
    for (y, line) in (0..area.height).zip(lines.iter().skip(cursor.top)) {
        put(buffer, area, 0, y, line, area.width.into());
    }
    let below = lines.len().saturating_sub(cursor.top + height);
    if below > 0 && height > 2 {
        let last = Rect {
            y: area.bottom() - 1,
            height: 1,
            ..area
        };
        let note = format!(
            "{:<width$}",
            format!("↓ {} more lines", below + 1),
            width = usize::from(area.width)
        );
        put(
            buffer,
            last,
            0,
            0,
            &Line::styled(note, styles::FAINT),
            area.width.into(),
        );
    }
    Seen {
        cursor,
        count: lines.len(),
        height,
    }
}
