//! Rules that hold for any product.

use super::{Rule, Severity};

pub(crate) static LONG_LIVED: Rule = Rule {
    id: "GEN-001",
    severity: Severity::Warning,
    title: "Connections that live long are balanced only once",
    product: None,
    page: include_str!("../../../docs/audit/GEN-001.md"),
};

/// All of them.
pub(crate) static RULES: [&Rule; 1] = [&LONG_LIVED];
