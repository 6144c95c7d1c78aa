//! The answers of Prometheus' HTTP API, read series by series: none is kept longer than it is looked at.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A series: its labels, and its values at seconds since the epoch.
#[derive(Debug, Default)]
pub(crate) struct Series<'a> {
    labels: Vec<(Text<'a>, Text<'a>)>,
    /// In the order of time.
    pub(crate) points: Vec<Point>,
}

impl Series<'_> {
    /// Names and values of the labels, in the order in which they were sent.
    pub(crate) fn labels(&self) -> impl Iterator<Item = (&str, &str)> + Clone {
        self.labels
            .iter()
            .map(|(name, value)| (&*name.0, &*value.0))
    }

    /// The value of a label.
    pub(crate) fn label(&self, name: &str) -> Option<&str> {
        let found = self.labels().find(|(other, _)| *other == name);
        found.map(|(_, value)| value)
    }
}

/// Prometheus writes values as text, because JSON knows neither NaN nor infinities.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Point(
    pub(crate) f64,
    #[serde(deserialize_with = "number")] pub(crate) f64,
);

/// Text that is not copied unless something in it was escaped.
#[derive(Debug, Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let text = Text::deserialize(deserializer)?;
    text.0.parse().map_err(D::Error::custom)
}

/// What an answer is besides its series.
#[derive(Debug, Default)]
pub(super) struct Head {
    pub(super) status: String,
    pub(super) error: Option<String>,
    /// Whether there were series, or could have been.
    pub(super) has_data: bool,
}

/// Reads an answer; each series is shown to `take`.
pub(super) fn read(
    body: &[u8],
    take: &mut dyn FnMut(&Series<'_>),
) -> Result<Head, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let head = Whole(take).deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(head)
}

struct Whole<'t>(&'t mut dyn FnMut(&Series<'_>));

impl<'de> DeserializeSeed<'de> for Whole<'_> {
    type Value = Head;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Head, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Whole<'_> {
    type Value = Head;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an answer of Prometheus")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Head, A::Error> {
        let mut head = Head::default();
        while let Some(key) = map.next_key::<Text<'de>>()? {
            match &*key.0 {
                "status" => head.status = map.next_value()?,
                "error" => head.error = Some(map.next_value()?),
                "data" => head.has_data = map.next_value_seed(Data(&mut *self.0))?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(head)
    }
}

struct Data<'t>(&'t mut dyn FnMut(&Series<'_>));

impl<'de> DeserializeSeed<'de> for Data<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Data<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a result")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        let mut found = false;
        while let Some(key) = map.next_key::<Text<'de>>()? {
            if key.0 == "result" {
                map.next_value_seed(All(&mut *self.0))?;
                found = true;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

struct All<'t>(&'t mut dyn FnMut(&Series<'_>));

impl<'de> DeserializeSeed<'de> for All<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for All<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of series")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        // One after the other in the same memory.
        let mut series = Series::default();
        while let Some(()) = seq.next_element_seed(One(&mut series))? {
            (self.0)(&series);
        }
        Ok(())
    }
}

struct One<'s, 'de>(&'s mut Series<'de>);

impl<'de> DeserializeSeed<'de> for One<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for One<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a series")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Series { labels, points } = self.0;
        labels.clear();
        points.clear();
        while let Some(key) = map.next_key::<Text<'de>>()? {
            match &*key.0 {
                "metric" => map.next_value_seed(Labels(labels))?,
                "values" => map.next_value_seed(Points(points))?,
                "value" => points.push(map.next_value()?),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

struct Labels<'s, 'de>(&'s mut Vec<(Text<'de>, Text<'de>)>);

impl<'de> DeserializeSeed<'de> for Labels<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Labels<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("labels")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(label) = map.next_entry()? {
            self.0.push(label);
        }
        Ok(())
    }
}

struct Points<'s>(&'s mut Vec<Point>);

impl<'de> DeserializeSeed<'de> for Points<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Points<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("samples")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(point) = seq.next_element()? {
            self.0.push(point);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The label `pool`, and the points.
    type Found = (Option<String>, Vec<(f64, f64)>);

    fn all(text: &str) -> (Head, Vec<Found>) {
        let mut found = Vec::new();
        let head = read(text.as_bytes(), &mut |series| {
            let points = series.points.iter().map(|point| (point.0, point.1));
            found.push((series.label("pool").map(str::to_owned), points.collect()));
        });
        (head.unwrap(), found)
    }

    #[test]
    fn series_of_ranges_and_of_moments_are_read() {
        let (head, series) = all(
            r#"{"status":"success","data":{"resultType":"matrix","result":[
            {"metric":{"pool":"a\"b"},"values":[[1700000000.5,"1e3"],[1700000015,"2"]]},
            {"metric":{"x":"y"},"value":[1700000015,"+Inf"]}]},"infos":["x"]}"#,
        );
        assert!(head.has_data && head.status == "success");
        let first = vec![(1_700_000_000.5, 1000.0), (1_700_000_015.0, 2.0)];
        assert_eq!(series[0], (Some("a\"b".to_owned()), first));
        assert_eq!(series[1], (None, vec![(1_700_000_015.0, f64::INFINITY)]));
    }

    #[test]
    fn refusals_are_read() {
        let (head, series) =
            all(r#"{"status":"error","errorType":"bad_data","error":"parse error"}"#);
        assert_eq!(head.error.as_deref(), Some("parse error"));
        assert!(!head.has_data && series.is_empty());
    }
}
