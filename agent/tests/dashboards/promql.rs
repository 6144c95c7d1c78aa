//! As much of PromQL as is needed to know what an expression asks for.

use std::collections::{BTreeMap, BTreeSet};

/// Words of the language that stand where a metric could.
const KEYWORDS: [&str; 7] = ["and", "bool", "inf", "nan", "offset", "or", "unless"];

/// What takes a list of labels in parentheses.
const BEFORE_LABELS: [&str; 6] = [
    "by",
    "group_left",
    "group_right",
    "ignoring",
    "on",
    "without",
];

/// The selectors of an expression: metrics with their matchers, without ranges.
pub(crate) fn selectors(expression: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut rest = expression;
    while let Some(first) = rest.chars().next() {
        if first.is_ascii_alphabetic() || first == '_' || first == ':' {
            let (word, after) = split_word(rest);
            rest = after;
            let next = after.trim_start();
            if BEFORE_LABELS.contains(&word) {
                rest = next.split_once(')').unwrap().1;
            } else if !is_called(next) && !KEYWORDS.contains(&word) {
                let matchers = matchers(after);
                rest = &after[matchers.len()..];
                found.insert(format!("{word}{matchers}"));
            }
        } else if first == '[' {
            rest = rest.split_once(']').unwrap().1;
        } else if first.is_ascii_digit() {
            rest = rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '.');
        } else {
            rest = &rest[first.len_utf8()..];
        }
    }
    found
}

/// The metrics of an expression.
pub(crate) fn metrics(expression: &str) -> BTreeSet<String> {
    let name = |selector: String| selector.split('{').next().unwrap().to_owned();
    selectors(expression).into_iter().map(name).collect()
}

/// Whether what stands before `next` is a function or an aggregation.
fn is_called(next: &str) -> bool {
    next.starts_with('(') || ["by", "without"].contains(&split_word(next).0)
}

fn split_word(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != ':');
    text.split_at(end.unwrap_or(text.len()))
}

/// The matchers in braces with which `text` begins, or nothing.
fn matchers(text: &str) -> &str {
    if !text.starts_with('{') {
        return "";
    }
    let mut quoted = false;
    let end = text.find(|c: char| {
        quoted ^= c == '"';
        c == '}' && !quoted
    });
    &text[..=end.unwrap()]
}

/// The variables of Grafana that a text uses, as in `$name`, `${name}` and `${name:format}`; those that Grafana has of
/// itself, which begin with `__`, are left out.
pub(crate) fn variables(text: &str) -> BTreeSet<String> {
    let after = text.split('$').skip(1);
    let names = after.map(|after| split_word(after.trim_start_matches('{')).0);
    let names = names.map(|name| name.split(':').next().unwrap());
    names
        .filter(|name| !name.is_empty() && !name.starts_with("__"))
        .map(str::to_owned)
        .collect()
}

/// An expression with the values of its variables, as Prometheus gets it from Grafana.
pub(crate) fn substituted(expression: &str, values: &BTreeMap<&str, String>) -> String {
    // The longest names first: none is the beginning of one that comes later.
    let mut names: Vec<&&str> = values.keys().collect();
    names.sort_by_key(|name| std::cmp::Reverse(name.len()));
    let whole = names.iter().fold(expression.to_owned(), |text, name| {
        text.replace(&format!("${name}"), &values[**name])
    });
    assert!(!whole.contains('$'), "{whole}");
    whole
}

#[test]
fn selectors_are_told_from_functions_keywords_and_labels() {
    let expression = "sum by (pool, role) (rate(a_total{pool=\"x} y\", b=~\"c\"}[5m]) * on (job) group_left () l:b:c)\n\
                      / (300 * max without (signal) (d) > 1e3) unless on (pool) time() - e == bool 2";
    let expected = ["a_total{pool=\"x} y\", b=~\"c\"}", "d", "e", "l:b:c"];
    assert_eq!(selectors(expression), expected.map(str::to_owned).into());
    assert_eq!(
        metrics(expression),
        ["a_total", "d", "e", "l:b:c"].map(str::to_owned).into()
    );
}

#[test]
fn variables_are_found_and_replaced() {
    let text = "a{b=\"$pool\", c=~\"$pool_x\"}[$__rate_interval] ${datasource} ${job:queryparam}";
    assert_eq!(
        variables(text),
        ["datasource", "job", "pool", "pool_x"]
            .map(str::to_owned)
            .into()
    );
    let values = [("pool", "P"), ("pool_x", "X"), ("__rate_interval", "5m")];
    let values = values.map(|(name, value)| (name, value.to_owned())).into();
    assert_eq!(
        substituted("a{b=\"$pool\", c=~\"$pool_x\"}[$__rate_interval]", &values),
        "a{b=\"P\", c=~\"X\"}[5m]"
    );
}
