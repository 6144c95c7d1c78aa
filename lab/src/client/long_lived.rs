//! Connections that stay: pools, streams, subscriptions; and the sudden death of the process that holds them.

use std::net::SocketAddr;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd};
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use rustix::io::FdFlags;

use super::conversation::{Buffer, Connected, Conversation, ending};
use super::{Order, Way};
use crate::backend::wire::{Header, Then};
use crate::ledger::{Closed, Ledger};
use crate::netns::Namespace;
use crate::process::{Process, raise_file_limit};

/// Open connections, oldest first, that exchange bytes when told to. Dropping them closes them with FIN.
pub struct LongLived {
    open: Vec<(SocketAddr, Conversation)>,
    ledger: Ledger,
    buffer: Buffer,
}

impl LongLived {
    /// Opens `count` connections from `source`, to the targets in turn. A connect that fails is booked, and not repeated.
    pub fn open(source: &Namespace, targets: &[SocketAddr], count: usize) -> Result<Self> {
        raise_file_limit()?;
        let mut held = Self {
            open: Vec::new(),
            ledger: Ledger::default(),
            buffer: Buffer::new(),
        };
        source.enter(|| held.add(targets, count))??;
        Ok(held)
    }

    fn add(&mut self, targets: &[SocketAddr], count: usize) -> Result<()> {
        for address in targets.iter().copied().cycle().take(count) {
            match Conversation::open(address, false)? {
                Connected::Failed(failed) => self.ledger.tally(address).failed += failed,
                Connected::Open(conversation) => {
                    self.ledger.tally(address).opened += 1;
                    self.open.push((address, conversation));
                }
            }
        }
        Ok(())
    }

    /// How many are open.
    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// Whether none is open.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Where connection number `index` leads to.
    pub fn target(&self, index: usize) -> Option<SocketAddr> {
        self.open.get(index).map(|(address, _)| *address)
    }

    /// Sends `bytes` on every connection and reads as many back. (The ledger also counts the header of 12 bytes.)
    pub fn exchange(&mut self, bytes: u32) -> Result<()> {
        (0..self.len()).try_for_each(|index| self.exchange_on(index, bytes))
    }

    /// Sends `bytes` on the connection with this index and reads as many back.
    pub fn exchange_on(&mut self, index: usize, bytes: u32) -> Result<()> {
        let count = self.open.len();
        let Some((address, conversation)) = self.open.get_mut(index) else {
            bail!("there is no connection number {index} among {count}");
        };
        let header = Header {
            then: Then::Listen,
            request: bytes,
            response: bytes,
        };
        let before = (conversation.sent, conversation.received);
        let exchanged = conversation
            .say(header, &mut self.buffer)
            .and_then(|()| conversation.hear(bytes, &mut self.buffer));
        let tally = self.ledger.tally(*address);
        tally.to_backend += conversation.sent - before.0;
        tally.from_backend += conversation.received - before.1;
        if let Err(error) = exchanged {
            let address = *address;
            if let Some(end) = ending(&error) {
                tally.closed += end;
                self.open.remove(index);
            }
            return Err(error)
                .with_context(|| format!("a long-lived connection to {address} broke"));
        }
        Ok(())
    }

    /// Closes the `count` oldest in the given way, after a last request without payload.
    pub fn close(&mut self, count: usize, way: Way) -> Result<()> {
        for (address, conversation) in self.open.drain(..count.min(self.open.len())) {
            let before = (conversation.sent, conversation.received);
            let order = Order {
                address,
                way,
                request: 0,
                response: 0,
                mapped: false,
            };
            let (sent, received, end) = conversation.carry_out(&order, &mut self.buffer)?;
            let tally = self.ledger.tally(address);
            tally.to_backend += sent - before.0;
            tally.from_backend += received - before.1;
            tally.closed += end;
        }
        Ok(())
    }

    /// What has happened so far.
    pub fn ledger(&self) -> Ledger {
        self.ledger.clone()
    }

    /// Moves the connections into a process of their own, which does nothing but hold them.
    pub fn hand_over(self) -> Result<Doomed> {
        let mut command = Command::new("sleep");
        command.arg("infinity");
        let sockets: Vec<i32> = self
            .open
            .iter()
            .map(|(_, held)| held.stream.as_fd().as_raw_fd())
            .collect();
        let inherit = move || {
            for socket in &sockets {
                // SAFETY: the descriptors are open in the parent, which keeps them until after the spawn, and so they
                // are in its copy, the child.
                let socket = unsafe { BorrowedFd::borrow_raw(*socket) };
                rustix::io::fcntl_setfd(socket, FdFlags::empty())?;
            }
            Ok(())
        };
        // SAFETY: between fork and exec the closure makes only system calls; it neither allocates nor locks.
        unsafe { command.pre_exec(inherit) };
        let process = Process::spawn(
            &Namespace::current(),
            "the holder of connections",
            &mut command,
        )?;
        let targets = self.open.iter().map(|(address, _)| *address).collect();
        Ok(Doomed {
            process,
            targets,
            ledger: self.ledger,
        })
    }
}

/// Connections held by a process that will be killed.
pub struct Doomed {
    process: Process,
    targets: Vec<SocketAddr>,
    ledger: Ledger,
}

impl Doomed {
    /// What has happened so far.
    pub fn ledger(&self) -> Ledger {
        self.ledger.clone()
    }

    /// Kills the process with SIGKILL. All its connections are closed when this returns.
    pub fn kill(mut self) -> Result<Ledger> {
        self.process.kill()?;
        for target in &self.targets {
            self.ledger.tally(*target).closed += Closed::PROCESS_DEATH;
        }
        Ok(self.ledger)
    }
}
