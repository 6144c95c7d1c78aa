//! The canary: a connection that the agent makes to itself, to prove that the hook sees traffic.
//!
//! A hook on the wrong or a dying cgroup counts nothing and looks healthy; only a connection that must be counted shows
//! the difference.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use crate::model::{Canary, Endpoint, NetnsCookie, Role};

/// How often the proof is renewed once it succeeded.
const EVERY: Duration = Duration::from_secs(60);

/// Listens, connects to itself, and looks for the connection among the counts.
#[derive(Debug)]
pub(super) struct CanaryBird {
    perch: io::Result<Perch>,
    flown: u64,
    next: Instant,
    verdict: Canary,
}

#[derive(Debug)]
struct Perch {
    listener: TcpListener,
    address: SocketAddr,
    endpoint: Endpoint,
}

impl CanaryBird {
    /// Opens the listener; that it cannot is told by the verdict.
    pub(super) fn new(netns: NetnsCookie) -> Self {
        Self {
            perch: Perch::new(netns),
            flown: 0,
            next: Instant::now(),
            verdict: Canary::Pending,
        }
    }

    /// What must be watched for the proof.
    pub(super) fn endpoint(&self) -> Option<Endpoint> {
        self.perch.as_ref().ok().map(|perch| perch.endpoint)
    }

    /// Makes a connection if it is time. On loopback it is established, and so counted, before this returns.
    pub(super) fn fly(&mut self) {
        if Instant::now() < self.next {
            return;
        }
        let outcome = match &self.perch {
            Ok(perch) => perch.connect(),
            Err(error) => Err(io::Error::other(error.to_string())),
        };
        match outcome {
            Ok(()) => {
                self.flown += 1;
                self.next = Instant::now() + EVERY;
            }
            Err(error) => {
                self.verdict = Canary::Missed {
                    reason: format!(
                        "the agent could not connect to itself on the loopback interface: {error}"
                    ),
                };
            }
        }
    }

    /// Whether `endpoint` is the canary's, which is nobody's backend; if so, notes whether it was counted.
    pub(super) fn judge(&mut self, endpoint: &Endpoint, counters: &evenkeel_abi::Counters) -> bool {
        if self.endpoint().as_ref() != Some(endpoint) {
            return false;
        }
        if self.flown > 0 {
            self.verdict = if counters.opened >= self.flown {
                Canary::Counted
            } else {
                // The next tick tries again.
                self.next = Instant::now();
                let (flown, counted) = (self.flown, counters.opened);
                self.flown = counted;
                Canary::Missed {
                    reason: format!(
                        "of {flown} connections that the agent made to itself the hook counted {counted}: it is not \
                         attached to the root of the hierarchy that this host's processes are in"
                    ),
                }
            };
        }
        true
    }

    pub(super) fn verdict(&self) -> Canary {
        self.verdict.clone()
    }
}

impl Perch {
    fn new(netns: NetnsCookie) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        Ok(Self {
            listener,
            address,
            endpoint: Endpoint::new(Role::Upstream, address, netns),
        })
    }

    fn connect(&self) -> io::Result<()> {
        let stream = TcpStream::connect_timeout(&self.address, Duration::from_millis(200))?;
        let (accepted, _) = self.listener.accept()?;
        drop((stream, accepted));
        Ok(())
    }
}
