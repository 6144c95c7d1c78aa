//! Which capabilities are kept, and what for.

use std::collections::BTreeMap;

use crate::admin::Address;
use crate::conductor::sources;
use crate::config::Config;
use crate::kernel::{Capabilities, Capability, KernelVersion};

/// From this version on, maps are read and written by whoever holds their descriptors, also where unprivileged users may
/// not make any (`kernel.unprivileged_bpf_disabled`).
const FREE_MAPS: KernelVersion = KernelVersion(5, 19);

/// Ports below this one are for the privileged (`net.ipv4.ip_unprivileged_port_start`, as it is by default).
const FIRST_FREE_PORT: u16 = 1024;

/// What a capability is kept for.
pub type Reason = &'static str;

/// The capabilities that the agent goes on to need, of those that it began with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    began_with: Capabilities,
    kept: BTreeMap<Capability, Reason>,
}

impl Kept {
    /// Those that a configuration needs.
    pub fn of(config: &Config, began_with: Capabilities) -> Self {
        let mut kept = wanted(config, began_with);
        kept.retain(|capability, _| began_with.contains(*capability));
        Self { began_with, kept }
    }

    /// As a set.
    pub fn capabilities(&self) -> Capabilities {
        self.kept.keys().copied().collect()
    }

    /// Each with its reason.
    pub fn reasons(&self) -> impl Iterator<Item = (Capability, Reason)> {
        self.kept
            .iter()
            .map(|(capability, reason)| (*capability, *reason))
    }

    /// Whether other network namespaces are entered.
    pub fn enters_namespaces(&self) -> bool {
        self.kept.contains_key(&Capability::SysAdmin)
    }

    /// What another configuration needs that was there at the start and is not any longer.
    pub fn given_up_for(&self, config: &Config) -> Vec<(Capability, Reason)> {
        let needed = Self::of(config, self.began_with).kept;
        needed
            .into_iter()
            .filter(|(capability, _)| !self.kept.contains_key(capability))
            .collect()
    }
}

fn wanted(config: &Config, began_with: Capabilities) -> BTreeMap<Capability, Reason> {
    let mut wanted = BTreeMap::new();
    let mut want = |capability, reason| {
        wanted.entry(capability).or_insert(reason);
    };
    if KernelVersion::running().is_none_or(|version| version < FREE_MAPS) {
        want(
            Capability::Bpf,
            "this kernel gives no access to maps without it",
        );
    }
    if began_with.has(Capability::Perfmon) {
        want(
            Capability::SysAdmin,
            "enters network namespaces, to visit their open connections",
        );
        want(
            Capability::SysPtrace,
            "finds network namespaces by the processes in them",
        );
    }
    let discovery = sources(config);
    if discovery.auto {
        want(
            Capability::SysAdmin,
            "enters the networks of balancers, to ask them",
        );
        want(
            Capability::SysPtrace,
            "finds the files of balancers that run",
        );
        want(
            Capability::DacOverride,
            "reads files and asks sockets of balancers that run",
        );
    }
    if matches!(discovery.haproxy.stats_socket, Some(Address::Unix(_))) {
        want(
            Capability::DacOverride,
            "asks at discovery.haproxy.stats_socket",
        );
    }
    if discovery.has_sources() {
        want(
            Capability::DacReadSearch,
            "reads the files that discovery names",
        );
    }
    if (1..FIRST_FREE_PORT).contains(&config.web.listen.port()) {
        want(Capability::NetBindService, "serves at a port below 1024");
    }
    wanted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(yaml: &str, began_with: &[Capability]) -> Kept {
        let config = Config::parse("test", yaml).unwrap();
        Kept::of(&config, began_with.iter().copied().collect())
    }

    fn names(kept: &Kept) -> Vec<&'static str> {
        kept.reasons()
            .map(|(capability, _)| capability.as_str())
            .collect()
    }

    const POOLS: &str = "pools: [{name: one, backends: [{address: 192.0.2.1:80}]}]\n";

    #[test]
    fn counting_and_walking_here_needs_nothing_later() {
        let enough = [Capability::Bpf, Capability::NetAdmin, Capability::Perfmon];
        for yaml in [
            "",
            POOLS,
            "discovery: {nginx: {files: [/etc/nginx/nginx.conf]}}\n",
        ] {
            assert_eq!(
                names(&kept(yaml, &enough)),
                <[&str; 0]>::default(),
                "{yaml}"
            );
        }
    }

    #[test]
    fn what_is_kept_is_what_the_configuration_needs() {
        let all = &Capability::ALL;
        let walks = ["CAP_SYS_ADMIN", "CAP_SYS_PTRACE"];
        assert_eq!(names(&kept(POOLS, all)), walks);
        let auto = kept("", all);
        assert_eq!(names(&auto), [&walks[..], &["CAP_DAC_OVERRIDE"]].concat());
        let low = format!("web: {{listen: '127.0.0.1:80'}}\n{POOLS}");
        assert_eq!(
            names(&kept(&low, all)),
            [&walks[..], &["CAP_NET_BIND_SERVICE"]].concat()
        );
        // Without what walks take, nothing is kept for them.
        let deaf = [Capability::Bpf, Capability::NetAdmin, Capability::SysPtrace];
        assert!(kept(POOLS, &deaf).capabilities().is_empty());
    }

    #[test]
    fn what_a_reload_lacks_is_what_was_there() {
        let auto = Config::default();
        let all = kept(POOLS, &Capability::ALL).given_up_for(&auto);
        let lacking: Vec<_> = all.iter().map(|(capability, _)| *capability).collect();
        assert_eq!(lacking, [Capability::DacOverride]);
        assert!(
            kept(POOLS, &[Capability::Bpf])
                .given_up_for(&auto)
                .is_empty()
        );
    }
}
