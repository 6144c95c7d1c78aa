//! Linux' capabilities, as far as the agent has a use for them.

use std::fs;
use std::io;

/// A Linux capability that the agent has a use for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Capability {
    /// Make maps, load programs.
    Bpf,
    /// Load programs that act on sockets.
    NetAdmin,
    /// Load programs that walk the kernel's sockets.
    Perfmon,
    /// Enter other network namespaces, to see their open connections.
    SysAdmin,
    /// Find network namespaces and configurations by processes that have other rights.
    SysPtrace,
    /// Read files of other users.
    DacReadSearch,
    /// Connect to sockets of other users.
    DacOverride,
    /// Listen at a port below 1024.
    NetBindService,
}

impl Capability {
    /// All that are ever used.
    pub const ALL: [Self; 8] = [
        Self::Bpf,
        Self::NetAdmin,
        Self::Perfmon,
        Self::SysAdmin,
        Self::SysPtrace,
        Self::DacReadSearch,
        Self::DacOverride,
        Self::NetBindService,
    ];

    /// The name in `capabilities(7)`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bpf => "CAP_BPF",
            Self::NetAdmin => "CAP_NET_ADMIN",
            Self::Perfmon => "CAP_PERFMON",
            Self::SysAdmin => "CAP_SYS_ADMIN",
            Self::SysPtrace => "CAP_SYS_PTRACE",
            Self::DacReadSearch => "CAP_DAC_READ_SEARCH",
            Self::DacOverride => "CAP_DAC_OVERRIDE",
            Self::NetBindService => "CAP_NET_BIND_SERVICE",
        }
    }

    /// The bit in `capabilities(7)`'s numbering.
    const fn bit(self) -> u32 {
        match self {
            Self::DacOverride => 1,
            Self::DacReadSearch => 2,
            Self::NetBindService => 10,
            Self::NetAdmin => 12,
            Self::SysPtrace => 19,
            Self::SysAdmin => 21,
            Self::Perfmon => 38,
            Self::Bpf => 39,
        }
    }
}

/// A set of capabilities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities(u64);

impl Capabilities {
    /// Those in force for the calling thread.
    pub fn effective() -> io::Result<Self> {
        let status = fs::read_to_string("/proc/thread-self/status")?;
        Self::of_status(&status, "CapEff")
            .ok_or_else(|| io::Error::other("no CapEff in /proc/thread-self/status"))
    }

    /// One of the sets that `/proc/<pid>/status` shows of a thread, such as `CapEff`.
    pub fn of_status(status: &str, set: &str) -> Option<Self> {
        let line = status.lines().find_map(|line| line.strip_prefix(set))?;
        let hex = line.strip_prefix(':')?.trim();
        u64::from_str_radix(hex, 16).ok().map(Self)
    }

    /// The bits, numbered as in `capabilities(7)`.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Whether there is none in the set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether `capability` itself is in the set.
    pub const fn contains(self, capability: Capability) -> bool {
        self.0 >> capability.bit() & 1 == 1
    }

    /// Whether the set allows what `capability` does: `CAP_SYS_ADMIN` stands for the two that were split from it, and writing
    /// includes reading.
    pub const fn has(self, capability: Capability) -> bool {
        let wider = match capability {
            Capability::Bpf | Capability::Perfmon => Capability::SysAdmin,
            Capability::DacReadSearch => Capability::DacOverride,
            other => other,
        };
        self.contains(capability) || self.contains(wider)
    }

    /// Those of `wanted` that are not in force.
    pub fn missing(self, wanted: &[Capability]) -> Vec<&'static str> {
        wanted
            .iter()
            .filter(|capability| !self.has(**capability))
            .map(|capability| capability.as_str())
            .collect()
    }
}

impl FromIterator<Capability> for Capabilities {
    fn from_iter<I: IntoIterator<Item = Capability>>(capabilities: I) -> Self {
        let bits = capabilities.into_iter();
        Self(bits.fold(0, |set, capability| set | 1 << capability.bit()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_read_from_the_status_of_a_thread() {
        let status = "Name:\tx\nCapPrm:\t0000000000000000\nCapEff:\t000000c000001000\n";
        let held = Capabilities::of_status(status, "CapEff").unwrap();
        let all = [Capability::Bpf, Capability::NetAdmin, Capability::Perfmon];
        assert_eq!(held, all.into_iter().collect());
        assert!(
            Capabilities::of_status(status, "CapPrm")
                .unwrap()
                .is_empty()
        );
        assert!(Capabilities::of_status(status, "CapBnd").is_none());
        assert_eq!(held.missing(&Capability::ALL)[0], "CAP_SYS_ADMIN");
    }
}
