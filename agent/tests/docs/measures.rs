//! The worked examples of docs/measures.md, computed.

use std::fmt::Write as _;

use evenkeel_skew::{Expected, Measures, Meter};

use crate::generated;

const DOCUMENT: &str = "docs/measures.md";

/// What is the case, weights, and new connections of a window.
type Example = (&'static str, &'static [f64], &'static [u64]);

const EXAMPLES: [Example; 8] = [
    ("even", &[1.0; 4], &[250, 250, 250, 250]),
    ("a little off", &[1.0; 4], &[275, 250, 250, 225]),
    (
        "one gets twice what each other gets",
        &[1.0; 4],
        &[400, 200, 200, 200],
    ),
    (
        "one has weight 5 by mistake",
        &[1.0; 4],
        &[625, 125, 125, 125],
    ),
    ("one gets nothing", &[1.0; 4], &[334, 333, 333, 0]),
    ("weights 3 and 1, kept", &[3.0, 1.0], &[750, 250]),
    ("weights 3 and 1, lost", &[3.0, 1.0], &[500, 500]),
    ("a fair lot, with few connections", &[1.0; 4], &[8, 5, 4, 3]),
];

fn measures(weights: &[f64], counts: &[u64]) -> Measures {
    let expected = Expected::from_weights(weights).unwrap();
    Meter::new().measure(&expected, counts).unwrap().unwrap()
}

#[test]
fn generated_worked_examples() {
    let mut table =
        "| case | connections | max/mean | min/mean | Gini | by chance | CV | wasted capacity |\n\
                     |---|---|---:|---:|---:|---:|---:|---:|\n"
            .to_owned();
    for (case, weights, counts) in EXAMPLES {
        let of = measures(weights, counts);
        let counts: Vec<String> = counts.iter().map(u64::to_string).collect();
        writeln!(
            table,
            "| {case} | {} | {:.2} | {:.2} | {:.3} | {:.3} | {:.2} | {:.0} % |",
            counts.join(", "),
            of.max_to_mean,
            of.min_to_mean,
            of.gini,
            of.gini_by_chance,
            of.cv,
            100.0 * of.wasted_capacity
        )
        .unwrap();
    }
    generated::check(DOCUMENT, "worked examples", &table);
}

/// A pool of so many backends, of which one gets twice what each other gets.
fn doubled(backends: usize) -> Measures {
    let mut counts = vec![1000; backends];
    counts[0] = 2000;
    measures(&vec![1.0; backends], &counts)
}

#[test]
fn generated_size_of_a_doubling() {
    let mut table = "| backends | its share | max/mean | Gini | wasted capacity |\n|---:|---:|---:|---:|---:|\n".to_owned();
    for backends in [2, 3, 5, 10, 50] {
        let of = doubled(backends);
        let share = 100.0 * of.max_to_mean / backends as f64;
        writeln!(
            table,
            "| {backends} | {share:.0} % | {:.2} | {:.3} | {:.0} % |",
            of.max_to_mean,
            of.gini,
            100.0 * of.wasted_capacity
        )
        .unwrap();
    }
    generated::check(DOCUMENT, "a doubling", &table);
}

#[test]
fn generated_gini_by_chance() {
    let sizes = [20.0, 100.0, 1000.0, 10_000.0];
    let mut table =
        "| backends | 20 connections | 100 | 1,000 | 10,000 |\n|---:|---:|---:|---:|---:|\n"
            .to_owned();
    for backends in [2, 4, 10, 50] {
        let expected = Expected::from_weights(&vec![1.0; backends]).unwrap();
        let cells = sizes.map(|size| format!("{:.3}", expected.gini_by_chance(size, 1.0)));
        writeln!(table, "| {backends} | {} |", cells.join(" | ")).unwrap();
    }
    generated::check(DOCUMENT, "Gini by chance", &table);
}
