//! What in a Caddy configuration skews traffic.

mod choice;
mod failure;
mod keys;
mod limits;
mod members;
mod weights;

use super::pools::View;
use crate::configuration::Options;
use crate::finding::{Report, define_rules};
use crate::product::Product;

define_rules! {
    product: Some(Product::Caddy),
    WEIGHTS_MISMATCH = "CAD-001", Error, "There are not as many weights as upstreams";
    WEIGHTS_SHIFT = "CAD-002", Warning, "When an upstream is down, its weight goes to the next";
    FIRST_CHOSEN = "CAD-003", Warning, "random_choose prefers the first upstream while there is little load";
    PROXY_ADDRESS = "CAD-004", Warning, "Clients are told apart by the address of the proxy before Caddy";
    FIRST = "CAD-005", Warning, "All requests go to the first upstream";
    WEIGHTS = "CAD-006", Warning, "Upstreams have different weights";
    TWICE = "CAD-007", Error, "An upstream stands in a pool more than once";
    NO_CHECKS = "CAD-008", Warning, "An upstream that fails keeps its share";
    LONG_TIMEOUT = "CAD-009", Warning, "A few failures take an upstream out for long";
    FEW_KEYS = "CAD-010", Warning, "The hash key has few values";
    STICKY = "CAD-011", Warning, "Sessions keep old upstreams busy and new ones idle";
    ONE_NAME = "CAD-012", Note, "A name is one upstream, whatever the number of its addresses";
    LIMITS = "CAD-013", Warning, "Upstreams are full at different numbers of requests";
    DYNAMIC_WEIGHTS = "CAD-014", Warning, "Weights are given to upstreams whose order DNS decides";
}

/// Rules that look at one handler.
const LOOKS: [fn(&View<'_>, &mut Report); 13] = [
    weights::mismatch,
    weights::shift,
    weights::different,
    weights::dynamic,
    choice::first,
    keys::proxy_address,
    keys::few,
    keys::sticky,
    members::twice,
    members::one_name,
    failure::no_checks,
    failure::long_timeout,
    limits::unequal,
];

/// Applies all rules.
pub(super) fn check(views: &[View<'_>], options: &Options, report: &mut Report) {
    for view in views {
        for look in LOOKS {
            look(view, report);
        }
        choice::random_choose(view, options, report);
    }
}
