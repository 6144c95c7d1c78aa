//! Any bytes as a file of pools, JSON and YAML.

#![no_main]

use std::path::Path;

use evenkeel::discovery::file_sd::parse;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for name in ["shop.json", "shop.yml"] {
        match parse(Path::new(name), bytes) {
            // Aliases of YAML repeat what is written, but not without end.
            Ok(groups) => assert!(groups.len() <= 1_000_000),
            Err(error) => assert!(!format!("{error:#}").is_empty()),
        }
    }
});
