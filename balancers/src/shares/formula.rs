//! The formulas by name: which one a pool's shares follow.

use serde::Serialize;

use super::{NginxRing, Slot, by_weight, nginx_hash, nginx_ip_hash};

/// A formula that gives shares from names, weights and states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Formula {
    /// In proportion to weights: [`by_weight`].
    Weight,
    /// The same for each in rotation, whatever its weight.
    Equal,
    /// [`nginx_ip_hash()`].
    NginxIpHash,
    /// [`nginx_hash()`].
    NginxHash,
    /// [`NginxRing`].
    NginxRing,
}

/// A server as formulas see it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Member<'a> {
    /// As it is written in the configuration: rings hash it.
    pub name: &'a str,
    /// Not negative.
    pub weight: f64,
    /// Whether it gets traffic. One that does not keeps its place in tables and rings.
    pub live: bool,
}

/// How many points of rings and tables may be computed: a bound to time and memory that no configuration can lift.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget(u64);

impl Default for Budget {
    /// Enough for 25 000 units of weight on rings of nginx, half a second's work at worst.
    fn default() -> Self {
        Self(4_000_000)
    }
}

impl Formula {
    /// The share of each member; `None` if the budget does not suffice.
    pub fn shares(self, members: &[Member<'_>], budget: &mut Budget) -> Option<Vec<f64>> {
        let slots = || members.iter().map(Member::slot);
        Some(match self {
            Self::Weight => {
                let weight = |member: &Member<'_>| if member.live { member.weight } else { 0.0 };
                by_weight(&members.iter().map(weight).collect::<Vec<_>>())
            }
            Self::Equal => {
                let weight = |member: &Member<'_>| if member.live { 1.0 } else { 0.0 };
                by_weight(&members.iter().map(weight).collect::<Vec<_>>())
            }
            Self::NginxIpHash => nginx_ip_hash(&slots().collect::<Vec<_>>()),
            Self::NginxHash => nginx_hash(&slots().collect::<Vec<_>>()),
            Self::NginxRing => {
                let names = members.iter().map(|member| member.name);
                let ring = NginxRing::new(&names.zip(slots()).collect::<Vec<_>>(), budget.0)?;
                budget.0 = budget.0.saturating_sub(ring.points() as u64);
                ring.shares()
            }
        })
    }
}

impl Member<'_> {
    /// Slots and points are whole: the products that have them have whole weights.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the cast saturates, and weights are not negative"
    )]
    fn slot(&self) -> Slot {
        Slot {
            weight: self.weight as u64,
            live: self.live,
        }
    }
}
