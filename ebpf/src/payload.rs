//! From sequence numbers to payload bytes.
//!
//! The kernel's `bytes_acked` and `bytes_received` count sequence numbers, and SYN and FIN take one each.

/// `TCP_ESTABLISHED` and its neighbours of the kernel's `tcp_states.h`.
pub mod state {
    pub const ESTABLISHED: u32 = 1;
    pub const SYN_SENT: u32 = 2;
    pub const FIN_WAIT1: u32 = 4;
    pub const FIN_WAIT2: u32 = 5;
    pub const CLOSE: u32 = 7;
    pub const CLOSE_WAIT: u32 = 8;
    pub const LAST_ACK: u32 = 9;
    pub const LISTEN: u32 = 10;
    pub const CLOSING: u32 = 11;
}

/// Payload sent and acknowledged, by a connection in `state` (the last one, if it just closed).
///
/// The active opener's SYN is in `acked` (the passive side starts behind its own). Our FIN is, once the peer
/// acknowledged it: certain in FIN_WAIT2; in the states in which it is on its way, when nothing is outstanding.
#[inline(always)]
pub fn sent(acked: u64, active_opener: bool, state: u32, outstanding: bool) -> u64 {
    let fin = match state {
        state::FIN_WAIT2 => 1,
        state::FIN_WAIT1 | state::CLOSING | state::LAST_ACK => u64::from(!outstanding),
        _ => 0,
    };
    acked.saturating_sub(u64::from(active_opener) + fin)
}

/// Payload received, by a connection in `state` (the last one, if it just closed).
///
/// The peer's FIN is in `received` in the states that it leads to. On the way from FIN_WAIT2 to CLOSE it is,
/// unless the kernel handed the socket over to a TIME_WAIT one before it came: one byte a connection is
/// uncertain there, and the usual case is taken.
#[inline(always)]
pub fn received(received: u64, state: u32, closing: bool) -> u64 {
    let fin = match state {
        state::CLOSE_WAIT | state::LAST_ACK | state::CLOSING => 1,
        state::FIN_WAIT2 => u64::from(closing),
        _ => 0,
    };
    received.saturating_sub(fin)
}
