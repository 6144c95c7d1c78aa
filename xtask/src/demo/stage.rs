//! The fleet: backends, the real nginx before them, and clients that open connections at a steady rate.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use evenkeel_lab::backend::{Backend, Options, Protocol};
use evenkeel_lab::balancer::{Balancer, Mode, Product, Setup};
use evenkeel_lab::client::{Plan, Traffic, Way};
use evenkeel_lab::netns::Namespace;
use evenkeel_lab::parts;

use super::phase::{Phase, WRONG_WEIGHT};

/// How many backends there are.
pub(super) const BACKENDS: u8 = 5;

/// Which of the backends gets the wrong weight.
pub(super) const HOT: usize = 2;

/// New connections per second: enough to tell chance from skew within seconds, little work for a laptop.
const PER_SECOND: u32 = 300;

/// How long a backend takes for its answer, so that connections are seen open.
const DELAY: Duration = Duration::from_millis(40);

/// Clients at work at the same time: each is busy for [`DELAY`] and a little more.
const CLIENTS: usize = 32;

/// The Debian packages of nginx, which balances connections by a module of its own.
const NGINX: [&str; 2] = ["nginx-light", "libnginx-mod-stream"];

/// Installs nginx if it is not there.
pub(super) fn ensure_nginx() -> Result<()> {
    if parts::require("nginx").is_ok() {
        return Ok(());
    }
    eprintln!("installing {}, which stay installed ...", NGINX.join(" "));
    parts::install(&NGINX).with_context(|| {
        format!(
            "no nginx: install it by hand, on Debian `apt-get install {}`",
            NGINX.join(" ")
        )
    })
}

/// Where everything listens: loopback addresses with one free port.
pub(super) struct Places {
    balancer: SocketAddr,
    pub(super) backends: Vec<SocketAddr>,
}

impl Places {
    /// Addresses 127.0.0.10 for nginx and 127.0.0.11 up for the backends, with port 8080 or the next one that is free.
    pub(super) fn find() -> Result<Self> {
        let at = |last: u8, port| SocketAddr::from((Ipv4Addr::new(127, 0, 0, last), port));
        let places = (8080..8180).map(|port| Self {
            balancer: at(10, port),
            backends: (0..BACKENDS).map(|number| at(11 + number, port)).collect(),
        });
        let free = |places: &Self| {
            let mut all = places.backends.iter().chain([&places.balancer]);
            all.all(|address| TcpListener::bind(address).is_ok())
        };
        places
            .into_iter()
            .find(free)
            .context("no port from 8080 to 8179 is free on 127.0.0.10 to 127.0.0.15")
    }
}

/// The running fleet. It ends, clients first, when this value is dropped.
pub(super) struct Stage<'a> {
    traffic: Traffic,
    balancer: Balancer<'a>,
    _backends: Backend,
}

impl<'a> Stage<'a> {
    /// Starts backends, nginx with equal weights, and clients.
    pub(super) fn set(host: &'a Namespace, places: &Places) -> Result<Self> {
        let mut options = Options::new(Protocol::Lab);
        options.delay = DELAY;
        let backends = Backend::start(&[(host, places.backends.clone())], &options)?;
        let setup = Setup::new(Mode::Tcp, places.balancer, places.backends.iter().copied());
        let balancer = Balancer::start(Product::Nginx, host, setup)?;
        let mut plan = Plan::new([places.balancer], u64::MAX);
        plan.per_second = Some(PER_SECOND);
        plan.threads = CLIENTS;
        plan.mix = vec![(Way::ClientFin, 1)];
        let traffic = plan.start(&[host])?;
        Ok(Self {
            traffic,
            balancer,
            _backends: backends,
        })
    }

    /// Reloads nginx if the phase wants other weights.
    pub(super) fn turn_to(&mut self, phase: Phase) -> Result<()> {
        let mut setup = self.balancer.setup().clone();
        let hot = setup
            .servers
            .get_mut(HOT)
            .context("nginx has lost its backends")?;
        hot.weight = if phase == Phase::Wrong {
            WRONG_WEIGHT
        } else {
            1
        };
        if setup == *self.balancer.setup() {
            return Ok(());
        }
        self.balancer.reload(setup).context("nginx did not reload")
    }

    /// Ends the clients; tells how many connections they made.
    pub(super) fn end(self) -> Result<u64> {
        let made = self
            .traffic
            .stop()
            .context("the clients' traffic broke")?
            .total();
        ensure!(
            made.failed.total() == 0,
            "{} of the clients' connections failed",
            made.failed.total()
        );
        Ok(made.opened)
    }
}
