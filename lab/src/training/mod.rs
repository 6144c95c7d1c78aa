//! Training that stays: incidents re-enacted with real balancers, to be found by a trainee, and by the agent.
//!
//! A [`Scenario`] is written once, in a file of its own. `cargo xtask lab` plays one for a person; the agent's tests play
//! all of them side by side and ask the agent for pool, backends and cause.

mod answer;
mod exam;
mod ground;
mod kit;
mod repeated;
mod room;
mod scenario;
mod scenarios;
mod stage;

pub use answer::{ANSWERS, Answer, EVEN, answer};
pub use exam::{Mark, sit};
pub use ground::Ground;
pub use room::{Pace, Room, Seat};
pub use scenario::{Level, Scenario, Side};
pub use scenarios::{BYSTANDER, SCENARIOS};
pub use stage::Stage;

/// The scenario with this name.
pub fn scenario(name: &str) -> Option<&'static Scenario> {
    SCENARIOS
        .iter()
        .copied()
        .find(|scenario| scenario.name == name)
}
