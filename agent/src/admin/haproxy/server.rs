//! A server, as a running HAProxy sees it.

use std::net::{IpAddr, SocketAddr};

use super::super::Reason;
use super::table::Row;

/// A server of a proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// HAProxy's number of it; a server keeps it while its name and order in the file stay.
    pub id: u32,
    /// As on its `server` line, or as given to `add server`.
    pub name: String,
    /// Where it is; `None` for a Unix domain socket, and for a name that was not resolved. Port 0 is the client's.
    pub address: Option<SocketAddr>,
    /// The name that its address comes from.
    pub host: Option<String>,
    /// `srv_iweight`: the weight that the file gives it, 0 to 256.
    pub file_weight: u32,
    /// `srv_uweight`: the weight that holds now, by the file, the runtime interface or an agent; 0 to 256.
    pub weight: u32,
    /// What health checks make of it.
    pub operation: Operation,
    /// What people and resolvers make of it.
    pub admin: Admin,
    /// What `show stat` says; `None` for servers of which it says nothing: those of disabled proxies.
    pub statistics: Option<Statistics>,
}

/// `srv_op_state`: whether a server is used, as health checks see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Down.
    Stopped,
    /// Up, and getting part of its share after it came back (`slowstart`).
    Starting,
    /// Up, or not checked.
    Running,
    /// Up, and getting no new connections but those bound to it (`disable-on-404`); shown as `NOLB`.
    Stopping,
}

/// `srv_admin_state`: why a server is not used although it may be healthy, as a set of reasons. The values are those of
/// `enum srv_admin` in HAProxy's `server-t.h`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Admin(u32);

impl Admin {
    const FORCED: u32 = 0x01;
    const INHERITED: u32 = 0x02;
    const BY_FILE: u32 = 0x04;
    const DRAIN: u32 = 0x08;
    const INHERITED_DRAIN: u32 = 0x10;
    const UNRESOLVED: u32 = 0x20;

    const fn has(self, reasons: u32) -> bool {
        self.0 & reasons != 0
    }

    /// In maintenance, whyever: it gets nothing.
    pub const fn is_maintenance(self) -> bool {
        self.has(Self::FORCED | Self::INHERITED | Self::UNRESOLVED)
    }

    /// Draining: it gets only what is bound to it.
    pub const fn is_drain(self) -> bool {
        self.has(Self::DRAIN | Self::INHERITED_DRAIN)
    }

    /// The file disabled it when HAProxy started. It may have been enabled since; see [`Self::is_maintenance`].
    pub const fn is_disabled_by_file(self) -> bool {
        self.has(Self::BY_FILE)
    }

    /// In maintenance because its name has no address.
    pub const fn is_unresolved(self) -> bool {
        self.has(Self::UNRESOLVED)
    }

    /// Because the server that it tracks is.
    pub const fn is_inherited(self) -> bool {
        self.has(Self::INHERITED | Self::INHERITED_DRAIN)
    }
}

/// What `show stat` says of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statistics {
    /// In words: `UP`, `UP 1/3`, `DOWN`, `DOWN (agent)`, `MAINT`, `MAINT (via b/s)`, `DRAIN`, `NOLB`, `no check`.
    pub status: String,
    /// Its part of the weight that now counts, after `slowstart` and agents; `None` while it is not balanced to.
    pub effective_weight: Option<u32>,
    /// How much of its weight it gets while it starts slowly, in percent.
    pub slow_start: Option<u8>,
    /// Whether it is used only if the others cannot be.
    pub backup: bool,
    /// Sessions or requests that it has now.
    pub sessions: u64,
    /// What the last check found, if there was one: `L4CON: Connection refused`.
    pub check: Option<String>,
    /// The server whose checks are its own: `backend/server`.
    pub tracks: Option<String>,
    /// Whether an agent on the server may set its weight and state (`agent-check`).
    pub agent: bool,
}

impl Server {
    /// Whether it gets new connections now, if its proxy does and it is no backup.
    pub const fn is_in_rotation(&self) -> bool {
        let healthy = matches!(self.operation, Operation::Starting | Operation::Running);
        healthy && self.weight > 0 && !self.admin.is_maintenance() && !self.admin.is_drain()
    }

    /// Whether it is a backup, as far as HAProxy tells.
    pub fn is_backup(&self) -> bool {
        self.statistics
            .as_ref()
            .is_some_and(|statistics| statistics.backup)
    }

    pub(super) fn parse(row: Row<'_>, statistics: Option<Row<'_>>) -> Result<Self, Reason> {
        let ip: Option<IpAddr> = row.text("srv_addr")?.parse().ok();
        let port = row.number("srv_port")?;
        let host = row.get("srv_fqdn").filter(|name| *name != "-");
        Ok(Self {
            id: row.number("srv_id")?,
            name: row.text("srv_name")?.to_owned(),
            address: ip.map(|ip| SocketAddr::new(ip, port)),
            host: host.map(str::to_owned),
            file_weight: row.number("srv_iweight")?,
            weight: row.number("srv_uweight")?,
            operation: match row.text("srv_op_state")? {
                "0" => Operation::Stopped,
                "1" => Operation::Starting,
                "2" => Operation::Running,
                "3" => Operation::Stopping,
                other => {
                    return Err(row.wrong(format!("srv_op_state is {other:?}, which is unknown")));
                }
            },
            admin: Admin(row.number("srv_admin_state")?),
            statistics: statistics.map(Statistics::parse).transpose()?,
        })
    }
}

impl Statistics {
    fn parse(row: Row<'_>) -> Result<Self, Reason> {
        let status = row.text("status")?;
        let found = row.get("last_chk").or_else(|| row.get("check_desc"));
        let check = match (row.get("check_status"), found) {
            (Some(status), Some(found)) => Some(format!("{status}: {found}")),
            (status, found) => status.or(found).map(str::to_owned),
        };
        let throttle = row.get("throttle").map(|text| text.trim_end_matches('%'));
        Ok(Self {
            status: status.to_owned(),
            effective_weight: row.get("weight").and_then(|text| text.parse().ok()),
            slow_start: throttle.and_then(|text| text.parse().ok()),
            backup: row.get("bck") == Some("1"),
            sessions: row.number("scur")?,
            check,
            tracks: row.get("tracked").map(str::to_owned),
            agent: row.get("agent_status").is_some(),
        })
    }
}
