//! What in a Traefik configuration skews traffic.

mod compositions;
mod failure;
mod lived;
mod members;
mod mirrors;
mod sessions;
mod strategy;
mod weights;

use super::compose::Split;
use super::document::Document;
use super::pools::View;
use crate::finding::{Report, define_rules};
use crate::product::Product;

define_rules! {
    product: Some(Product::Traefik),
    IGNORED_WEIGHTS = "TRF-001", Warning, "p2c ignores weights";
    LEFT_OUT = "TRF-002", Warning, "A weight of 0 or less leaves a server or service out";
    FASTEST = "TRF-005", Warning, "leasttime sends nearly all to the server that answers first";
    PROXY_ADDRESS = "TRF-006", Warning, "Clients are told apart by the address of whatever connects";
    NO_CHECKS = "TRF-007", Warning, "A server that fails keeps its share";
    STICKY = "TRF-009", Warning, "Sessions keep old servers busy and new ones idle";
    TWICE = "TRF-010", Error, "A server stands in a service more than once";
    CANNOT_BE_BUILT = "TRF-011", Error, "A service asks for the health of one that is not checked";
    WEIGHTS = "TRF-012", Warning, "Servers or services have different weights";
    DEAD_PART = "TRF-013", Warning, "A service without live servers keeps its share of a composition";
    ONE_NAME = "TRF-014", Note, "A name is one server, whatever the number of its addresses";
    MIRRORED = "TRF-015", Warning, "Copies of requests go to servers that serve as well";
    SIMILAR_NAMES = "TRF-016", Warning, "hrw hardly tells names apart that differ only at their ends";
}

/// Rules that look at one service of servers.
const LOOKS: [fn(&View<'_>, &mut Report); 9] = [
    strategy::ignored_weights,
    strategy::fastest,
    weights::left_out,
    weights::different,
    failure::no_checks,
    sessions::sticky,
    members::twice,
    members::one_name,
    lived::known_port,
];

/// Applies all rules.
pub(super) fn check(
    document: &Document<'_>,
    views: &[View<'_>],
    splits: &[Split<'_>],
    report: &mut Report,
) {
    for view in views {
        for look in LOOKS {
            look(view, report);
        }
        strategy::proxy_address(view.service, view.live(), document, report);
        strategy::similar_names(view.service, report);
    }
    for split in splits {
        weights::split(split, report);
        sessions::sticky_split(split, report);
        compositions::dead_part(split, document, report);
        strategy::proxy_address(split.service, split.pool.servers.len(), document, report);
        strategy::similar_names(split.service, report);
    }
    for service in &document.services {
        compositions::cannot_be_built(service, document, report);
    }
    mirrors::mirrored(document, views, report);
}
