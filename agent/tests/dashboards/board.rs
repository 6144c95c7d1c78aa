//! The dashboards for Grafana, as data.

use serde_json::Value;

use crate::repository;

/// A dashboard, by the name of its file without ending.
pub(crate) struct Board {
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) json: Value,
}

/// All dashboards.
pub(crate) fn boards() -> Vec<Board> {
    let folder = std::fs::read_dir(repository("dashboards/grafana")).unwrap();
    let mut boards: Vec<Board> = folder
        .map(|file| {
            let path = file.unwrap().path();
            assert_eq!(path.extension().unwrap(), "json", "{}", path.display());
            let text = std::fs::read_to_string(&path).unwrap();
            let json = serde_json::from_str(&text);
            Board {
                name: path.file_stem().unwrap().to_str().unwrap().to_owned(),
                json: json.unwrap_or_else(|error| panic!("{}: {error}", path.display())),
                text,
            }
        })
        .collect();
    boards.sort_by(|a, b| a.name.cmp(&b.name));
    boards
}

impl Board {
    /// All its panels, rows included.
    pub(crate) fn panels(&self) -> impl Iterator<Item = &Value> {
        self.json["panels"].as_array().unwrap().iter()
    }

    /// Its panels that show something.
    pub(crate) fn charts(&self) -> impl Iterator<Item = &Value> {
        self.panels().filter(|panel| panel["type"] != "row")
    }

    /// The names of its variables.
    pub(crate) fn variables(&self) -> Vec<&str> {
        let list = self.json["templating"]["list"].as_array().unwrap().iter();
        list.map(|variable| variable["name"].as_str().unwrap())
            .collect()
    }

    /// The expressions of all panels and annotations, each with the place where it stands.
    pub(crate) fn expressions(&self) -> Vec<(String, &str)> {
        let mut found = Vec::new();
        for panel in self.charts() {
            for target in panel["targets"].as_array().unwrap() {
                let place = format!("{}: {} {}", self.name, panel["title"], target["refId"]);
                found.push((place, target["expr"].as_str().unwrap()));
            }
        }
        for annotation in self.json["annotations"]["list"].as_array().unwrap() {
            let place = format!("{}: annotation {}", self.name, annotation["name"]);
            found.push((place, annotation["expr"].as_str().unwrap()));
        }
        found
    }
}

/// All texts inside a value.
pub(crate) fn strings(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(elements) => elements.iter().flat_map(strings).collect(),
        Value::Object(members) => members.values().flat_map(strings).collect(),
        _ => Vec::new(),
    }
}

/// All values of the members with this name, at any depth.
pub(crate) fn members<'a>(value: &'a Value, name: &str) -> Vec<&'a Value> {
    match value {
        Value::Array(elements) => elements.iter().flat_map(|e| members(e, name)).collect(),
        Value::Object(object) => {
            let here = object.get(name).into_iter();
            let below = object.values().flat_map(|member| members(member, name));
            here.chain(below).collect()
        }
        _ => Vec::new(),
    }
}
