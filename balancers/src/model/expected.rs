//! From a pool's servers to their expected shares.

use std::net::SocketAddr;

use super::address::Target;
use super::pool::{Pool, Server, State};
use super::share::Share;
use crate::shares::{Budget, Formula, Member};

impl Pool {
    /// The shares while all is well, if each server is one address; `None` if only the running product knows.
    ///
    /// Backups get nothing while a primary server is in rotation, and share by weight if none is.
    pub fn nominal_shares(&self, budget: &mut Budget) -> Option<Vec<f64>> {
        let formula = self.formula?;
        if self.in_rotation().next().is_none() {
            let backup = |server: &Server| server.state == State::Backup;
            return Formula::Weight.shares(&members(self.servers.iter(), backup), budget);
        }
        let is_primary = |server: &&Server| server.state != State::Backup;
        let primaries = self.servers.iter().filter(is_primary);
        let live = |server: &Server| server.state == State::InRotation;
        let mut shares = formula
            .shares(&members(primaries, live), budget)?
            .into_iter();
        let share = |server: &Server| match server.state {
            State::Backup => Some(0.0),
            _ => shares.next(),
        };
        self.servers.iter().map(share).collect()
    }

    /// The same pool with one server per address of each name, and the shares that follow. `lookup` gives the addresses of a
    /// name and a port; a name that has none is left out, as the products do.
    #[must_use]
    pub fn resolved(&self, lookup: impl Fn(&str, Option<u16>) -> Vec<SocketAddr>) -> Self {
        let mut pool = self.clone();
        pool.servers.clear();
        for server in &self.servers {
            let Target::Name { host, port } = &server.address.target else {
                pool.servers.push(server.clone());
                continue;
            };
            for address in lookup(host, *port) {
                let mut one = server.clone();
                one.address.target = Target::Ip(address);
                pool.servers.push(one);
            }
        }
        let shares = pool.nominal_shares(&mut Budget::default());
        let known = shares.map(|shares| shares.into_iter().map(Share::exactly).collect());
        pool.shares.servers = known.unwrap_or_else(|| vec![Share::UNKNOWN; pool.servers.len()]);
        pool
    }
}

fn members<'a>(
    servers: impl Iterator<Item = &'a Server>,
    live: impl Fn(&Server) -> bool,
) -> Vec<Member<'a>> {
    let member = |server: &'a Server| Member {
        name: &server.address.written,
        weight: server.weight,
        live: live(server),
    };
    servers.map(member).collect()
}
