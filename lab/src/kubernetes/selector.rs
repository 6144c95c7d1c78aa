//! Selectors of labels and fields, as the API has them: `a=b`, `a!=b`, `a in (b,c)`, `a notin (b)`, `a`, `!a`.

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

/// What a client selects.
#[derive(Clone, Debug, Default)]
pub(super) struct Selector {
    labels: Vec<Requirement>,
    fields: Vec<(String, String)>,
}

#[derive(Clone, Debug)]
struct Requirement {
    key: String,
    /// `None`: the label is there.
    values: Option<Vec<String>>,
    negated: bool,
}

impl Selector {
    pub(super) fn parse(labels: Option<&str>, fields: Option<&str>) -> Result<Self> {
        let labels = labels.map_or_else(Vec::new, requirements);
        let fields = fields.into_iter().flat_map(|fields| fields.split(','));
        let field = |field: &str| {
            let (name, value) = field.split_once('=').context("a field needs a value")?;
            if !matches!(
                name,
                "spec.nodeName" | "metadata.name" | "metadata.namespace"
            ) {
                bail!("field label not supported: {name}");
            }
            Ok((name.to_owned(), value.trim_start_matches('=').to_owned()))
        };
        Ok(Self {
            labels: labels
                .into_iter()
                .map(|text| Requirement::parse(&text))
                .collect::<Result<_>>()?,
            fields: fields.map(field).collect::<Result<_>>()?,
        })
    }

    pub(super) fn matches(&self, object: &Value) -> bool {
        let labels = &object["metadata"]["labels"];
        let field = |(name, value): &(String, String)| {
            let pointer = format!("/{}", name.replace('.', "/"));
            object.pointer(&pointer).and_then(Value::as_str) == Some(value)
        };
        self.labels.iter().all(|it| it.matches(labels)) && self.fields.iter().all(field)
    }
}

/// The parts of a selector: commas within brackets part values.
fn requirements(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut depth = 0_u32;
    for char in text.chars() {
        match char {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(last) = parts.last_mut() {
            last.push(char);
        }
    }
    parts
}

impl Requirement {
    fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        let new = |key: &str, values: Option<&str>, negated| {
            let values = values.map(|values| values.split(',').map(|it| it.trim().to_owned()));
            Self {
                key: key.trim().to_owned(),
                values: values.map(Iterator::collect),
                negated,
            }
        };
        let set = |word: &str| {
            let (key, rest) = text.split_once(word)?;
            let values = rest.trim().strip_prefix('(')?.strip_suffix(')')?;
            Some((key, values))
        };
        Ok(if let Some((key, values)) = set(" notin ") {
            new(key, Some(values), true)
        } else if let Some((key, values)) = set(" in ") {
            new(key, Some(values), false)
        } else if let Some((key, value)) = text.split_once("!=") {
            new(key, Some(value), true)
        } else if let Some((key, value)) = text.split_once('=') {
            new(key, Some(value.trim_start_matches('=')), false)
        } else if let Some(key) = text.strip_prefix('!') {
            new(key, None, true)
        } else if text.is_empty() || text.contains([' ', '(', ')']) {
            bail!("unable to parse requirement: {text}");
        } else {
            new(text, None, false)
        })
    }

    fn matches(&self, labels: &Value) -> bool {
        let label = labels[self.key.as_str()].as_str();
        let found = match &self.values {
            None => label.is_some(),
            Some(values) => label.is_some_and(|label| values.iter().any(|value| value == label)),
        };
        found != self.negated
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn selectors_are_those_of_the_api() {
        let object = json!({"metadata": {"name": "a", "labels": {"app": "checkout", "tier": "web"}}, "spec": {"nodeName": "n1"}});
        let matches = |labels| {
            Selector::parse(Some(labels), None)
                .unwrap()
                .matches(&object)
        };
        for yes in [
            "app=checkout",
            "app==checkout,tier in (web, db)",
            "tier",
            "!gone",
            "app!=cart",
            "gone notin (a,b)",
        ] {
            assert!(matches(yes), "{yes}");
        }
        for no in ["app=cart", "app=checkout,gone", "!tier", "tier notin (web)"] {
            assert!(!matches(no), "{no}");
        }
        let field = |field| Selector::parse(None, Some(field)).map(|it| it.matches(&object));
        assert!(field("spec.nodeName=n1").unwrap());
        assert!(!field("spec.nodeName=n2").unwrap());
        assert!(field("spec.color=red").is_err());
        assert!(Selector::parse(Some("a in b"), None).is_err());
    }
}
