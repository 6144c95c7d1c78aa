//! Addresses as keys.

use evenkeel_abi::Key;

/// `AF_INET` of the kernel's `socket.h`.
pub const AF_INET: u32 = 2;
/// `AF_INET6` of the kernel's `socket.h`.
pub const AF_INET6: u32 = 10;

/// An address as four words in network byte order, IPv4 mapped into IPv6 (`::ffff:a.b.c.d`).
pub type Address = [u32; 4];

const MAPPED: u32 = 0xffff_u32.to_be();

/// An IPv4 address, given in network byte order.
#[inline(always)]
pub fn mapped(ip4: u32) -> Address {
    [0, 0, MAPPED, ip4]
}

/// 127.0.0.0/8, mapped, or `::1`: addresses that mean something inside one network namespace only.
#[inline(always)]
pub fn is_loopback(address: &Address) -> bool {
    if (address[0] | address[1]) != 0 {
        return false;
    }
    (address[2] == MAPPED && address[3].to_ne_bytes()[0] == 127)
        || (address[2] == 0 && address[3] == 1_u32.to_be())
}

/// The key of an endpoint; `netns` must be 0 unless the address is a loopback address.
#[inline(always)]
pub fn key(address: Address, port: u16, role: u16, netns: u64) -> Key {
    Key {
        // SAFETY: both are 16 plain bytes.
        address: unsafe { core::mem::transmute::<Address, [u8; 16]>(address) },
        netns,
        port,
        role,
        padding: 0,
    }
}

/// Whether two addresses are one. (Comparing the arrays would call a function that is not there.)
#[inline(always)]
pub fn is_same(one: &Address, other: &Address) -> bool {
    let differs = (one[0] ^ other[0]) | (one[1] ^ other[1]) | (one[2] ^ other[2]);
    differs | (one[3] ^ other[3]) == 0
}

/// What stands for a client: its IPv4 address, or the upper half of its IPv6 address, for a host or a site usually has
/// all addresses of a /64.
#[inline(always)]
pub fn client(address: &Address) -> u64 {
    let ip4 = (address[0] | address[1]) == 0 && address[2] == MAPPED;
    let (high, low) = if ip4 {
        (address[2], address[3])
    } else {
        (address[0], address[1])
    };
    u64::from(high) << 32 | u64::from(low)
}
