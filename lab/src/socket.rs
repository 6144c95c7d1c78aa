//! What the standard library's sockets lack: listening options, unfinished connects, resets that lose nothing.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use anyhow::{Context as _, Result};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, ipproto, sockopt};
use rustix::thread::CpuSet;

/// Room for bursts of thousands of connects; the kernel cuts it down to `net.core.somaxconn`.
const BACKLOG: i32 = 65_535;

/// A non-blocking listener. `[::]` also accepts IPv4 (dual stack), any other IPv6 address only IPv6.
pub(crate) fn listen(address: SocketAddr) -> Result<TcpListener> {
    let bound = || -> rustix::io::Result<OwnedFd> {
        let socket = stream_socket(address)?;
        sockopt::set_socket_reuseaddr(&socket, true)?;
        if address.is_ipv6() {
            sockopt::set_ipv6_v6only(&socket, !address.ip().is_unspecified())?;
        }
        rustix::net::bind(&socket, &address)?;
        rustix::net::listen(&socket, BACKLOG)?;
        Ok(socket)
    };
    Ok(TcpListener::from(
        bound().with_context(|| format!("cannot listen on {address}"))?,
    ))
}

/// Sends a SYN and does not wait for what comes of it.
///
/// `patience` is how long the kernel keeps trying (`TCP_USER_TIMEOUT`); it looks only when its first timer fires after
/// one second (RFC 6298), so that less than that makes no difference.
pub(crate) fn begin_connect(
    address: SocketAddr,
    patience: Duration,
) -> rustix::io::Result<OwnedFd> {
    let socket = stream_socket(address)?;
    sockopt::set_tcp_user_timeout(
        &socket,
        u32::try_from(patience.as_millis()).unwrap_or(u32::MAX),
    )?;
    match rustix::net::connect(&socket, &address) {
        Ok(()) | Err(Errno::INPROGRESS) => Ok(socket),
        Err(error) => Err(error),
    }
}

/// An address as an `AF_INET6` socket has to be given it, IPv4 as `::ffff:a.b.c.d`.
pub(crate) fn mapped(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(v4) => SocketAddr::new(v4.ip().to_ipv6_mapped().into(), v4.port()),
        SocketAddr::V6(_) => address,
    }
}

/// Closes with RST. The peer has got an acknowledgement of everything that was read here before it gets the RST.
///
/// A RST acknowledges nothing by itself, so that the last acknowledgement is sent first, and both from the same
/// processor: a processor's packets stay in order within a machine.
pub(crate) fn reset(socket: impl AsFd + Into<OwnedFd>) -> io::Result<()> {
    let everywhere = rustix::thread::sched_getaffinity(None)?;
    let mut here = CpuSet::new();
    here.set(rustix::thread::sched_getcpu());
    rustix::thread::sched_setaffinity(None, &here)?;
    let closed = reset_in_place(socket);
    rustix::thread::sched_setaffinity(None, &everywhere)?;
    closed
}

fn reset_in_place(socket: impl AsFd + Into<OwnedFd>) -> io::Result<()> {
    sockopt::set_tcp_quickack(&socket, true)?;
    sockopt::set_socket_linger(&socket, Some(Duration::ZERO))?;
    drop(socket.into());
    Ok(())
}

/// Connects and sets a limit to every later read and write, so that no peer can stop a test for ever.
pub(crate) fn connect(address: SocketAddr, patience: Duration) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))?;
    Ok(stream)
}

/// As [`connect`], as a client with the address `from`, which must be one of this host.
pub(crate) fn connect_from(
    from: IpAddr,
    address: SocketAddr,
    patience: Duration,
) -> io::Result<TcpStream> {
    let socket = stream_socket(address)?;
    rustix::net::bind(&socket, &SocketAddr::new(from, 0))?;
    let stream = TcpStream::from(socket);
    stream.set_nonblocking(false)?;
    stream.set_write_timeout(Some(patience))?;
    rustix::net::connect(&stream, &address)?;
    stream.set_read_timeout(Some(patience))?;
    Ok(stream)
}

fn stream_socket(address: SocketAddr) -> rustix::io::Result<OwnedFd> {
    let family = if address.is_ipv4() {
        AddressFamily::INET
    } else {
        AddressFamily::INET6
    };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    rustix::net::socket_with(family, SocketType::STREAM, flags, Some(ipproto::TCP))
}
