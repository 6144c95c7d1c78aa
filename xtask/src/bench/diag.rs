//! The other way to see open connections: a dump of the socket table with `tcp_info`, by `sock_diag` from user space.

use anyhow::{Context, Result, bail};
use rustix::net::{AddressFamily, SocketFlags, SocketType, netlink, socket_with};

const SOCK_DIAG_BY_FAMILY: u16 = 20;
const NLM_F_REQUEST_DUMP: u16 = 0x301;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const INET_DIAG_INFO: u16 = 2;
const AF_INET: u8 = 2;
const IPPROTO_TCP: u8 = 6;

/// Bytes of `nlmsghdr`, of `inet_diag_req_v2`, of `inet_diag_msg`.
const HEADER: usize = 16;
const REQUEST: usize = 56;
const MESSAGE: usize = 72;

/// Where `tcp_info` has `tcpi_bytes_acked` and, behind it, `tcpi_bytes_received`.
const BYTES_ACKED: usize = 120;

/// All states from the established connection to the last acknowledgement, as the agent visits them (`tcp_states.h`).
const OPEN_STATES: u32 = 1 << 1 | 1 << 4 | 1 << 5 | 1 << 8 | 1 << 9 | 1 << 11;

/// What a dump found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// Open sockets.
    pub(super) sockets: usize,
    /// Bytes that they received and sent, SYN and FIN included.
    pub(super) bytes: u64,
}

/// Dumps the open IPv4 connections of the calling thread's network namespace. Cheaper than what an agent had to do, which
/// would also have to remember each connection's last bytes.
pub(super) fn dump() -> Result<Found> {
    let flags = SocketFlags::CLOEXEC;
    let socket = socket_with(
        AddressFamily::NETLINK,
        SocketType::RAW,
        flags,
        Some(netlink::SOCK_DIAG),
    )
    .context("no sock_diag")?;
    rustix::io::write(&socket, &request()?).context("sock_diag takes no request")?;
    let mut found = Found::default();
    let mut buffer = vec![0; 1 << 18];
    loop {
        let length = rustix::io::read(&socket, &mut buffer).context("sock_diag does not answer")?;
        if take(&buffer[..length], &mut found).context("an answer of sock_diag is cut off")? {
            return Ok(found);
        }
    }
}

fn request() -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(HEADER + REQUEST);
    bytes.extend(u32::try_from(HEADER + REQUEST)?.to_ne_bytes());
    bytes.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    bytes.extend(NLM_F_REQUEST_DUMP.to_ne_bytes());
    bytes.extend([0; 8]);
    let extensions = 1 << (INET_DIAG_INFO - 1);
    bytes.extend([AF_INET, IPPROTO_TCP, extensions, 0]);
    bytes.extend(OPEN_STATES.to_ne_bytes());
    bytes.resize(HEADER + REQUEST, 0);
    Ok(bytes)
}

/// Takes over the messages of one answer; `true` after the last one.
fn take(mut messages: &[u8], found: &mut Found) -> Result<bool> {
    while !messages.is_empty() {
        let length = u32::from_ne_bytes(at(messages, 0)?) as usize;
        match u16::from_ne_bytes(at(messages, 4)?) {
            NLMSG_DONE => return Ok(true),
            NLMSG_ERROR => bail!("sock_diag refused the request"),
            _ => {}
        }
        let attributes = messages
            .get(HEADER + MESSAGE..length)
            .context("short message")?;
        found.sockets += 1;
        found.bytes += bytes(attributes)?;
        messages = messages.get(aligned(length)..).unwrap_or_default();
    }
    Ok(false)
}

/// The bytes in the `tcp_info` among a socket's attributes.
fn bytes(mut attributes: &[u8]) -> Result<u64> {
    while !attributes.is_empty() {
        let length = usize::from(u16::from_ne_bytes(at(attributes, 0)?));
        if u16::from_ne_bytes(at(attributes, 2)?) == INET_DIAG_INFO {
            let long =
                |place| Ok::<_, anyhow::Error>(u64::from_ne_bytes(at(attributes, 4 + place)?));
            return Ok(long(BYTES_ACKED)? + long(BYTES_ACKED + 8)?);
        }
        attributes = attributes.get(aligned(length.max(4))..).unwrap_or_default();
    }
    bail!("a socket without tcp_info")
}

fn aligned(length: usize) -> usize {
    length.next_multiple_of(4)
}

/// The bytes of a number at a place.
fn at<const SIZE: usize>(bytes: &[u8], place: usize) -> Result<[u8; SIZE]> {
    let bytes = bytes.get(place..place + SIZE).context("short message")?;
    Ok(bytes.try_into()?)
}
