//! Reads any YAML into what a key expects, and notes what does not fit instead of giving up at the first.
//!
//! Deriving `Deserialize` would stop at the first wrong type or unknown key; here both are kept as values
//! that know their place, so that all of them can be reported together.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::place::{At, Place};

/// What a YAML value is, whatever it should have been.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Empty,
    Text,
    Number,
    Bool,
    List,
    Mapping,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "empty",
            Self::Text => "text",
            Self::Number => "a number",
            Self::Bool => "true or false",
            Self::List => "a list",
            Self::Mapping => "a mapping",
        })
    }
}

/// A value as it was written: of the expected shape, or of another.
#[derive(Clone, Debug)]
pub(super) enum Value<T> {
    Fits(T),
    Misfit(Kind),
}

/// A key of a mapping with its value.
#[derive(Clone, Debug)]
pub(super) struct Field<T> {
    /// Where the key is.
    pub(super) key: Place,
    /// What follows it.
    pub(super) value: At<Value<T>>,
}

/// A single value that is neither empty nor a collection. The text of numbers and booleans as it was written
/// (`1.10`) is found at their place.
#[derive(Clone, Debug)]
pub(super) enum Scalar {
    Text(String),
    Number(f64),
    Bool(bool),
}

impl Scalar {
    /// What it is.
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Text(_) => Kind::Text,
            Self::Number(_) => Kind::Number,
            Self::Bool(_) => Kind::Bool,
        }
    }
}

/// The items of a list. Those beyond [`Items::KEPT`] are counted, not kept: no valid configuration has them.
#[derive(Clone, Debug)]
pub(super) struct Items<T> {
    /// The first items.
    pub(super) kept: Vec<At<Value<T>>>,
    /// How many there are in all.
    pub(super) total: usize,
}

impl<T> Items<T> {
    /// How many items are kept.
    const KEPT: usize = super::MAX_BACKENDS;
}

/// A mapping whose keys are the user's own.
pub(super) type Entries = Vec<(At<String>, At<Value<Scalar>>)>;

/// Something that a YAML value can be read into. What is not overridden does not fit.
pub(super) trait Shape: Sized {
    /// From no value, as in `key:`.
    fn empty() -> Option<Self> {
        None
    }

    /// From a single value.
    fn scalar(_scalar: Scalar) -> Option<Self> {
        None
    }

    /// From a list.
    fn list<'de, A: SeqAccess<'de>>(mut items: A) -> Result<Option<Self>, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    /// From a mapping.
    fn mapping<'de, A: MapAccess<'de>>(mut entries: A) -> Result<Option<Self>, A::Error> {
        while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

impl Shape for Scalar {
    fn scalar(scalar: Scalar) -> Option<Self> {
        Some(scalar)
    }
}

impl<T: Shape> Shape for Items<T> {
    fn empty() -> Option<Self> {
        Some(Self {
            kept: Vec::new(),
            total: 0,
        })
    }

    fn list<'de, A: SeqAccess<'de>>(mut items: A) -> Result<Option<Self>, A::Error> {
        let mut kept = Vec::new();
        while kept.len() < Self::KEPT {
            let Some(item) = items.next_element()? else {
                break;
            };
            kept.push(item);
        }
        let mut total = kept.len();
        while items.next_element::<IgnoredAny>()?.is_some() {
            total += 1;
        }
        Ok(Some(Self { kept, total }))
    }
}

impl Shape for Entries {
    fn empty() -> Option<Self> {
        Some(Self::new())
    }

    fn mapping<'de, A: MapAccess<'de>>(mut entries: A) -> Result<Option<Self>, A::Error> {
        let mut all = Self::new();
        while let Some(entry) = entries.next_entry()? {
            all.push(entry);
        }
        Ok(Some(all))
    }
}

impl<'de, T: Shape> Deserialize<'de> for Value<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor(PhantomData))
    }
}

/// Accepts everything that YAML knows.
struct ValueVisitor<T>(PhantomData<T>);

impl<T: Shape> ValueVisitor<T> {
    fn fit(value: Option<T>, found: Kind) -> Value<T> {
        value.map_or(Value::Misfit(found), Value::Fits)
    }

    fn scalar(scalar: Scalar) -> Value<T> {
        let kind = scalar.kind();
        Self::fit(T::scalar(scalar), kind)
    }
}

impl<'de, T: Shape> Visitor<'de> for ValueVisitor<T> {
    type Value = Value<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Value<T>, E> {
        Ok(Self::fit(T::empty(), Kind::Empty))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value<T>, E> {
        Ok(Self::scalar(Scalar::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value<T>, E> {
        Ok(Self::scalar(Scalar::Number(value as f64)))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value<T>, E> {
        Ok(Self::scalar(Scalar::Number(value as f64)))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Value<T>, E> {
        Ok(Self::scalar(Scalar::Number(value as f64)))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Value<T>, E> {
        Ok(Self::scalar(Scalar::Number(value as f64)))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value<T>, E> {
        Ok(Self::scalar(Scalar::Number(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value<T>, E> {
        Ok(Self::scalar(Scalar::Text(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Value<T>, A::Error> {
        Ok(Self::fit(T::list(items)?, Kind::List))
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Value<T>, A::Error> {
        Ok(Self::fit(T::mapping(entries)?, Kind::Mapping))
    }
}
