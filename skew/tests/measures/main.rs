//! What a user of the measures relies on.

#[cfg(test)]
mod by_chance;
#[cfg(test)]
mod definitions;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod support;
