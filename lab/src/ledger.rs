//! The truth about traffic, as kept by whoever makes or serves it: what was done with each backend.
//!
//! A ledger has no point of view: `to_backend` means the same in a client's ledger and in a backend's own, so that the two
//! can be compared number by number.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::ops::AddAssign;

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};

/// Declares a set of counters with a total and addition.
macro_rules! counters {
    ($(#[$about:meta])* $name:ident { $($(#[$field_about:meta])* $field:ident,)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        pub struct $name { $($(#[$field_about])* pub $field: u64,)* }

        impl $name {
            /// All of them together.
            pub fn total(&self) -> u64 {
                0 $(+ self.$field)*
            }
        }

        impl AddAssign for $name {
            fn add_assign(&mut self, other: Self) {
                $(self.$field += other.$field;)*
            }
        }
    };
}

counters! {
    /// Connects that did not succeed, by what came of them.
    Failed {
        /// Answered with RST.
        refused,
        /// Not answered at all.
        timed_out,
        /// Given up by the client before an answer.
        cancelled,
        /// Answered with ICMP, or no route.
        unreachable,
    }
}

counters! {
    /// Connections that ended, by who ended them and how.
    Closed {
        /// The client sent the first FIN and read no more.
        client_fin,
        /// The backend sent the first FIN.
        server_fin,
        /// The client sent RST.
        client_rst,
        /// The backend sent RST.
        server_rst,
        /// The client sent the first FIN, then read until the backend's.
        half_close,
        /// The client's process was killed.
        process_death,
    }
}

/// One connect that failed in a certain way.
impl Failed {
    const NONE: Self = Self {
        refused: 0,
        timed_out: 0,
        cancelled: 0,
        unreachable: 0,
    };
    pub(crate) const REFUSED: Self = Self {
        refused: 1,
        ..Self::NONE
    };
    pub(crate) const TIMED_OUT: Self = Self {
        timed_out: 1,
        ..Self::NONE
    };
    pub(crate) const CANCELLED: Self = Self {
        cancelled: 1,
        ..Self::NONE
    };
    pub(crate) const UNREACHABLE: Self = Self {
        unreachable: 1,
        ..Self::NONE
    };
}

/// One connection that ended in a certain way.
impl Closed {
    const NONE: Self = Self {
        client_fin: 0,
        server_fin: 0,
        client_rst: 0,
        server_rst: 0,
        half_close: 0,
        process_death: 0,
    };
    pub(crate) const CLIENT_FIN: Self = Self {
        client_fin: 1,
        ..Self::NONE
    };
    pub(crate) const SERVER_FIN: Self = Self {
        server_fin: 1,
        ..Self::NONE
    };
    pub(crate) const CLIENT_RST: Self = Self {
        client_rst: 1,
        ..Self::NONE
    };
    pub(crate) const SERVER_RST: Self = Self {
        server_rst: 1,
        ..Self::NONE
    };
    pub(crate) const HALF_CLOSE: Self = Self {
        half_close: 1,
        ..Self::NONE
    };
    pub(crate) const PROCESS_DEATH: Self = Self {
        process_death: 1,
        ..Self::NONE
    };
}

/// What was done with one backend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Connections established.
    pub opened: u64,
    /// Connects that did not succeed.
    pub failed: Failed,
    /// Connections ended.
    pub closed: Closed,
    /// Payload bytes from client to backend.
    pub to_backend: u64,
    /// Payload bytes from backend to client.
    pub from_backend: u64,
}

impl Tally {
    /// Connections open now.
    pub fn open(&self) -> u64 {
        self.opened.saturating_sub(self.closed.total())
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.opened += other.opened;
        self.failed += other.failed;
        self.closed += other.closed;
        self.to_backend += other.to_backend;
        self.from_backend += other.from_backend;
    }
}

/// A number in which two ledgers may be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// [`Tally::opened`].
    Opened,
    /// Total of [`Tally::failed`].
    Failed,
    /// Total of [`Tally::closed`].
    Closed,
    /// [`Tally::open`].
    Open,
    /// [`Tally::to_backend`].
    ToBackend,
    /// [`Tally::from_backend`].
    FromBackend,
}

impl Column {
    fn of(self, tally: &Tally) -> u64 {
        match self {
            Self::Opened => tally.opened,
            Self::Failed => tally.failed.total(),
            Self::Closed => tally.closed.total(),
            Self::Open => tally.open(),
            Self::ToBackend => tally.to_backend,
            Self::FromBackend => tally.from_backend,
        }
    }
}

/// A tally per backend. IPv4-mapped IPv6 addresses are the IPv4 address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ledger(BTreeMap<SocketAddr, Tally>);

impl Ledger {
    /// The tally of a backend; all zeros if nothing was done with it.
    pub fn get(&self, backend: SocketAddr) -> Tally {
        self.0.get(&canonical(backend)).copied().unwrap_or_default()
    }

    /// The tally of a backend, to be changed.
    pub fn tally(&mut self, backend: SocketAddr) -> &mut Tally {
        self.0.entry(canonical(backend)).or_default()
    }

    /// Adds another ledger to this one.
    pub fn merge(&mut self, other: &Self) {
        for (backend, tally) in other.iter() {
            *self.tally(backend) += *tally;
        }
    }

    /// All backends together.
    pub fn total(&self) -> Tally {
        let mut total = Tally::default();
        self.0.values().for_each(|tally| total += *tally);
        total
    }

    /// The backends with their tallies, ordered by address.
    pub fn iter(&self) -> impl Iterator<Item = (SocketAddr, &Tally)> {
        self.0.iter().map(|(backend, tally)| (*backend, tally))
    }

    /// Compares with another ledger in the given columns; the error lists every backend that differs.
    pub fn compare(&self, other: &Self, columns: &[Column]) -> Result<()> {
        let mut all = self.clone();
        all.merge(other);
        let mut table = String::new();
        let mut differing = 0;
        for (backend, _) in all.iter() {
            let (ours, theirs) = (self.get(backend), other.get(backend));
            let unequal = columns
                .iter()
                .filter(|column| column.of(&ours) != column.of(&theirs));
            let words = unequal
                .map(|column| format!("{column:?} {} / {}", column.of(&ours), column.of(&theirs)));
            let words = words.collect::<Vec<_>>().join(", ");
            if !words.is_empty() {
                differing += 1;
                writeln!(table, "  {backend}: {words}")?;
            }
        }
        if differing > 0 {
            bail!(
                "{differing} of {} backends differ (this / other):\n{table}",
                all.0.len()
            );
        }
        Ok(())
    }
}

impl FromIterator<(SocketAddr, Tally)> for Ledger {
    fn from_iter<I: IntoIterator<Item = (SocketAddr, Tally)>>(tallies: I) -> Self {
        let mut ledger = Self::default();
        tallies
            .into_iter()
            .for_each(|(backend, tally)| *ledger.tally(backend) += tally);
        ledger
    }
}

/// Makes an IPv4-mapped IPv6 address the IPv4 address that it is on the wire.
pub(crate) fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

#[cfg(test)]
mod tests {
    use super::{Column, Ledger};

    #[test]
    fn mapped_addresses_are_one_backend_and_json_keeps_everything() {
        let mut ledger = Ledger::default();
        ledger.tally("192.0.2.1:80".parse().unwrap()).opened = 3;
        let mapped = ledger.tally("[::ffff:192.0.2.1]:80".parse().unwrap());
        mapped.closed.client_fin = 1;
        assert_eq!(mapped.open(), 2);
        let text = serde_json::to_string(&ledger).unwrap();
        assert_eq!(serde_json::from_str::<Ledger>(&text).unwrap(), ledger);
    }

    #[test]
    fn a_difference_names_backend_column_and_both_numbers() {
        let (mut ours, mut theirs) = (Ledger::default(), Ledger::default());
        ours.tally("192.0.2.1:80".parse().unwrap()).opened = 3;
        theirs.tally("[2001:db8::1]:80".parse().unwrap()).to_backend = 9;
        theirs.tally("192.0.2.1:80".parse().unwrap()).opened = 4;
        let error = ours
            .compare(&theirs, &[Column::Opened])
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("1 of 2 backends") && error.contains("192.0.2.1:80: Opened 3 / 4"),
            "{error}"
        );
        ours.compare(&theirs, &[Column::Failed]).unwrap();
    }
}
