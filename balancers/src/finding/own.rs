//! Rules about what the audit itself meets, whatever the product.

use super::{Rule, Severity};

pub(super) static EXPIRED: Rule = Rule {
    id: "EVK-001",
    severity: Severity::Warning,
    title: "A finding is allowed by a comment that has expired",
    product: None,
    page: include_str!("../../../docs/audit/EVK-001.md"),
};

pub(super) static NOT_UNDERSTOOD: Rule = Rule {
    id: "EVK-002",
    severity: Severity::Warning,
    title: "A comment for the audit has no reason, or is not understood",
    product: None,
    page: include_str!("../../../docs/audit/EVK-002.md"),
};

pub(super) static UNUSED: Rule = Rule {
    id: "EVK-003",
    severity: Severity::Note,
    title: "A comment allows what is not found",
    product: None,
    page: include_str!("../../../docs/audit/EVK-003.md"),
};

pub(crate) static UNREAD_INCLUDE: Rule = Rule {
    id: "EVK-004",
    severity: Severity::Note,
    title: "An included file could not be read",
    product: None,
    page: include_str!("../../../docs/audit/EVK-004.md"),
};

/// All of them.
pub(crate) static RULES: [&Rule; 4] = [&EXPIRED, &NOT_UNDERSTOOD, &UNUSED, &UNREAD_INCLUDE];
