//! What in a configuration of `HAProxy` skews traffic.

mod keys;
mod load;
mod members;
mod ring;
mod sticky;
mod weights;

use super::pools::View;
use super::server::Server;
use crate::finding::{Report, define_rules};
use crate::product::Product;

define_rules! {
    product: Some(Product::Haproxy),
    WEIGHTS = "HAP-001", Warning, "Servers of one backend have different weights, or are out of rotation";
    NO_BALANCE = "HAP-002", Note, "A backend does not say how it balances";
    CLIENT_ADDRESS = "HAP-003", Warning, "Clients are told apart by an address that many of them share";
    FIRST = "HAP-004", Error, "`balance first` without maxconn";
    SMALL_WEIGHTS = "HAP-005", Warning, "The weights are too small for a consistent hash";
    RESONANCE = "HAP-006", Warning, "The hash function and the sum of weights have a common rhythm";
    IMPLICIT_IDS = "HAP-007", Warning, "The ring depends on the order of servers";
    FULL_SERVERS = "HAP-008", Warning, "A busy key waits at a full server while others are idle";
    CACHED_COOKIE = "HAP-009", Warning, "A cache can hand one client's server to all";
    ENDLESS_COOKIE = "HAP-010", Note, "Sessions have no end";
    SAME_COOKIE = "HAP-011", Error, "Two servers have the same cookie value";
    NO_CHECK = "HAP-012", Warning, "A server that fails keeps its share";
    ENDLESS_QUEUE = "HAP-013", Note, "Sessions wait at their server without end";
    SHORT_REQUESTS = "HAP-014", Note, "leastconn with short requests";
    LEAST_BY_WEIGHT = "HAP-015", Warning, "leastconn follows weights only under load";
    NO_SLOWSTART = "HAP-016", Note, "leastconn sends all new connections to a server that comes back";
    SLOWSTART = "HAP-017", Warning, "slowstart has no effect, or too few steps";
    LONE_BACKUP = "HAP-018", Warning, "Of several backups only the first is used";
    TEMPLATE = "HAP-019", Note, "The number of servers is that of DNS records";
    CONSTANT_KEY = "HAP-020", Warning, "The hash key has few values";
    WRONG_MODE = "HAP-021", Warning, "Balancing by requests in mode tcp";
    LAST_SERVER = "HAP-022", Note, "Connections stay with their last server";
}

/// Rules that look at one backend.
const LOOKS: [fn(&View<'_>, &mut Report); 24] = [
    weights::different,
    weights::out,
    weights::least,
    ring::no_balance,
    ring::small_weights,
    ring::resonance,
    ring::implicit_ids,
    ring::full_servers,
    keys::client_address,
    keys::constant,
    keys::wrong_mode,
    sticky::cached,
    sticky::endless,
    sticky::same_value,
    sticky::endless_queue,
    sticky::last_server,
    members::first,
    members::unchecked,
    members::lone_backup,
    members::template,
    load::least,
    load::slowstart,
    load::known_port,
    load::long_lived,
];

/// Applies all rules.
pub(super) fn check(views: &[View<'_>], report: &mut Report) {
    for view in views.iter().filter(|view| !view.proxy.settings.disabled) {
        for look in LOOKS {
            look(view, report);
        }
    }
}

/// ` (3 more likewise)`.
fn likewise(others: usize) -> String {
    if others == 0 {
        String::new()
    } else {
        format!(" ({others} more likewise)")
    }
}

/// The names of servers.
fn names<'a>(servers: impl Iterator<Item = &'a Server>) -> Vec<String> {
    servers.map(|server| server.name.text.to_string()).collect()
}
