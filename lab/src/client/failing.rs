//! Connects that are meant to fail.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd as _, OwnedFd};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::sockopt::socket_error;

use super::conversation::failure;
use super::{Failing, Failure};
use crate::ledger::{Closed, Failed, Tally};
use crate::socket::begin_connect;

/// How many connects of one kind are under way at once. (The kernel's ICMP sockets buffer about 150 messages.)
fn batch(kind: Failure) -> u64 {
    if kind == Failure::Unreachable {
        100
    } else {
        500
    }
}

/// How long the kernel tries to connect.
const KERNEL_PATIENCE: Duration = Duration::from_secs(1);

/// When to give up on the kernel.
const PATIENCE: Timespec = Timespec {
    tv_sec: 30,
    tv_nsec: 0,
};

/// Makes a batch of at most `count` connects; returns how many, and what came of them.
pub(super) fn attempt(failing: &Failing, count: u64) -> Result<(u64, Tally)> {
    let batch = count.min(batch(failing.kind));
    let mut tally = Tally::default();
    let mut pending = Vec::new();
    for _ in 0..batch {
        match begin_connect(failing.target, KERNEL_PATIENCE) {
            Ok(socket) => pending.push(socket),
            Err(error) => tally.failed += classified(error.into(), failing.target)?,
        }
    }
    for socket in pending {
        let limit = if failing.kind == Failure::Cancelled {
            Timespec::default()
        } else {
            PATIENCE
        };
        tally += outcome(socket, failing, &limit)?;
    }
    Ok((batch, tally))
}

/// What has come of a connect within `limit`.
fn outcome(socket: OwnedFd, failing: &Failing, limit: &Timespec) -> Result<Tally> {
    let ready = poll(
        &mut [PollFd::new(&socket.as_fd(), PollFlags::OUT)],
        Some(limit),
    );
    if ready.context("cannot wait for a connect")? == 0 {
        ensure!(
            failing.kind == Failure::Cancelled,
            "nothing came of a connect to {}",
            failing.target
        );
        // Dropping the socket cancels it.
        let failed = Failed::CANCELLED;
        return Ok(Tally {
            failed,
            ..Tally::default()
        });
    }
    match socket_error(&socket)? {
        Ok(()) => {
            drop(TcpStream::from(socket));
            let closed = Closed::CLIENT_FIN;
            Ok(Tally {
                opened: 1,
                closed,
                ..Tally::default()
            })
        }
        Err(error) => Ok(Tally {
            failed: classified(error.into(), failing.target)?,
            ..Tally::default()
        }),
    }
}

fn classified(error: io::Error, target: SocketAddr) -> Result<Failed> {
    failure(&error)
        .ok_or(error)
        .with_context(|| format!("cannot connect to {target}"))
}
