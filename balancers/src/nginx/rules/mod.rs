//! What in an nginx configuration skews traffic.

mod failure;
mod keys;
mod limits;
mod lived;
mod members;
mod method;
mod names;
mod weights;
mod workers;

use super::config::Config;
use super::pools::View;
use crate::configuration::Options;
use crate::finding::{Report, define_rules};
use crate::product::Product;

define_rules! {
    product: Some(Product::Nginx),
    WEIGHTS = "NGX-001", Warning, "Servers of one upstream have different weights";
    TWICE = "NGX-002", Error, "A server stands in an upstream more than once";
    MIXED = "NGX-003", Warning, "Names and addresses are mixed in one upstream";
    RESOLVED_ONCE = "NGX-004", Warning, "A name is resolved only when nginx starts";
    DOWN = "NGX-005", Warning, "A server is marked as down";
    ONE_PRIMARY = "NGX-006", Error, "All servers but one are backups";
    PER_WORKER = "NGX-007", Warning, "Each worker counts for itself";
    SAME_START = "NGX-008", Note, "After a reload all workers begin with the same server";
    CLIENT_ADDRESS = "NGX-009", Warning, "Clients are told apart by an address that many of them share";
    IP_HASH_RANGE = "NGX-010", Warning, "The weights are too large for ip_hash";
    HASH_RANGE = "NGX-011", Warning, "The weights are too large for hash";
    REMAPPED = "NGX-012", Warning, "A change of servers moves most keys";
    FEW_KEYS = "NGX-013", Warning, "The hash key has few values";
    LONG_TIMEOUT = "NGX-014", Warning, "A few failed attempts take a server out for long";
    NEVER_FAILS = "NGX-015", Warning, "A server that fails keeps its share";
    OVERFLOW = "NGX-016", Warning, "Connections above max_conns overflow to other servers";
    METHODS = "NGX-017", Warning, "An upstream has two balancing methods";
    KEEPALIVE_FIRST = "NGX-018", Warning, "keepalive stands before the balancing method";
    STICKY = "NGX-019", Warning, "Sessions keep old servers busy and new ones idle";
    ALONE = "NGX-020", Note, "The parameters of an only server are ignored";
    STREAM = "NGX-021", Warning, "Connections that live long are balanced only when they open";
}

/// Rules that look at one upstream.
const LOOKS: [fn(&View<'_>, &mut Report); 19] = [
    weights::different,
    weights::out_of_range,
    members::twice,
    members::one_primary,
    members::alone,
    names::mixed,
    failure::down,
    failure::long_timeout,
    failure::never_fails,
    limits::overflow,
    workers::per_worker,
    workers::same_start,
    keys::client_address,
    keys::remapped,
    keys::few,
    method::several,
    method::sticky,
    lived::long,
    lived::upgraded,
];

/// Applies all rules.
pub(super) fn check(config: &Config, views: &[View<'_>], options: &Options, report: &mut Report) {
    for view in views {
        for look in LOOKS {
            look(view, report);
        }
        names::resolved_once(view, options, report);
        method::keepalive_first(view, options, report);
    }
    names::passes(config, report);
}
