//! Asks a balancer that runs on this host, in its own network and with its own paths.

use std::fs::File;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use evenkeel_balancers::live::Pool;
use evenkeel_balancers::model::{self, Target};
use evenkeel_balancers::source::Files as _;
use evenkeel_balancers::{Configuration, Product};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::process::folder;
use super::rooted::Rooted;
use super::{Running, live};
use crate::admin::{Address, AdminError, envoy, haproxy};
use crate::kernel::netns_cookie;
use crate::model::NetnsCookie;

/// How long a balancer may take for one answer.
const LIMIT: Duration = Duration::from_secs(5);

/// The longest address in a file, in bytes.
const LONGEST_ADDRESS: u64 = 256;

/// What a balancer told of itself.
#[derive(Debug)]
pub struct Answer {
    /// Where it was asked, as the process sees it.
    pub address: Address,
    /// Its version.
    pub version: String,
    /// For how long the process runs that answered.
    pub uptime: Duration,
    /// Its pools.
    pub pools: Vec<Pool>,
    /// The configuration that it says to have, if it tells that (Envoy).
    pub configuration: Option<Configuration>,
}

/// Why a balancer was not asked, or did not answer.
#[derive(Debug, thiserror::Error)]
pub enum Unasked {
    /// Its product tells nothing.
    #[error("{0} does not tell its state")]
    Product(&'static str),
    /// It has no interface, or only such as cannot be reached.
    #[error("{0}")]
    NoInterface(&'static str),
    /// Its network cannot be entered.
    #[error("the network of process {0} cannot be entered ({1}); run as root, on the host")]
    Network(u32, io::Error),
    /// The socket is not in its root.
    #[error("its socket {0} cannot be reached ({1}): was it removed or replaced?")]
    Socket(String, io::Error),
    /// It was asked in vain.
    #[error("{0}")]
    Admin(#[from] AdminError),
}

/// Asks a balancer for its state, where its configuration says that it can be asked.
///
/// # Errors
/// If it cannot be asked, or does not answer; one of several interfaces suffices.
pub fn ask(running: &Running, configuration: &Configuration) -> Result<Answer, Unasked> {
    let product = configuration.product;
    let none = match product {
        Product::Haproxy => {
            "its configuration has no `stats socket`: with one, what runs is compared with it"
        }
        Product::Envoy => {
            "its bootstrap has no `admin` address: with one, what runs is compared with it"
        }
        other => return Err(Unasked::Product(other.title())),
    };
    let mut failure = Unasked::NoInterface(none);
    for address in addresses(running, configuration) {
        match in_network(running.pid, || ask_at(running.pid, product, &address)) {
            Ok(answer) => return Ok(answer),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

/// Where it can be asked: what it wrote into a file counts for port 0.
fn addresses(running: &Running, configuration: &Configuration) -> Vec<Address> {
    let mut found: Vec<Address> = configuration.admin().iter().filter_map(address).collect();
    if let Some(path) = &running.admin_file
        && let Ok(root) = Rooted::holding(running.pid, path)
        && let Ok(bytes) = root.read(path, LONGEST_ADDRESS)
        && let Ok(address) = String::from_utf8_lossy(&bytes).trim().parse()
    {
        found = vec![address];
    }
    found
}

/// An address to connect to. One that stands for all addresses of the host is that of the host itself.
fn address(written: &model::Address) -> Option<Address> {
    let bare = written
        .written
        .rsplit_once('@')
        .map_or(&*written.written, |(_, bare)| bare);
    let wildcard = || {
        let port = bare.strip_prefix("*:").or_else(|| bare.strip_prefix(':'))?;
        Some(Address::tcp("127.0.0.1", port.parse().ok()?))
    };
    match &written.target {
        Target::Ip(at) if at.port() == 0 => None,
        Target::Ip(at) => {
            let here: IpAddr = match at {
                SocketAddr::V4(at) if at.ip().is_unspecified() => [127, 0, 0, 1].into(),
                SocketAddr::V6(at) if at.ip().is_unspecified() => [0, 0, 0, 0, 0, 0, 0, 1].into(),
                other => other.ip(),
            };
            Some(Address::tcp(here.to_string(), at.port()))
        }
        // Abstract names have no path.
        Target::Unix(path) => path
            .starts_with('/')
            .then(|| Address::Unix(PathBuf::from(path))),
        Target::Name {
            host,
            port: Some(port),
        } => Some(Address::tcp(host, *port)),
        Target::Name { .. } | Target::Unknown => wildcard(),
    }
}

fn ask_at(pid: u32, product: Product, address: &Address) -> Result<Answer, Unasked> {
    // Kept while it is asked: it holds the path open.
    let reached = match address {
        Address::Unix(path) => {
            let failed = |error| Unasked::Socket(path.display().to_string(), error);
            let root = Rooted::holding(pid, path).map_err(failed)?;
            Some(root.reach(path).map_err(failed)?)
        }
        Address::Tcp { .. } => None,
    };
    let at = reached
        .as_ref()
        .map_or_else(|| address.clone(), |(path, _)| Address::Unix(path.clone()));
    let failed = |error: AdminError| AdminError {
        address: address.clone(),
        ..error
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Unasked::Network(pid, error))?;
    let answer = runtime.block_on(async {
        if product == Product::Haproxy {
            of_haproxy(&at).await
        } else {
            of_envoy(&at, &format!("config_dump of {address}")).await
        }
    });
    let answer = answer.map_err(failed)?;
    Ok(Answer {
        address: address.clone(),
        ..answer
    })
}

async fn of_haproxy(at: &Address) -> Result<Answer, AdminError> {
    let state = haproxy::ask(at, LIMIT).await?;
    Ok(Answer {
        address: at.clone(),
        pools: live::of_haproxy(&state),
        version: state.info.version,
        uptime: state.info.uptime,
        configuration: None,
    })
}

async fn of_envoy(at: &Address, name: &str) -> Result<Answer, AdminError> {
    let state = envoy::ask(at, LIMIT).await?;
    let configuration = envoy::configuration(at, name, LIMIT).await?;
    Ok(Answer {
        address: at.clone(),
        pools: live::of_envoy(&state),
        version: state.info.version,
        uptime: state.info.uptime,
        configuration: Some(configuration),
    })
}

/// Works in the network namespace of a process: on a thread of its own, as that never comes back.
fn in_network<T: Send>(
    pid: u32,
    work: impl FnOnce() -> Result<T, Unasked> + Send,
) -> Result<T, Unasked> {
    let failed = |error: io::Error| Unasked::Network(pid, error);
    let path = folder(pid).join("ns/net");
    let name = |path: &Path| std::fs::read_link(path);
    if name(&path).map_err(failed)?
        == name(Path::new("/proc/thread-self/ns/net")).map_err(failed)?
    {
        return work();
    }
    let namespace = File::open(path).map_err(failed)?;
    let there = || {
        let kind = Some(LinkNameSpaceType::Network);
        move_into_link_name_space(namespace.as_fd(), kind).map_err(|error| failed(error.into()))?;
        work()
    };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().spawn_scoped(scope, there);
        let outcome = thread.map_err(failed)?.join();
        outcome.unwrap_or_else(|_| Err(failed(io::Error::other("the thread broke off"))))
    })
}

/// The network namespace of a process; `None` if it cannot be entered.
pub(crate) fn netns(pid: u32) -> Option<NetnsCookie> {
    in_network(pid, || {
        netns_cookie().map_err(|error| Unasked::Network(pid, error))
    })
    .ok()
}
