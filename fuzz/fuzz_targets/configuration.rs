//! Any text as the agent's configuration.

#![no_main]

use evenkeel::config::Config;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match Config::parse("evenkeel.yaml", text) {
        Ok(config) => assert!(config.backends() <= 100_000),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
