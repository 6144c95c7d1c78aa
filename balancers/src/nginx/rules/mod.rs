//! What in an nginx configuration skews traffic.

mod weights;

use super::config::Config;
use super::pools::View;
use crate::configuration::Options;
use crate::finding::{Report, Rule, Severity};
use crate::product::Product;

/// A rule of nginx', with its page.
macro_rules! rule {
    ($name:ident, $id:literal, $severity:ident, $title:literal) => {
        pub(super) static $name: Rule = Rule {
            id: $id,
            severity: Severity::$severity,
            title: $title,
            product: Some(Product::Nginx),
            page: include_str!(concat!("../../../../docs/audit/", $id, ".md")),
        };
    };
}

rule!(
    WEIGHTS,
    "NGX-001",
    Warning,
    "Servers of one upstream have different weights"
);

/// All of them.
pub(crate) static RULES: [&Rule; 1] = [&WEIGHTS];

/// Applies all rules.
pub(super) fn check(_config: &Config, views: &[View<'_>], _options: &Options, report: &mut Report) {
    for view in views {
        weights::different(view, report);
    }
}
