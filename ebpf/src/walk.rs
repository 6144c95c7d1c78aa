//! The walk: visits every TCP socket of one network namespace, a few seconds apart.
//!
//! It brings the bytes of connections that stay open into the counters, counts the open connections, and meets
//! those that are older than the program. The kernel holds the socket's lock during a visit (since 5.15), as it does
//! during the hook's callbacks, so that the two never see one connection at once and no byte is counted twice.

use core::ffi::c_void;

use aya_ebpf::bindings::BPF_SOCK_OPS_STATE_CB_FLAG;
use aya_ebpf::helpers::generated::bpf_skc_to_tcp_sock;
use evenkeel_abi::{Counters, Key, Mark, Offsets, ROLE_LOCAL, ROLE_UPSTREAM, Settings, event};

use crate::endpoint::{AF_INET, AF_INET6, Address, is_loopback, key, mapped};
use crate::maps::{
    add, counters, counters_or_learn, is_listening, mark_or, note, note_listener, settings,
};
use crate::payload::{self, state};

/// Set by the agent before loading; the verifier takes the values for constants, so that reads at these offsets are
/// checked like any other.
#[unsafe(no_mangle)]
static OFFSETS: Offsets = Offsets {
    daddr: 0,
    saddr: 0,
    v6_daddr: 0,
    v6_saddr: 0,
    dport: 0,
    num: 0,
    family: 0,
    state: 0,
    bytes_received: 0,
    bytes_acked: 0,
    total_retrans: 0,
    snd_una: 0,
    snd_nxt: 0,
    cb_flags: 0,
};

/// The kernel's `struct bpf_iter__tcp`.
#[repr(C)]
struct IterTcp {
    meta: *mut c_void,
    socket: *mut c_void,
    uid: u32,
}

/// Reads `$type` from a kernel structure, at the offset of the running kernel.
macro_rules! read {
    ($from:expr, $offset:ident, $type:ty) => {{
        // SAFETY: a constant of this program.
        let offset = unsafe { (&raw const OFFSETS.$offset).read_volatile() } as usize;
        // SAFETY: the verifier checks the offset against the structure's type.
        unsafe { $from.byte_add(offset).cast::<$type>().read_volatile() }
    }};
}

/// Visits one socket; called once more with none at the end.
#[unsafe(no_mangle)]
#[unsafe(link_section = "iter/tcp")]
fn evenkeel_walk(ctx: *mut IterTcp) -> u32 {
    // SAFETY: the kernel passes a valid context.
    let socket = unsafe { (&raw const (*ctx).socket).read_volatile() };
    if socket.is_null() {
        return 0;
    }
    if let Some(settings) = settings() {
        match u32::from(read!(socket, state, u8)) {
            state::LISTEN => note_listener(read!(socket, num, u16), settings.walk),
            state @ (state::ESTABLISHED
            | state::FIN_WAIT1
            | state::FIN_WAIT2
            | state::CLOSE_WAIT
            | state::LAST_ACK
            | state::CLOSING) => visit(socket, state, settings),
            _ => {}
        }
    }
    0
}

/// Finds the endpoint that an open connection belongs to.
#[inline(always)]
fn visit(socket: *mut c_void, state: u32, settings: &Settings) {
    let port = read!(socket, num, u16);
    let Some((remote, local)) = keys(socket, port, settings.walk_netns) else {
        return;
    };
    let upstream = if is_listening(port, settings.walk) {
        // Accepted here: what it came from is no backend, and not to be learned as one.
        counters(&remote)
    } else {
        counters_or_learn(&remote)
    };
    if let Some(counters) = upstream {
        account(socket, state, settings, counters, true);
    } else if let Some(counters) = counters(&local) {
        account(socket, state, settings, counters, false);
    }
}

/// Adds what an open connection did since the last visit.
#[inline(always)]
fn account(
    socket: *mut c_void,
    state: u32,
    settings: &Settings,
    counters: *mut Counters,
    active_opener: bool,
) {
    // SAFETY: a helper call; the verifier knows the argument for a socket.
    let tcp = unsafe { bpf_skc_to_tcp_sock(socket) }.cast::<c_void>();
    if tcp.is_null() {
        return;
    }
    // SAFETY: `counters` points to a map value.
    let counters = unsafe { &mut *counters };
    let outstanding = read!(tcp, snd_una, u32) != read!(tcp, snd_nxt, u32);
    let acked = read!(tcp, bytes_acked, u64);
    let sent = payload::sent(acked, active_opener, state, outstanding);
    let received = payload::received(read!(tcp, bytes_received, u64), state, false);
    let retransmits = read!(tcp, total_retrans, u32);

    // A connection without a mark and without our callback was never announced to the hook.
    let announced = u32::from(read!(tcp, cb_flags, u8)) & BPF_SOCK_OPS_STATE_CB_FLAG != 0;
    let older = settings.adopting != 0 || !announced;
    let mut first = Mark {
        // What an older connection carried before is not this agent's to count.
        received: if older { received } else { 0 },
        sent: if older { sent } else { 0 },
        retransmits: if older { retransmits } else { 0 },
        walk: 0,
        older: older.into(),
        padding: 0,
    };
    let Some(mark) = mark_or(socket, &mut first) else {
        note(event::MARK_REFUSED);
        add(&mut counters.met, 1);
        return;
    };
    // SAFETY: `mark` points to the storage of this socket, which the walk holds locked.
    let mark = unsafe { &mut *mark };
    if mark.walk == settings.walk {
        // The kernel may show a socket twice in one walk.
        return;
    }
    mark.walk = settings.walk;
    add(&mut counters.met, 1);
    if mark.older != 0 {
        add(&mut counters.met_older, 1);
    }
    publish(&mut counters.sent, &mut mark.sent, sent);
    publish(&mut counters.received, &mut mark.received, received);
    if retransmits > mark.retransmits {
        add(
            &mut counters.retransmits,
            u64::from(retransmits - mark.retransmits),
        );
        mark.retransmits = retransmits;
    }
}

/// Adds what `now` has over what is `known`, and remembers it.
#[inline(always)]
fn publish(counter: &mut u64, known: &mut u64, now: u64) {
    if now > *known {
        add(counter, now - *known);
        *known = now;
    }
}

/// Both ends of a connection: the remote one as `upstream`, the local one as `local`.
#[inline(always)]
fn keys(socket: *mut c_void, port: u16, netns: u64) -> Option<(Key, Key)> {
    let (remote, local): (Address, Address) = match u32::from(read!(socket, family, u16)) {
        AF_INET => (
            mapped(read!(socket, daddr, u32)),
            mapped(read!(socket, saddr, u32)),
        ),
        AF_INET6 => (
            read!(socket, v6_daddr, Address),
            read!(socket, v6_saddr, Address),
        ),
        _ => return None,
    };
    let of = |address: &Address| if is_loopback(address) { netns } else { 0 };
    let remote_port = u16::from_be(read!(socket, dport, u16));
    Some((
        key(remote, remote_port, ROLE_UPSTREAM, of(&remote)),
        key(local, port, ROLE_LOCAL, of(&local)),
    ))
}
