//! Any bytes as a recording: its header and the lengths of its blocks.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| evenkeel_fuzz::recording::replay(bytes));
