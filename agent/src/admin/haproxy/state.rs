//! The state of a running HAProxy: its proxies with their servers.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use super::super::Reason;
use super::super::error::beginning;
use super::server::Server;
use super::table::{Row, Table};

pub(super) const SERVERS: &str = "show servers state";
/// All proxies, and of these backends (2) and servers (4).
pub(super) const STATISTICS: &str = "show stat -1 6 -1";

/// A running HAProxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// The process that answered.
    pub info: Info,
    /// Proxies that have servers, by the number that HAProxy gives them: the file's order.
    pub proxies: Vec<Proxy>,
}

/// The process that answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info {
    /// As `haproxy -v` has it: `2.6.12-1+deb12u4`.
    pub version: String,
    /// Its process id, in its own namespace of processes: the worker's, not the master's.
    pub pid: u32,
    /// For how long it runs.
    pub uptime: Duration,
}

/// A `backend` or `listen` section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    /// HAProxy's number of it.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// `http`, `tcp`, ...; `None` if the version does not tell, or the proxy is disabled.
    pub mode: Option<String>,
    /// The name of its algorithm: `roundrobin`; `None` likewise.
    pub algorithm: Option<String>,
    /// In the file's order; those added at run time come last.
    pub servers: Vec<Server>,
}

impl State {
    /// The proxy with a name, and its server with a name.
    pub fn server(&self, proxy: &str, server: &str) -> Option<&Server> {
        let proxy = self.proxies.iter().find(|found| found.name == proxy)?;
        proxy.servers.iter().find(|found| found.name == server)
    }

    pub(super) fn parse(info: Info, servers: &str, statistics: &str) -> Result<Self, Reason> {
        let servers = Table::of_words(SERVERS, servers)?;
        let statistics = Table::of_commas(STATISTICS, statistics)?;
        let mut known: HashMap<(u32, u32), Row<'_>> = HashMap::new();
        for row in statistics.rows() {
            known.insert((row.number("iid")?, row.number("sid")?), row);
        }
        let mut proxies: BTreeMap<u32, Proxy> = BTreeMap::new();
        for row in servers.rows() {
            let id = row.number("be_id")?;
            let server = Server::parse(row, known.get(&(id, row.number("srv_id")?)).copied())?;
            let name = row.text("be_name")?;
            let proxy = proxies.entry(id).or_insert_with(|| {
                // The row of the backend itself has the server's number 0.
                let own = known.get(&(id, 0)).copied();
                let word = |column| own?.get(column).map(str::to_owned);
                Proxy {
                    id,
                    name: name.to_owned(),
                    mode: word("mode"),
                    algorithm: word("algo"),
                    servers: Vec::new(),
                }
            });
            proxy.servers.push(server);
        }
        Ok(Self {
            info,
            proxies: proxies.into_values().collect(),
        })
    }
}

impl Info {
    pub(super) const COMMAND: &str = "show info";

    pub(super) fn parse(text: &str) -> Result<Self, Reason> {
        let wrong = |what: String| Reason::not_understood(Self::COMMAND, what);
        let value = |name: &str| {
            let mut lines = text.lines().filter_map(|line| line.split_once(':'));
            let found = lines.find(|(found, _)| *found == name);
            found.map(|(_, value)| value.trim()).ok_or_else(|| {
                let start = beginning(text);
                wrong(format!(
                    "it has no {name}, and begins with {start:?}; is it HAProxy?"
                ))
            })
        };
        let number = |name: &str| {
            let text = value(name)?;
            text.parse::<u64>()
                .map_err(|error| wrong(format!("{name} is {text:?}: {error}")))
        };
        Ok(Self {
            version: value("Version")?.to_owned(),
            pid: u32::try_from(number("Pid")?).map_err(|error| wrong(format!("Pid: {error}")))?,
            uptime: Duration::from_secs(number("Uptime_sec")?),
        })
    }
}

#[cfg(test)]
mod tests;
