//! Which of the running servers a server of the configuration is.

use crate::live;
use crate::model::{Server, Target};
use crate::product::Product;

/// How servers are recognised.
#[derive(Clone, Copy)]
pub(super) enum By {
    /// By their names, which are unique within a pool.
    Name,
    /// By where they are.
    Address,
}

impl By {
    /// `HAProxy` names servers; others know them by their addresses.
    pub(super) const fn of(product: Product) -> Self {
        match product {
            Product::Haproxy => Self::Name,
            _ => Self::Address,
        }
    }

    /// The running servers that one server of the configuration stands for: several, if it is a template or a name.
    pub(super) fn find<'l>(
        self,
        written: &Server,
        running: &'l live::Pool,
    ) -> Vec<&'l live::Server> {
        let same = |found: &&live::Server| match self {
            Self::Name => has_name(written, found),
            Self::Address => is_at(written, found),
        };
        running.servers.iter().filter(same).collect()
    }
}

/// Its name, or with a template its prefix and a number.
fn has_name(written: &Server, running: &live::Server) -> bool {
    let (Some(name), Some(found)) = (&written.name, &running.name) else {
        return false;
    };
    if written.labels.contains_key("slots") {
        let number = found.strip_prefix(name.as_str());
        return number.is_some_and(|rest| {
            !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit())
        });
    }
    name == found
}

fn is_at(written: &Server, running: &live::Server) -> bool {
    match &written.address.target {
        Target::Ip(address) => running.socket() == Some(*address),
        Target::Unix(path) => running.address.as_ref() == Some(path),
        Target::Name { host, .. } => running
            .host
            .as_ref()
            .is_some_and(|found| found.eq_ignore_ascii_case(host)),
        Target::Unknown => running.address.as_ref() == Some(&written.address.written),
    }
}
