//! A pool of a configuration, as it runs.

use super::matching::By;
use super::{Condition, Pool, Server};
use crate::model::{self, Address, Share, State, Target};
use crate::shares::Budget;

impl model::Pool {
    /// The same pool with the servers that run, their weights and states, and the shares that follow. While no server gets
    /// traffic, it is as the configuration has it: nothing runs that could be compared.
    #[must_use]
    pub fn as_running(&self, running: &Pool) -> Self {
        let by = By::of(self.product);
        let of_written = |written| {
            by.find(written, running)
                .into_iter()
                .map(move |it| (written, it))
        };
        let known: Vec<(&model::Server, &Server)> =
            self.servers.iter().flat_map(of_written).collect();
        let server = |found: &Server| {
            let mut of = known
                .iter()
                .filter(|(_, known)| std::ptr::eq(*known, found));
            as_running(of.next().map(|(written, _)| *written), found, self)
        };
        let servers: Vec<model::Server> = running.servers.iter().map(server).collect();
        let gets = |server: &model::Server| {
            matches!(server.state, State::InRotation | State::Backup) && server.weight > 0.0
        };
        if !servers.iter().any(gets) || servers == self.servers {
            return self.clone();
        }
        let mut pool = self.clone();
        pool.servers = servers;
        let shares = pool.nominal_shares(&mut Budget::default());
        let exact = shares.map(|shares| shares.into_iter().map(Share::exactly).collect());
        pool.shares.servers = exact.unwrap_or_else(|| vec![Share::UNKNOWN; pool.servers.len()]);
        pool
    }
}

/// A server as it runs; `written` is what the configuration says of it, if it is in there.
fn as_running(
    written: Option<&model::Server>,
    running: &Server,
    pool: &model::Pool,
) -> model::Server {
    let address = match (running.socket(), written) {
        (Some(socket), written) => Address {
            // Rings hash what is written.
            written: written.map_or_else(|| socket.to_string(), |it| it.address.written.clone()),
            target: Target::Ip(socket),
        },
        (None, Some(written)) => written.address.clone(),
        (None, None) => Address {
            written: running.address.clone().unwrap_or_default(),
            target: Target::Unknown,
        },
    };
    model::Server {
        name: running.name.clone(),
        address,
        weight: f64::from(running.weight),
        state: state(running),
        max_connections: written.and_then(|written| written.max_connections),
        labels: written
            .map(|written| written.labels.clone())
            .unwrap_or_default(),
        place: written.map_or(pool.place, |written| written.place),
    }
}

fn state(running: &Server) -> State {
    match running.condition {
        Condition::Up | Condition::Starting if running.weight == 0 => State::Drained,
        Condition::Up | Condition::Starting if running.backup => State::Backup,
        Condition::Up | Condition::Starting => State::InRotation,
        Condition::Drained => State::Drained,
        Condition::Down | Condition::Ejected | Condition::Maintenance | Condition::Unresolved => {
            State::Down
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::source::MemoryFiles;
    use crate::{Options, Product, read};

    fn pool() -> model::Pool {
        let text = "listen shop\n mode tcp\n bind :1\n server a 192.0.2.1:80 weight 2\n server b 192.0.2.2:80\n \
                    server c 192.0.2.3:80 backup\n";
        let files = MemoryFiles::new().with("haproxy.cfg", text);
        let path = Path::new("haproxy.cfg");
        let mut read = read(Product::Haproxy, &files, path, &Options::default()).unwrap();
        read.pools.remove(0)
    }

    fn server(name: &str, address: &str, weight: u32, condition: Condition) -> Server {
        Server {
            name: Some(name.to_owned()),
            address: Some(address.to_owned()),
            host: None,
            weight,
            loaded_weight: None,
            has_agent: false,
            backup: name == "c",
            condition,
            reason: None,
            sessions: 0,
        }
    }

    fn running(servers: Vec<Server>) -> Pool {
        Pool {
            name: "shop".to_owned(),
            discovered: false,
            servers,
        }
    }

    #[test]
    fn weights_states_and_servers_are_those_that_run() {
        let up = Condition::Up;
        let found = pool().as_running(&running(vec![
            server("a", "192.0.2.1:80", 6, up),
            server("b", "192.0.2.2:80", 1, Condition::Drained),
            server("c", "192.0.2.3:80", 1, up),
            server("d", "192.0.2.4:80", 2, up),
        ]));
        let states: Vec<State> = found.servers.iter().map(|server| server.state).collect();
        let in_rotation = State::InRotation;
        assert_eq!(
            states,
            [in_rotation, State::Drained, State::Backup, in_rotation]
        );
        assert_eq!(found.shares.exact().unwrap(), [0.75, 0.0, 0.0, 0.25]);
    }

    #[test]
    fn a_pool_that_is_down_is_as_it_is_written_and_backups_take_over() {
        let down = Condition::Down;
        let all = |backup| {
            running(vec![
                server("a", "192.0.2.1:80", 2, down),
                server("b", "192.0.2.2:80", 1, down),
                server("c", "192.0.2.3:80", 1, backup),
            ])
        };
        assert_eq!(pool().as_running(&all(down)), pool());
        let backup = pool().as_running(&all(Condition::Up));
        assert_eq!(backup.shares.exact().unwrap(), [0.0, 0.0, 1.0]);
    }
}
