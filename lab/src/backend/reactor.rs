//! One thread that serves its part of a backend's listeners and all their connections.

use std::collections::{HashMap, VecDeque};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::event::{EventfdFlags, Timespec, eventfd};
use rustix::io::Errno;
use rustix::net::SocketFlags;

use super::connection::{Connection, Wish};
use super::{Options, Protocol};
use crate::ledger::{Ledger, Tally, canonical};

/// Events taken from the kernel at a time.
const BATCH: usize = 256;

/// Connections taken from one listener before others get their turn.
const ACCEPTS: usize = 64;

/// The event that means "stop"; listeners follow, then connections.
const STOP: u64 = 0;

/// What a reactor shares with the thread that started it.
pub(super) struct Shared {
    tallies: Mutex<Vec<(SocketAddr, Tally)>>,
    stop: OwnedFd,
    /// Time between a request and its answer, in microseconds.
    delay: AtomicU64,
}

impl Shared {
    pub(super) fn new(delay: Duration) -> Result<Self> {
        let stop = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
            .context("cannot make an eventfd")?;
        Ok(Self {
            tallies: Mutex::default(),
            stop,
            delay: AtomicU64::new(micros(delay)),
        })
    }

    pub(super) fn set_delay(&self, delay: Duration) {
        self.delay.store(micros(delay), Ordering::Relaxed);
    }

    fn delay(&self) -> Duration {
        Duration::from_micros(self.delay.load(Ordering::Relaxed))
    }

    pub(super) fn stop(&self) -> Result<()> {
        rustix::io::write(&self.stop, &1_u64.to_ne_bytes())
            .context("cannot stop a backend")
            .map(drop)
    }

    pub(super) fn ledger(&self) -> Ledger {
        self.lock().iter().copied().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(SocketAddr, Tally)>> {
        // Counts are whole after every statement, also after a panic.
        self.tallies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn micros(delay: Duration) -> u64 {
    u64::try_from(delay.as_micros()).unwrap_or(u64::MAX)
}

pub(super) struct Reactor {
    epoll: OwnedFd,
    shared: Arc<Shared>,
    protocol: Protocol,
    listeners: Vec<(TcpListener, SocketAddr)>,
    /// Index of each address' tally.
    slots: HashMap<SocketAddr, usize>,
    connections: Vec<Option<Connection>>,
    /// Indices of `connections` that are empty.
    free: Vec<usize>,
    /// Answers that wait for their time, the first that is due in front.
    delayed: VecDeque<(Instant, usize)>,
    /// The time that each answer takes from those that follow, and when the last of them is given.
    turn: Duration,
    busy_until: Instant,
    buffer: Box<[u8]>,
}

impl Reactor {
    pub(super) fn new(
        listeners: Vec<TcpListener>,
        options: &Options,
        shared: Arc<Shared>,
    ) -> Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC).context("cannot make an epoll")?;
        epoll::add(
            &epoll,
            &shared.stop,
            EventData::new_u64(STOP),
            EventFlags::IN,
        )?;
        let mut reactor = Self {
            epoll,
            shared,
            protocol: options.protocol,
            listeners: Vec::new(),
            slots: HashMap::new(),
            connections: Vec::new(),
            free: Vec::new(),
            delayed: VecDeque::new(),
            turn: options
                .capacity
                .map_or(Duration::ZERO, |most| Duration::from_secs(1) / most.max(1)),
            busy_until: Instant::now(),
            buffer: vec![0; 65_536].into_boxed_slice(),
        };
        for (token, listener) in (STOP + 1..).zip(listeners) {
            epoll::add(
                &reactor.epoll,
                &listener,
                EventData::new_u64(token),
                EventFlags::IN,
            )?;
            let address = listener.local_addr()?;
            if !address.ip().is_unspecified() {
                reactor.slot(address);
            }
            reactor.listeners.push((listener, address));
        }
        Ok(reactor)
    }

    /// Serves until stopped.
    pub(super) fn run(&mut self) -> Result<()> {
        let mut events: Vec<Event> = Vec::with_capacity(BATCH);
        loop {
            events.clear();
            let timeout = self.time_to_next();
            match epoll::wait(
                &self.epoll,
                rustix::buffer::spare_capacity(&mut events),
                timeout.as_ref(),
            ) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error).context("a backend cannot wait for events"),
            }
            for event in &events {
                let token = event.data.u64();
                if token == STOP {
                    return Ok(());
                }
                let index = usize::try_from(token - 1)?;
                match index.checked_sub(self.listeners.len()) {
                    None => self.accept(index)?,
                    Some(index) => self.proceed(index)?,
                }
            }
            self.answer_delayed()?;
        }
    }

    fn time_to_next(&self) -> Option<Timespec> {
        let (due, _) = self.delayed.front()?;
        Timespec::try_from(due.saturating_duration_since(Instant::now())).ok()
    }

    fn answer_delayed(&mut self) -> Result<()> {
        while let Some((due, index)) = self.delayed.front().copied() {
            if due > Instant::now() {
                break;
            }
            self.delayed.pop_front();
            // The index may belong to a later connection by now.
            let connection = self.connections.get(index).and_then(Option::as_ref);
            if connection.is_some_and(|connection| connection.due == Some(due)) {
                self.proceed(index)?;
            }
        }
        Ok(())
    }

    fn accept(&mut self, listener: usize) -> Result<()> {
        for _ in 0..ACCEPTS {
            let (socket, address) = &self.listeners[listener];
            let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
            let stream = match rustix::net::accept_with(socket, flags) {
                Ok(stream) => TcpStream::from(stream),
                // A client that has gone already is not worth stopping for.
                Err(Errno::AGAIN | Errno::INTR | Errno::CONNABORTED) => return Ok(()),
                Err(error) => {
                    return Err(error).with_context(|| format!("cannot accept on {address}"));
                }
            };
            let address = if address.ip().is_unspecified() {
                canonical(stream.local_addr()?)
            } else {
                *address
            };
            self.admit(stream, address)?;
        }
        Ok(())
    }

    fn admit(&mut self, stream: TcpStream, address: SocketAddr) -> Result<()> {
        let slot = self.slot(address);
        self.shared.lock()[slot].1.opened += 1;
        let index = self.free.pop().unwrap_or_else(|| {
            self.connections.push(None);
            self.connections.len() - 1
        });
        epoll::add(&self.epoll, &stream, self.token(index), EventFlags::IN)?;
        self.connections[index] = Some(Connection::new(stream, self.protocol, address, slot));
        Ok(())
    }

    fn proceed(&mut self, index: usize) -> Result<()> {
        let token = self.token(index);
        let Some(connection) = self.connections.get_mut(index).and_then(Option::as_mut) else {
            return Ok(());
        };
        let delay = self.shared.delay();
        let wish = connection.proceed(&mut self.buffer, !(delay + self.turn).is_zero());
        let mut tallies = self.shared.lock();
        let tally = &mut tallies[connection.slot].1;
        tally.to_backend += std::mem::take(&mut connection.received);
        tally.from_backend += std::mem::take(&mut connection.sent);
        let flags = match wish {
            Wish::Ended(end) => {
                tally.closed += end;
                self.connections[index] = None;
                self.free.push(index);
                return Ok(());
            }
            Wish::Input => EventFlags::IN,
            Wish::Output => EventFlags::OUT,
            Wish::Time => {
                let now = Instant::now();
                self.busy_until = self.busy_until.max(now) + self.turn;
                let due = self.busy_until.max(now + delay);
                connection.due = Some(due);
                // Last, unless the delay has been shortened.
                let place = self.delayed.partition_point(|(other, _)| *other <= due);
                self.delayed.insert(place, (due, index));
                EventFlags::empty()
            }
        };
        drop(tallies);
        connection.look_for(&self.epoll, token, flags)
    }

    fn token(&self, index: usize) -> EventData {
        EventData::new_u64(STOP + 1 + (self.listeners.len() + index) as u64)
    }

    /// The index of the tally for `address`.
    fn slot(&mut self, address: SocketAddr) -> usize {
        *self.slots.entry(address).or_insert_with(|| {
            let mut tallies = self.shared.lock();
            tallies.push((address, Tally::default()));
            tallies.len() - 1
        })
    }
}
