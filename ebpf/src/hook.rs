//! The hook: one program for the events in a TCP connection's life, attached to the root of the cgroup tree.
//!
//! It asks for state callbacks only for watched connections, ORing into the flags that it finds (other programs
//! share them). At close the remote endpoint is looked up as `upstream`, then the local one as `local`: which side
//! opened the connection need not be remembered. Of every accepted connection it is noted which client it came from, by a
//! hash alone.

use core::ffi::c_void;

use aya_ebpf::bindings::{
    BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB, BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB, BPF_SOCK_OPS_STATE_CB,
    BPF_SOCK_OPS_STATE_CB_FLAG, BPF_SOCK_OPS_TCP_CONNECT_CB, bpf_sock_ops,
};
use aya_ebpf::helpers::generated::{bpf_get_netns_cookie, bpf_sock_ops_cb_flags_set};
use evenkeel_abi::{Counters, Key, ROLE_LOCAL, ROLE_UPSTREAM, Settings, cell, port_bit};

use crate::endpoint::{AF_INET, AF_INET6, Address, client, is_loopback, is_same, key, mapped};
use crate::maps::{add, add_client, counters, is_watched, is_watched_or_learned, mark, settings};
use crate::payload::{self, state};

/// Reads a field of the context. Volatile, because LLVM otherwise merges reads of different fields into one
/// address that the verifier refuses ("dereference of modified ctx ptr").
macro_rules! field {
    ($ctx:expr, $($field:tt)+) => {
        // SAFETY: the kernel passes a valid context, and the verifier checks each offset.
        unsafe { (&raw const (*$ctx).$($field)+).read_volatile() }
    };
}

/// Counts; never answers, never changes the connection. The return value 1 lets other programs have their say.
#[unsafe(no_mangle)]
#[unsafe(link_section = "sockops")]
fn evenkeel_count(ctx: *mut bpf_sock_ops) -> u32 {
    match field!(ctx, op) {
        BPF_SOCK_OPS_TCP_CONNECT_CB => on_connect(ctx),
        BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB => on_established(ctx, remote(ctx)),
        BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB => on_accepted(ctx),
        BPF_SOCK_OPS_STATE_CB => on_state(ctx),
        // New kinds of events appear with new kernels, and some run without the socket's lock.
        _ => {}
    }
    1
}

/// A SYN is about to leave: the only moment to ask for the callback that tells of its failure.
#[inline(always)]
fn on_connect(ctx: *mut bpf_sock_ops) {
    if remote(ctx).is_some_and(|key| is_watched_or_learned(&key)) {
        ask_for_states(ctx);
    }
}

/// A connection was accepted, at an endpoint that need not be watched: clients are met where they connect to.
#[inline(always)]
fn on_accepted(ctx: *mut bpf_sock_ops) {
    let Some(settings) = settings() else {
        return;
    };
    if let Some(client) = client_of(ctx, settings) {
        add_client(cell(client, settings.seed));
    }
    if settings.accepting != 0 {
        on_established(ctx, local(ctx));
    }
}

/// Whose connection was accepted; none if this host opened it itself, as far as can be told: from a loopback address,
/// from the very address that it went to, or to an endpoint that the host is watched connecting to (a balancer and its
/// backends on one host).
#[inline(always)]
fn client_of(ctx: *mut bpf_sock_ops, settings: &Settings) -> Option<u64> {
    let (remote, local) = (remote_address(ctx)?, local_address(ctx)?);
    if is_loopback(&remote) || is_same(&remote, &local) {
        return None;
    }
    let port = field!(ctx, local_port) as u16;
    // Most ports belong to no watched endpoint, and one bit says so for less than a lookup.
    let backend = settings.upstream_ports & port_bit(port) != 0
        && is_watched(&key(local, port, ROLE_UPSTREAM, 0));
    (!backend).then(|| client(&remote))
}

#[inline(always)]
fn on_established(ctx: *mut bpf_sock_ops, endpoint: Option<Key>) {
    let Some(counters) = endpoint.and_then(|key| counters(&key)) else {
        return;
    };
    ask_for_states(ctx);
    // SAFETY: `counters` points to a map value.
    let Counters {
        opened,
        handshakes,
        handshake_micros,
        ..
    } = unsafe { &mut *counters };
    add(opened, 1);
    // The kernel keeps eight times the round trip; 0 if it could not measure one.
    let round_trip = u64::from(field!(ctx, srtt_us)) >> 3;
    if round_trip > 0 {
        add(handshakes, 1);
        add(handshake_micros, round_trip);
    }
}

/// A connection changed its state from `args[0]` to `args[1]`.
#[inline(always)]
fn on_state(ctx: *mut bpf_sock_ops) {
    let (from, to) = (
        field!(ctx, __bindgen_anon_1.args[0]),
        field!(ctx, __bindgen_anon_1.args[1]),
    );
    if to != state::CLOSE {
        return;
    }
    if let Some(counters) = remote(ctx).and_then(|key| counters(&key)) {
        on_close(ctx, counters, from, true);
    } else if let Some(counters) = local(ctx).and_then(|key| counters(&key)) {
        on_close(ctx, counters, from, false);
    }
}

#[inline(always)]
fn on_close(ctx: *mut bpf_sock_ops, counters: *mut Counters, from: u32, active_opener: bool) {
    // SAFETY: `counters` points to a map value.
    let counters = unsafe { &mut *counters };
    if from == state::SYN_SENT {
        add(&mut counters.failed, 1);
        return;
    }
    if from == state::LISTEN {
        return;
    }
    let outstanding = field!(ctx, snd_una) != field!(ctx, snd_nxt);
    let mut sent = payload::sent(field!(ctx, bytes_acked), active_opener, from, outstanding);
    let mut received = payload::received(field!(ctx, bytes_received), from, true);
    let mut retransmits = u64::from(field!(ctx, total_retrans));
    let mut older = 0;
    let socket: *mut c_void = field!(ctx, __bindgen_anon_2.sk).cast();
    // The context has no socket for connections that are requests still; the verifier wants to be told.
    if let Some(mark) = (!socket.is_null()).then(|| mark(socket)).flatten() {
        // SAFETY: `mark` points to the storage of this socket, which the callback holds locked.
        let mark = unsafe { &*mark };
        sent = sent.saturating_sub(mark.sent);
        received = received.saturating_sub(mark.received);
        retransmits = retransmits.saturating_sub(mark.retransmits.into());
        older = u64::from(mark.older);
    }
    if older > 0 {
        close_older(counters);
    }
    add(&mut counters.closed, 1 - older);
    add(&mut counters.sent, sent);
    add(&mut counters.received, received);
    if retransmits > 0 {
        add(&mut counters.retransmits, retransmits);
    }
}

/// A function of its own so that the compiler does not make it one addition to the one counter or the other: the
/// verifier forbids pointers that depend on data to loaders without `CAP_PERFMON`.
#[inline(never)]
fn close_older(counters: &mut Counters) {
    add(&mut counters.older_closed, 1);
}

/// Asks for callbacks at state changes, and keeps what other programs asked for.
#[inline(always)]
fn ask_for_states(ctx: *mut bpf_sock_ops) {
    let asked = field!(ctx, bpf_sock_ops_cb_flags);
    if asked & BPF_SOCK_OPS_STATE_CB_FLAG == 0 {
        // SAFETY: a helper call with the program's own context. It cannot fail for a full socket, which this is.
        unsafe { bpf_sock_ops_cb_flags_set(ctx, (asked | BPF_SOCK_OPS_STATE_CB_FLAG) as i32) };
    }
}

/// The remote endpoint, as one that this host connects to.
#[inline(always)]
fn remote(ctx: *mut bpf_sock_ops) -> Option<Key> {
    let address = remote_address(ctx)?;
    // The port is in network byte order, in the upper half of the word's four bytes.
    let port = (u32::from_be(field!(ctx, remote_port)) & 0xffff) as u16;
    Some(key(address, port, ROLE_UPSTREAM, netns_of(ctx, &address)))
}

#[inline(always)]
fn remote_address(ctx: *mut bpf_sock_ops) -> Option<Address> {
    match field!(ctx, family) {
        AF_INET => Some(mapped(field!(ctx, remote_ip4))),
        AF_INET6 => Some(field!(ctx, remote_ip6)),
        _ => None,
    }
}

/// The local endpoint, as one that this host accepts connections on.
#[inline(always)]
fn local(ctx: *mut bpf_sock_ops) -> Option<Key> {
    let address = local_address(ctx)?;
    // This one is in host byte order.
    let port = field!(ctx, local_port) as u16;
    Some(key(address, port, ROLE_LOCAL, netns_of(ctx, &address)))
}

#[inline(always)]
fn local_address(ctx: *mut bpf_sock_ops) -> Option<Address> {
    match field!(ctx, family) {
        AF_INET => Some(mapped(field!(ctx, local_ip4))),
        AF_INET6 => Some(field!(ctx, local_ip6)),
        _ => None,
    }
}

#[inline(always)]
fn netns_of(ctx: *mut bpf_sock_ops, address: &Address) -> u64 {
    if is_loopback(address) {
        // SAFETY: a helper call with the program's own context.
        unsafe { bpf_get_netns_cookie(ctx.cast()) }
    } else {
        0
    }
}
