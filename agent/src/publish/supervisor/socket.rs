//! The socket of a service manager, as the environment names it.
//!
//! Written out rather than taken from a crate: it is one datagram, and what the crates add is reading the environment at each message.

use std::env;
use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::process;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use tracing::warn;

/// How long a service manager that does not read may hold the agent up.
const PATIENCE: Duration = Duration::from_secs(1);

/// Where messages to the service manager go.
#[derive(Debug)]
pub(super) struct Socket {
    end: UnixDatagram,
    address: SocketAddr,
    /// Whether it was said that messages do not arrive.
    complained: AtomicBool,
}

impl Socket {
    /// What `NOTIFY_SOCKET` names; `None` if it names nothing, or nothing that can be used, which the log tells.
    pub(super) fn of_environment() -> Option<Self> {
        let name = env::var_os("NOTIFY_SOCKET")?;
        Self::open(&name)
            .inspect_err(|error| {
                warn!("the service manager will hear nothing: NOTIFY_SOCKET is {name:?}: {error}");
            })
            .ok()
    }

    /// A socket of the file system, or of the abstract namespace if the name begins with `@`.
    pub(super) fn open(name: &OsStr) -> io::Result<Self> {
        let address = match name.as_bytes() {
            [b'@', rest @ ..] => SocketAddr::from_abstract_name(rest)?,
            [b'/', ..] => SocketAddr::from_pathname(name)?,
            _ => {
                let expected = "expected a path that begins with `/`, or `@` and a name";
                return Err(io::Error::new(io::ErrorKind::InvalidInput, expected));
            }
        };
        let socket = UnixDatagram::unbound()?;
        socket.set_write_timeout(Some(PATIENCE))?;
        Ok(Self {
            end: socket,
            address,
            complained: AtomicBool::new(false),
        })
    }

    /// Sends lines as one message. The agent does not depend on it: what fails is told in the log, once.
    pub(super) fn send(&self, lines: &str) {
        let sent = self.end.send_to_addr(lines.as_bytes(), &self.address);
        if let Err(error) = sent
            && !self.complained.swap(true, Relaxed)
        {
            warn!("cannot tell the service manager {lines:?}: {error}");
        }
    }
}

/// How long the service manager waits for signs of life of this process, by `WATCHDOG_USEC` and `WATCHDOG_PID`.
pub(super) fn watchdog() -> Option<Duration> {
    let of = |name| env::var(name).ok();
    waited(of("WATCHDOG_USEC"), of("WATCHDOG_PID"), process::id())
}

fn waited(micros: Option<String>, meant: Option<String>, own: u32) -> Option<Duration> {
    let is_meant = meant.is_none_or(|pid| pid.parse() == Ok(own));
    let micros: u64 = micros?.parse().ok()?;
    (is_meant && micros > 0).then(|| Duration::from_micros(micros))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_watchdog_is_meant_for_one_process() {
        let waited = |micros: &str, meant: Option<&str>| {
            waited(Some(micros.to_owned()), meant.map(str::to_owned), 7)
        };
        let second = Some(Duration::from_secs(1));
        assert_eq!(waited("1000000", Some("7")), second);
        assert_eq!(waited("1000000", None), second);
        assert_eq!(waited("1000000", Some("8")), None);
        assert_eq!(waited("0", None), None);
        assert_eq!(waited("soon", None), None);
        assert_eq!(super::waited(None, None, 7), None);
    }

    #[test]
    fn names_of_other_kinds_are_refused() {
        for name in ["", "relative", "vsock:2:1234"] {
            let error = Socket::open(name.as_ref()).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{name}");
        }
        let long = format!("/{}", "x".repeat(200));
        assert!(Socket::open(long.as_ref()).is_err());
    }
}
