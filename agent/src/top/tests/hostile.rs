//! Names that somebody chose to do damage.

use super::buffer;
use crate::top::feed::News;
use crate::top::samples;
use crate::top::tests::look;

const NAMES: [&str; 6] = [
    "a\u{1b}]0;owned\u{7}\u{1b}[2J",
    "b\u{202e}drawkcab",
    "c\r\nd\te",
    "東京東京東京東京東京東京東京東京東京東京東京東京東京東京東京東京東京東京",
    "z\u{300}\u{301}\u{302}\u{303}\u{304}a\u{200d}l\u{200b}g\u{fe0f}o",
    "עברית العربية",
];

#[test]
fn they_are_drawn_harmless_and_everything_stays_in_its_column() {
    let (mut world, mut ui, now) = samples::world();
    let rows: Vec<_> = NAMES
        .iter()
        .map(|name| {
            let mut row = samples::row(name, "skewed", &[400, 100, 300, 200]);
            row["worst"]["address"] = (*name).into();
            row
        })
        .collect();
    world.take(News::Opened, now);
    world.take(samples::news("pools", &samples::pools(&rows)), now);
    world.take(samples::news("incidents", &samples::incidents(&NAMES)), now);
    ui.follow(&world, true, now);
    for width in [40, 80, 120, 200] {
        let drawn = buffer(&world, &ui, &look(), now, (width, 24));
        for cell in &drawn.content {
            assert!(
                !cell.symbol().contains(|letter: char| letter.is_control()),
                "{cell:?}"
            );
            assert!(
                !cell
                    .symbol()
                    .contains(['\u{202e}', '\u{200d}', '\u{200b}', '\u{fe0f}']),
                "{cell:?}"
            );
        }
        let words = |column: u16| {
            let rows = 4..4 + u16::try_from(NAMES.len()).unwrap();
            rows.map(move |row| drawn.cell((column, row)).unwrap().symbol().to_owned())
        };
        assert!(words(0).all(|symbol| symbol == "▲"), "{width}");
        if width >= 80 {
            let text = super::text(&buffer(&world, &ui, &look(), now, (width, 24)));
            let of_signal = text.lines().nth(3).unwrap().find("SIGNAL").unwrap();
            let column =
                u16::try_from(text.lines().nth(3).unwrap()[..of_signal].chars().count()).unwrap();
            let drawn = buffer(&world, &ui, &look(), now, (width, 24));
            for row in 4..4 + u16::try_from(NAMES.len()).unwrap() {
                let cell: String = (column..column + 6)
                    .map(|column| drawn.cell((column, row)).unwrap().symbol())
                    .collect();
                assert_eq!(cell, "opened", "{width} {row}");
            }
        }
    }
}
