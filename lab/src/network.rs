//! Many hosts joined by one hub: enough source addresses for clients, hundreds of backend addresses, and addresses
//! that swallow or reject every packet.
//!
//! The hub routes. Each link has the same two link-local IPv6 addresses with permanent neighbour entries, and IPv4 is
//! routed over them too: nothing has to be resolved, and the kernel's neighbour table, which all namespaces share, cannot
//! overflow however many addresses there are.
//!
//! Ports below 20000 are for listeners; the hosts use the ports above for outgoing connections.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use anyhow::{Result, ensure};

use crate::backend::{Backend, Options};
use crate::netns::{Namespace, sweep};

/// An address at which packets vanish: connects time out.
pub const SILENT_V4: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 254);
/// The same for IPv6.
pub const SILENT_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0xf, 0xfe);
/// An address for which the hub answers with ICMP "unreachable".
pub const UNREACHABLE_V4: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 253);
/// The same for IPv6.
pub const UNREACHABLE_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0xf, 0xfd);

const HUB_MAC: &str = "02:00:00:00:00:01";
const HOST_MAC: &str = "02:00:00:00:00:02";

/// How many hosts of which kind.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// Hosts from which clients connect, at most 250.
    pub clients: usize,
    /// Hosts on which backends listen.
    pub backend_hosts: usize,
    /// Backend addresses, spread evenly over the backend hosts, at most 250.
    pub backend_addresses: usize,
    /// Hosts for balancers, at most 100.
    pub balancers: usize,
}

/// Which addresses of a host are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// IPv4 alone.
    V4,
    /// IPv6 alone.
    V6,
    /// Both, IPv4 first.
    Both,
}

/// One host: a namespace with its own addresses.
pub struct Host {
    /// Where its processes and sockets live.
    pub namespace: Namespace,
    /// Its IPv4 addresses; connections leave from the first.
    pub v4: Vec<Ipv4Addr>,
    /// Its IPv6 addresses, as many.
    pub v6: Vec<Ipv6Addr>,
}

impl Host {
    /// The host's addresses with `port`.
    pub fn addresses(&self, family: Family, port: u16) -> Vec<SocketAddr> {
        let v4 = self
            .v4
            .iter()
            .filter(|_| family != Family::V6)
            .map(|ip| IpAddr::V4(*ip));
        let v6 = self
            .v6
            .iter()
            .filter(|_| family != Family::V4)
            .map(|ip| IpAddr::V6(*ip));
        v4.chain(v6).map(|ip| SocketAddr::new(ip, port)).collect()
    }
}

/// The hosts and the hub between them; all of it disappears on drop.
pub struct Network {
    /// Hosts of clients: 192.0.2.x and `2001:db8::c:x`.
    pub clients: Vec<Host>,
    /// Hosts of backends: 198.51.100.x and `2001:db8::b:x`.
    pub backends: Vec<Host>,
    /// Hosts of balancers: 203.0.113.x and `2001:db8::a:x`.
    pub balancers: Vec<Host>,
    /// Kept because the links run through it.
    _hub: Namespace,
}

impl Network {
    /// Makes the namespaces, links, addresses and routes; removes what dead processes have left first.
    pub fn build(layout: &Layout) -> Result<Self> {
        ensure!(
            layout.clients <= 250 && layout.backend_addresses <= 250 && layout.balancers <= 100,
            "{layout:?}"
        );
        sweep()?;
        let hub = make_hub()?;
        let mut links = 0;
        let mut hosts =
            |label: &str, net: [u8; 3], group: u16, addresses: Vec<usize>| -> Result<Vec<Host>> {
                let mut first = 1;
                let hosts = addresses.into_iter().map(|count| {
                    let host = make_host(
                        &hub,
                        label,
                        links,
                        addresses_of(net, group, first..first + count),
                    )?;
                    first += count;
                    links += 1;
                    Ok(host)
                });
                hosts.collect()
            };
        Ok(Self {
            clients: hosts("client", [192, 0, 2], 0xc, vec![1; layout.clients])?,
            backends: hosts(
                "backend",
                [198, 51, 100],
                0xb,
                spread(layout.backend_addresses, layout.backend_hosts),
            )?,
            balancers: hosts("balancer", [203, 0, 113], 0xa, vec![1; layout.balancers])?,
            _hub: hub,
        })
    }

    /// The namespaces of the clients.
    pub fn sources(&self) -> Vec<&Namespace> {
        self.clients.iter().map(|host| &host.namespace).collect()
    }

    /// The backends' addresses with `port`.
    pub fn backend_addresses(&self, family: Family, port: u16) -> Vec<SocketAddr> {
        self.backends
            .iter()
            .flat_map(|host| host.addresses(family, port))
            .collect()
    }

    /// Starts one backend server that listens on all backend addresses.
    pub fn serve(&self, options: &Options, family: Family, port: u16) -> Result<Backend> {
        let places = self
            .backends
            .iter()
            .map(|host| (&host.namespace, host.addresses(family, port)));
        Backend::start(&places.collect::<Vec<_>>(), options)
    }
}

/// `total` addresses over `hosts` hosts, the first hosts one more if they do not divide.
fn spread(total: usize, hosts: usize) -> Vec<usize> {
    (0..hosts)
        .map(|host| total / hosts + usize::from(host < total % hosts))
        .collect()
}

fn addresses_of(
    net: [u8; 3],
    group: u16,
    numbers: std::ops::Range<usize>,
) -> (Vec<Ipv4Addr>, Vec<Ipv6Addr>) {
    let [a, b, c] = net;
    let numbers = numbers.filter_map(|number| u8::try_from(number).ok());
    numbers
        .map(|d| {
            (
                Ipv4Addr::new(a, b, c, d),
                Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, group, u16::from(d)),
            )
        })
        .unzip()
}

fn make_hub() -> Result<Namespace> {
    let hub = Namespace::create("hub")?;
    hub.set("net/ipv4/ip_forward", "1")?;
    hub.set("net/ipv6/conf/all/forwarding", "1")?;
    // The addresses on loopback are those from which the hub sends ICMP. The link "void" leads to nobody.
    hub.ip(&format!(
        "address add 203.0.113.252/32 dev lo\n\
         address add 2001:db8::f:fc/128 dev lo nodad\n\
         route add blackhole {SILENT_V4}/32\n\
         route add blackhole {SILENT_V6}/128\n\
         link add void type veth peer name sink\n\
         link set void up\n\
         link set sink up\n\
         route add {UNREACHABLE_V4}/32 dev void\n\
         route add {UNREACHABLE_V6}/128 dev void\n"
    ))?;
    answer_unreachable(&hub)?;
    Ok(hub)
}

/// Lets the hub answer every packet to an unreachable address, at once.
///
/// An `unreachable` route would not do: for IPv4 its answers are limited per source by a setting that namespaces do not
/// have. A neighbour that cannot be resolved has no such limit; it is asked for once, for 10 ms.
fn answer_unreachable(hub: &Namespace) -> Result<()> {
    for family in ["ipv4", "ipv6"] {
        let neighbour = format!("net/{family}/neigh/void");
        hub.set(&format!("{neighbour}/mcast_solicit"), "1")?;
        hub.set(&format!("{neighbour}/retrans_time_ms"), "10")?;
    }
    for limit in ["net/ipv4/icmp_ratelimit", "net/ipv6/icmp/ratelimit"] {
        hub.set(limit, "0")?;
    }
    for limit in ["net/ipv4/icmp_msgs_per_sec", "net/ipv4/icmp_msgs_burst"] {
        hub.set(limit, "1000000")?;
    }
    Ok(())
}

fn make_host(
    hub: &Namespace,
    label: &str,
    link: usize,
    addresses: (Vec<Ipv4Addr>, Vec<Ipv6Addr>),
) -> Result<Host> {
    let (v4, v6) = addresses;
    let namespace = Namespace::create(label)?;
    let port = format!("p{link}");
    let name = namespace.name().unwrap_or_default();
    let mut here = format!(
        "link add {port} address {HUB_MAC} type veth peer name eth0 address {HOST_MAC} netns {name}\n\
         link set {port} addrgenmode none\n\
         link set {port} up\n\
         address add fe80::1/64 dev {port} nodad\n\
         neighbour replace fe80::2 lladdr {HOST_MAC} dev {port} nud permanent\n"
    );
    let mut there = format!(
        "link set eth0 addrgenmode none\n\
         link set eth0 up\n\
         address add fe80::2/64 dev eth0 nodad\n\
         neighbour replace fe80::1 lladdr {HUB_MAC} dev eth0 nud permanent\n"
    );
    for ip in &v4 {
        writeln!(here, "route add {ip}/32 via inet6 fe80::2 dev {port}")?;
        writeln!(there, "address add {ip}/32 dev eth0")?;
    }
    for ip in &v6 {
        writeln!(here, "route add {ip}/128 via fe80::2 dev {port}")?;
        writeln!(there, "address add {ip}/128 dev eth0 nodad")?;
    }
    there.push_str(
        "route add 0.0.0.0/0 via inet6 fe80::1 dev eth0\nroute add ::/0 via fe80::1 dev eth0\n",
    );
    hub.ip(&here)?;
    namespace.ip(&there)?;
    tune(&namespace)?;
    Ok(Host { namespace, v4, v6 })
}

/// Lets a host open and accept tens of thousands of connections without running out of ports or queue.
fn tune(namespace: &Namespace) -> Result<()> {
    namespace.set("net/ipv4/ip_local_port_range", "20000 65535")?;
    namespace.set("net/ipv4/tcp_tw_reuse", "1")?;
    namespace.set("net/core/somaxconn", "65535")?;
    namespace.set("net/ipv4/tcp_max_syn_backlog", "65535")?;
    // Connections that one process has not yet accepted go over to its successor on the same port.
    namespace.set("net/ipv4/tcp_migrate_req", "1")
}
