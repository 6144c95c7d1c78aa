//! Any bytes as a configuration.

#![no_main]

use evenkeel_balancers::Product;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| evenkeel_fuzz::audit(Product::Traefik, "traefik.yaml", bytes));
