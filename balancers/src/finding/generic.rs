//! Rules that hold for any product.

use super::define_rules;

define_rules! {
    product: None,
    LONG_LIVED = "GEN-001", Warning, "Connections that live long are balanced only once";
}
