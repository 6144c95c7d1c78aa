//! Rules about what the audit itself meets, whatever the product.

use super::define_rules;

define_rules! {
    product: None,
    EXPIRED = "EVK-001", Warning, "A finding is allowed by a comment that has expired";
    NOT_UNDERSTOOD = "EVK-002", Warning, "A comment for the audit has no reason, or is not understood";
    UNUSED = "EVK-003", Note, "A comment allows what is not found";
    UNREAD_INCLUDE = "EVK-004", Note, "An included file could not be read";
}
