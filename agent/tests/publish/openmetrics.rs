//! A strict reader of OpenMetrics text: it refuses what the specification forbids, as far as the agent could do it.

use std::collections::{BTreeMap, BTreeSet};

/// Labels by name, unescaped.
pub(crate) type Labels = BTreeMap<String, String>;

/// One line with a value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) labels: Labels,
    pub(crate) value: f64,
}

/// One metric family.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Family {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) help: String,
    pub(crate) unit: Option<String>,
    pub(crate) samples: Vec<Sample>,
}

/// A whole exposition.
#[derive(Clone, Debug)]
pub(crate) struct Exposition {
    pub(crate) families: Vec<Family>,
}

impl Exposition {
    /// Reads `text`, or says what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let body = text
            .strip_suffix("# EOF\n")
            .ok_or("does not end with # EOF")?;
        let mut families: Vec<Family> = Vec::new();
        for line in body.lines() {
            add_line(&mut families, line).map_err(|error| format!("{error}: {line}"))?;
        }
        let exposition = Self { families };
        exposition.check()?;
        Ok(exposition)
    }

    /// All samples called `name`.
    pub(crate) fn samples(&self, name: &str) -> Vec<&Sample> {
        let all = self.families.iter().flat_map(|family| &family.samples);
        all.filter(|sample| sample.name == name).collect()
    }

    /// The value of the only sample called `name` that has at least `labels`.
    pub(crate) fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let has = |sample: &&&Sample| {
            labels
                .iter()
                .all(|(key, value)| sample.labels.get(*key).is_some_and(|v| v == value))
        };
        let samples = self.samples(name);
        let found: Vec<_> = samples.iter().filter(has).collect();
        assert_eq!(found.len(), 1, "{name} with {labels:?}");
        found[0].value
    }

    /// Fails unless the only sample called `name` that has at least `labels` is `wanted`.
    #[track_caller]
    pub(crate) fn assert_is(&self, name: &str, labels: &[(&str, &str)], wanted: f64) {
        let value = self.value(name, labels);
        assert!(
            value.total_cmp(&wanted).is_eq(),
            "{name} is {value}, not {wanted}"
        );
    }

    fn check(&self) -> Result<(), String> {
        let mut names = BTreeSet::new();
        let mut series = BTreeSet::new();
        for family in &self.families {
            let name = &family.name;
            if !names.insert(name) {
                return Err(format!("{name} is declared twice or interleaved"));
            }
            if family.help.is_empty() || family.kind.is_empty() {
                return Err(format!("{name} lacks HELP or TYPE"));
            }
            if let Some(unit) = &family.unit
                && !name.ends_with(&format!("_{unit}"))
            {
                return Err(format!("the unit of {name} is {unit}"));
            }
            for sample in &family.samples {
                check_sample(family, sample)?;
                if !series.insert((&sample.name, &sample.labels)) {
                    return Err(format!(
                        "two samples of {} {:?}",
                        sample.name, sample.labels
                    ));
                }
            }
        }
        Ok(())
    }
}

/// The suffixes that samples of a type may have.
fn suffixes(kind: &str) -> &'static [&'static str] {
    match kind {
        "counter" => &["_total"],
        "gauge" => &[""],
        "info" => &["_info"],
        "summary" => &["_sum", "_count"],
        _ => &[],
    }
}

fn check_sample(family: &Family, sample: &Sample) -> Result<(), String> {
    let suffix = sample.name.strip_prefix(family.name.as_str());
    if !suffix.is_some_and(|suffix| suffixes(&family.kind).contains(&suffix)) {
        return Err(format!(
            "{} does not belong to the {} {}",
            sample.name, family.kind, family.name
        ));
    }
    let counts = family.kind != "gauge";
    if !sample.value.is_finite() || (counts && sample.value < 0.0) {
        return Err(format!("{} is {}", sample.name, sample.value));
    }
    Ok(())
}

fn add_line(families: &mut Vec<Family>, line: &str) -> Result<(), String> {
    if let Some(comment) = line.strip_prefix("# ") {
        let mut words = comment.splitn(3, ' ');
        let mut word = || words.next().ok_or("too few words");
        let (keyword, name, rest) = (word()?, word()?, word()?.to_owned());
        if families.last().is_none_or(|family| family.name != name) {
            families.push(Family {
                name: checked_name(name)?,
                ..Family::default()
            });
        }
        let family = families.last_mut().ok_or("no family")?;
        if !family.samples.is_empty() {
            return Err("a descriptor after samples".to_owned());
        }
        match keyword {
            "HELP" if family.help.is_empty() => family.help = rest,
            "TYPE" if family.kind.is_empty() => family.kind = rest,
            "UNIT" if family.unit.is_none() => family.unit = Some(rest),
            other => return Err(format!("{other} twice or unknown")),
        }
        return Ok(());
    }
    let family = families.last_mut().ok_or("a sample without a family")?;
    family.samples.push(parse_sample(line)?);
    Ok(())
}

fn checked_name(name: &str) -> Result<String, String> {
    let plain = name
        .chars()
        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if plain && name.starts_with(|c: char| c.is_ascii_lowercase()) {
        Ok(name.to_owned())
    } else {
        Err(format!("{name:?} is no name"))
    }
}

fn parse_sample(line: &str) -> Result<Sample, String> {
    let end = line.find(['{', ' ']).ok_or("no value")?;
    let (name, rest) = line.split_at(end);
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(inside) => parse_labels(inside)?,
        None => (Labels::new(), rest),
    };
    let value = rest.strip_prefix(' ').ok_or("no space before the value")?;
    Ok(Sample {
        name: checked_name(name)?,
        labels,
        value: value
            .parse()
            .map_err(|error| format!("{value:?} is no number, {error}"))?,
    })
}

/// Reads up to and with the closing brace; returns what follows it, too.
fn parse_labels(mut rest: &str) -> Result<(Labels, &str), String> {
    let mut labels = Labels::new();
    loop {
        let (name, after) = rest.split_once("=\"").ok_or("a label without a value")?;
        let (value, after) = unescape(after)?;
        if labels.insert(checked_name(name)?, value).is_some() {
            return Err(format!("label {name} twice"));
        }
        if let Some(after) = after.strip_prefix('}') {
            return Ok((labels, after));
        }
        rest = after.strip_prefix(',').ok_or("no comma between labels")?;
    }
}

/// Reads up to and with the closing quote; returns what follows it, too.
fn unescape(text: &str) -> Result<(String, &str), String> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Ok((value, &text[at + 1..])),
            '\\' => match characters.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, escaped @ ('\\' | '"'))) => value.push(escaped),
                other => return Err(format!("unknown escape {other:?}")),
            },
            plain => value.push(plain),
        }
    }
    Err("a label value without an end".to_owned())
}

#[test]
fn the_reader_is_strict() {
    let family = "# HELP a_total X\n# TYPE a_total gauge\n";
    for (text, complaint) in [
        ("a 1\n", "# EOF"),
        ("a 1\n# EOF\n", "without a family"),
        (
            "# HELP a X\n# TYPE a counter\na 1\n# EOF\n",
            "does not belong",
        ),
        ("# TYPE a gauge\na 1\n# EOF\n", "lacks HELP"),
        (
            "# HELP a X\n# TYPE a gauge\n# UNIT a bytes\na 1\n# EOF\n",
            "unit",
        ),
        (
            "# HELP a X\n# TYPE a gauge\na{x=\"1\"} 1\na{x=\"1\"} 2\n# EOF\n",
            "two samples",
        ),
        (
            "# HELP a X\n# TYPE a gauge\na{x=\"\\t\"} 1\n# EOF\n",
            "escape",
        ),
        (
            "# HELP a X\n# TYPE a gauge\na{x=\"\"y\"} 1\n# EOF\n",
            "comma",
        ),
        ("# HELP a X\n# TYPE a gauge\na NaN\n# EOF\n", "NaN"),
    ] {
        let error = Exposition::parse(text).unwrap_err();
        assert!(error.contains(complaint), "{error} for {text}");
    }
    let twice = format!("{family}# HELP b X\n# TYPE b gauge\n{family}# EOF\n");
    assert!(Exposition::parse(&twice).unwrap_err().contains("twice"));
}
