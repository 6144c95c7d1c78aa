//! The types that the kernel program and the agent share.
//!
//! Integers only, padding explicit, sizes asserted: the same bytes are read by two compilers, and the kernel
//! compares keys byte by byte, so that an unset padding byte would be another key.
#![no_std]

/// [`Key::role`]: the endpoint is the remote side of connections that this host opens.
pub const ROLE_UPSTREAM: u16 = 1;
/// [`Key::role`]: the endpoint is the local side of connections that this host accepts.
pub const ROLE_LOCAL: u16 = 2;

/// Who serves: the key of the `SEAT_OF` map.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// IPv6 address, or IPv4 address mapped into IPv6, as in a packet (network byte order).
    pub address: [u8; 16],
    /// Cookie of the network namespace for loopback addresses, 0 for all others.
    pub netns: u64,
    /// Port, in host byte order.
    pub port: u16,
    /// [`ROLE_UPSTREAM`] or [`ROLE_LOCAL`].
    pub role: u16,
    /// Always 0.
    pub padding: u32,
}

/// What is counted of an endpoint. Only ever added to.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Connections established.
    pub opened: u64,
    /// Handshakes whose round trip the kernel measured.
    pub handshakes: u64,
    /// Sum of those round trips, in microseconds.
    pub handshake_micros: u64,
    /// Established connections that reached CLOSE, without those older than the program.
    pub closed: u64,
    /// Payload bytes received.
    pub received: u64,
    /// Payload bytes sent and acknowledged.
    pub sent: u64,
    /// Connection attempts that ended in SYN_SENT.
    pub failed: u64,
    /// Segments sent again.
    pub retransmits: u64,
    /// Open connections met by walks of the socket table, summed over all walks.
    pub met: u64,
    /// The part of `met` that was older than the program or was never announced to it.
    pub met_older: u64,
    /// Connections of that part that were seen to close.
    pub older_closed: u64,
}

/// Where a watched endpoint is counted: an element of the `SEATS` map. Two cache lines, of which the events of a connection
/// change the first alone.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seat {
    /// What was counted since the endpoint was given this seat.
    pub counters: Counters,
    /// Always 0.
    pub padding: u64,
    /// Whose seat this is; all zeros if nobody's.
    pub key: Key,
}

/// What a walk remembers of an open connection: the value of the `MARKS` socket storage.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// Payload bytes received that are in the counters already.
    pub received: u64,
    /// Payload bytes sent that are in the counters already.
    pub sent: u64,
    /// Retransmitted segments that are in the counters already.
    pub retransmits: u32,
    /// The walk that met the connection last.
    pub walk: u32,
    /// 1 if the connection is not in `opened`.
    pub older: u32,
    /// Always 0.
    pub padding: u32,
}

/// What the agent tells the program while it runs: the one entry of the `SETTINGS` map.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Cookie of the network namespace that is being walked.
    pub walk_netns: u64,
    /// Number of the walk, counted over namespaces; never 0 during a walk.
    pub walk: u32,
    /// 1 while every open connection that bears no mark is older than the program.
    pub adopting: u32,
    /// 1 to count upstream endpoints that are not in the map yet.
    pub learning: u32,
    /// 1 if endpoints in [`ROLE_LOCAL`] are watched; otherwise connections that this host accepts are not looked up.
    pub accepting: u32,
    /// The [`port_bit`]s of the ports of endpoints in [`ROLE_UPSTREAM`]; all bits when they are learned.
    pub upstream_ports: u64,
    /// What [`cell`] begins with: drawn when the agent starts, so that nobody knows which clients share a cell.
    pub seed: Seed,
}

/// The bit of [`Settings::upstream_ports`] that a port shares with one in 64.
#[inline(always)]
#[must_use]
pub const fn port_bit(port: u16) -> u64 {
    1 << (port & 63)
}

/// How many cells there are, as a power of two.
pub const CELL_BITS: u32 = 11;
/// How many cells there are to count clients in. More of them tell clients apart more surely, and are less often in the
/// processor's nearest cache.
pub const CELLS: usize = 1 << CELL_BITS;
/// How many elements the `CLIENTS` map has. The even cell is the lower half of an element, the odd one the upper
/// half, for the kernel takes eight bytes an element in any case.
pub const CELL_PAIRS: usize = CELLS / 2;

/// Random bits for [`cell`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seed {
    /// Any number.
    pub mask: u64,
    /// An odd number.
    pub factor: u64,
}

/// The cell in which connections of `client` are counted.
///
/// Two multiplications, and between them the high half is folded into the low one: neighbouring addresses, as clients
/// have them, are then as good as drawn at random. (One multiplication alone lets whole rows of neighbours collide at
/// once, or none.)
#[inline(always)]
#[must_use]
pub const fn cell(client: u64, seed: Seed) -> u32 {
    // 2^64 divided by the golden ratio, and odd: its bits have no pattern.
    const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
    let mixed = (client ^ seed.mask).wrapping_mul(seed.factor);
    let mixed = (mixed ^ (mixed >> 32)).wrapping_mul(GOLDEN);
    (mixed >> (64 - CELL_BITS)) as u32
}

/// Where the running kernel keeps what a walk reads, in bytes from the start of the structure; read from the
/// kernel's BTF and handed over as a constant.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offsets {
    /// `sock_common.skc_daddr`
    pub daddr: u32,
    /// `sock_common.skc_rcv_saddr`
    pub saddr: u32,
    /// `sock_common.skc_v6_daddr`
    pub v6_daddr: u32,
    /// `sock_common.skc_v6_rcv_saddr`
    pub v6_saddr: u32,
    /// `sock_common.skc_dport`
    pub dport: u32,
    /// `sock_common.skc_num`
    pub num: u32,
    /// `sock_common.skc_family`
    pub family: u32,
    /// `sock_common.skc_state`
    pub state: u32,
    /// `tcp_sock.bytes_received`
    pub bytes_received: u32,
    /// `tcp_sock.bytes_acked`
    pub bytes_acked: u32,
    /// `tcp_sock.total_retrans`
    pub total_retrans: u32,
    /// `tcp_sock.snd_una`
    pub snd_una: u32,
    /// `tcp_sock.snd_nxt`
    pub snd_nxt: u32,
    /// `tcp_sock.bpf_sock_ops_cb_flags`
    pub cb_flags: u32,
}

/// Slots of the `EVENTS` array: what the hook counts of itself.
pub mod event {
    /// A connection attempt to an endpoint for which no seat was free.
    pub const MAP_FULL: u32 = 0;
    /// A connection attempt to an endpoint that the map refused for another reason.
    pub const INSERT_REFUSED: u32 = 1;
    /// An open connection that could not be marked.
    pub const MARK_REFUSED: u32 = 2;
    /// An endpoint that was given a seat by the hook, because it was not watched yet and was to be learned.
    pub const LEARNED: u32 = 3;
    /// How many slots there are.
    pub const SLOTS: u32 = 4;
}

const _: () = {
    assert!(size_of::<Key>() == 32 && align_of::<Key>() == 8);
    assert!(size_of::<Counters>() == 88);
    assert!(size_of::<Seat>() == 128 && align_of::<Seat>() == 8);
    assert!(size_of::<Mark>() == 32);
    assert!(size_of::<Settings>() == 48);
    assert!(size_of::<Offsets>() == 56);
};
