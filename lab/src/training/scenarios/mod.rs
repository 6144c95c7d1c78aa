//! The scenarios, one in a file. Names, titles and file names give nothing away.

mod bystander;
mod campaign;
mod deploy_train;
mod full_pipe;
mod green_dashboard;
mod monday_morning;
mod night_shift;
mod no_relief;
mod one_in_five;
mod outage;
mod quiet_rack;
mod usual_suspect;
mod warm_machine;

use super::scenario::Scenario;

pub use bystander::BYSTANDER;

/// All of them, the easier ones first after the one that all this began with.
pub const SCENARIOS: [&Scenario; 12] = [
    &outage::SCENARIO,
    &warm_machine::SCENARIO,
    &quiet_rack::SCENARIO,
    &green_dashboard::SCENARIO,
    &monday_morning::SCENARIO,
    &campaign::SCENARIO,
    &night_shift::SCENARIO,
    &no_relief::SCENARIO,
    &one_in_five::SCENARIO,
    &usual_suspect::SCENARIO,
    &full_pipe::SCENARIO,
    &deploy_train::SCENARIO,
];
