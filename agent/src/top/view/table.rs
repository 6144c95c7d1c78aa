//! Rows and columns: which columns there is room for, and how wide they are.

use ratatui_core::buffer::Buffer;
use ratatui_core::layout::Rect;
use ratatui_core::text::Line;

use super::styles;
use crate::top::plain::{fitted, width};
use crate::top::ui::{Cursor, Seen};

/// Columns of text that are left out later than this hold names.
const NAMES: u8 = 2;

/// A column.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    /// What stands above it if there is room, and if not.
    title: (&'static str, &'static str),
    /// How narrow it may be, and how wide it is useful.
    widths: (usize, usize),
    align: Align,
    /// The column with the highest number is left out first; 0 stays.
    spare: u8,
    /// Whether rows are ordered by it, and if so whether the other way round.
    sorted: Option<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Align {
    Left,
    Right,
    /// A picture: on the left, and never drawn in reverse.
    Picture,
}

impl Column {
    pub(super) fn text(title: &'static str, widths: (usize, usize), spare: u8) -> Self {
        Self::new((title, title), widths, Align::Left, spare)
    }

    pub(super) fn picture(
        title: (&'static str, &'static str),
        widths: (usize, usize),
        spare: u8,
    ) -> Self {
        Self::new(title, widths, Align::Picture, spare)
    }

    /// A column of numbers of at most so many digits.
    pub(super) fn number(title: (&'static str, &'static str), digits: usize, spare: u8) -> Self {
        let least = digits.max(width(title.1));
        Self::new(
            title,
            (least, least.max(width(title.0))),
            Align::Right,
            spare,
        )
    }

    fn new(
        title: (&'static str, &'static str),
        widths: (usize, usize),
        align: Align,
        spare: u8,
    ) -> Self {
        let (least, most) = widths;
        Self {
            title,
            widths: (least, most.max(least)),
            align,
            spare,
            sorted: None,
        }
    }

    pub(super) fn sorted_if(mut self, sorted: bool, reversed: bool) -> Self {
        self.sorted = sorted.then_some(reversed);
        self
    }
}

/// How wide each column is; 0 for those that are left out. One column stays free between two.
fn widths(columns: &[Column], room: usize) -> Vec<usize> {
    let mut widths: Vec<usize> = columns.iter().map(|column| column.widths.0).collect();
    let used = |widths: &[usize]| {
        let shown = widths.iter().filter(|width| **width > 0);
        shown
            .map(|width| width + 1)
            .sum::<usize>()
            .saturating_sub(1)
    };
    while used(&widths) > room {
        let shown =
            (0..columns.len()).filter(|place| widths[*place] > 0 && columns[*place].spare > 0);
        let Some(last) = shown.max_by_key(|place| columns[*place].spare) else {
            break;
        };
        widths[last] = 0;
    }
    let mut left = room.saturating_sub(used(&widths));
    // Names first: what is cut of them is lost.
    for names in [true, false] {
        while left > 0 {
            let before = left;
            for (width, column) in widths.iter_mut().zip(columns) {
                let is_name = column.align == Align::Left && column.spare <= NAMES;
                if is_name == names && *width > 0 && *width < column.widths.1 && left > 0 {
                    *width += 1;
                    left -= 1;
                }
            }
            if left == before {
                break;
            }
        }
    }
    widths
}

/// Draws titles and as many of `count` rows as there is room for; `cells` gives those of a row, for columns of these widths.
pub(super) fn draw(
    buffer: &mut Buffer,
    area: Rect,
    columns: &[Column],
    (count, cursor): (usize, Option<Cursor>),
    mut cells: impl FnMut(usize, &[usize]) -> Vec<Line<'static>>,
) -> Seen {
    let widths = widths(columns, area.width.into());
    let height = usize::from(area.height.saturating_sub(1));
    let chosen = cursor.is_some();
    let cursor = cursor.unwrap_or_default().within(count, height);
    if area.height == 0 {
        return Seen {
            cursor,
            count,
            height,
        };
    }
    let titles = columns
        .iter()
        .zip(&widths)
        .map(|(column, width)| title(column, *width));
    draw_row(
        buffer,
        area,
        0,
        columns,
        &widths,
        &titles.collect::<Vec<_>>(),
    );
    let last = count.min(cursor.top + height);
    for (line, place) in (1..).zip(cursor.top..last) {
        draw_row(buffer, area, line, columns, &widths, &cells(place, &widths));
        if chosen && place == cursor.at {
            choose(buffer, area, line, columns, &widths);
        }
    }
    Seen {
        cursor,
        count,
        height,
    }
}

fn title(column: &Column, room: usize) -> Line<'static> {
    let (long, brief) = column.title;
    let arrow = match column.sorted {
        Some(false) => "↓",
        Some(true) => "↑",
        None => "",
    };
    let fits = |title: &str| width(title) + width(arrow) <= room;
    let title = if fits(long) { long } else { brief };
    let text = if fits(title) {
        format!("{title}{arrow}")
    } else {
        format!("{arrow}{title}")
    };
    let style = if arrow.is_empty() {
        styles::FAINT
    } else {
        styles::STRONG
    };
    Line::styled(fitted(&text, room).into_owned(), style)
}

fn draw_row(
    buffer: &mut Buffer,
    area: Rect,
    line: u16,
    columns: &[Column],
    widths: &[usize],
    cells: &[Line<'_>],
) {
    let mut x = 0;
    for ((column, width), cell) in columns.iter().zip(widths).zip(cells) {
        if *width == 0 {
            continue;
        }
        let before = if column.align == Align::Right {
            width.saturating_sub(cell.width())
        } else {
            0
        };
        put(buffer, area, x + before, line, cell, width - before);
        x += width + 1;
    }
}

/// Marks a row as the one that keys are about.
fn choose(buffer: &mut Buffer, area: Rect, line: u16, columns: &[Column], widths: &[usize]) {
    let mut x = 0;
    for (column, width) in columns.iter().zip(widths).filter(|(_, width)| **width > 0) {
        let picture = column.align == Align::Picture;
        let wide = if picture { 0 } else { width + 1 };
        let part = Rect {
            x: area.x.saturating_add(narrow(x)),
            y: area.y + line,
            width: narrow(wide),
            height: 1,
        };
        buffer.set_style(part.intersection(area), styles::CHOSEN);
        x += width + 1;
    }
}

/// Writes a line at a place of the area, and nothing beyond `room` and the area.
pub(super) fn put(buffer: &mut Buffer, area: Rect, x: usize, y: u16, line: &Line<'_>, room: usize) {
    let room = room.min(usize::from(area.width).saturating_sub(x));
    if y < area.height && room > 0 {
        buffer.set_line(area.x + narrow(x), area.y + y, line, narrow(room));
    }
}

/// A number of columns as the buffer has them.
pub(super) fn narrow(columns: usize) -> u16 {
    u16::try_from(columns).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_left_out_before_they_are_too_narrow_and_grow_while_it_is_useful() {
        let columns = [
            Column::text("NAME", (4, 9), 0),
            Column::number(("RATE", "RATE"), 6, 2),
            Column::number(("EXTRA", "EXTRA"), 5, 9),
        ];
        assert_eq!(widths(&columns, 100), [9, 6, 5]);
        assert_eq!(widths(&columns, 18), [5, 6, 5]);
        assert_eq!(widths(&columns, 16), [9, 6, 0]);
        assert_eq!(widths(&columns, 8), [8, 0, 0]);
        assert_eq!(widths(&columns, 1), [4, 0, 0]);
    }
}
