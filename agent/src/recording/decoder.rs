//! Records -> snapshots.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, SystemTime};

use super::Beginning;
use super::format::{
    BEGIN, CLIENTS, Cursor, ENDPOINT, FIELDS, Fields, MISSED, Malformed, PLAN, TICK, observed,
};
use crate::config::MAX_BACKENDS;
use crate::engine::Plan;
use crate::kernel::Observed;
use crate::model::{Clients, Endpoint, NetnsCookie, PoolSpec, Role};

/// The longest window and interval that are believed; a configuration permits less.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// What a record says.
#[derive(Debug)]
pub(super) enum Record {
    Begin(Box<Beginning>),
    Plan(Box<Plan>),
    Missed(u64),
    /// The snapshot is in the decoder.
    Tick(SystemTime),
}

/// Reads records of one run after the other.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    /// By number; absent from the last snapshot if not `present`.
    known: Vec<Known>,
    due: u64,
    interval: Duration,
    begun: bool,
    snapshot: Vec<Observed>,
    clients: Option<Clients>,
}

#[derive(Debug)]
struct Known {
    endpoint: Endpoint,
    fields: Fields,
    present: bool,
}

impl Decoder {
    /// What the last tick saw, in no order that means anything.
    pub(super) fn snapshot(&self) -> &[Observed] {
        &self.snapshot
    }

    /// How many clients there were at the last tick.
    pub(super) fn clients(&self) -> Option<Clients> {
        self.clients
    }

    /// The next record that says more than how endpoints are numbered; `None` at the end of the block.
    pub(super) fn next(&mut self, bytes: &mut Cursor<'_>) -> Result<Option<Record>, Malformed> {
        while bytes.left() > 0 {
            let tag = bytes.byte()?;
            if tag != BEGIN && !self.begun {
                return Err(Malformed("it does not say what was watched"));
            }
            match tag {
                BEGIN => return self.begin(bytes).map(Some),
                PLAN => {
                    let plan: Plan = json(bytes)?;
                    check(&plan)?;
                    self.interval = plan.interval;
                    return Ok(Some(Record::Plan(Box::new(plan))));
                }
                ENDPOINT => {
                    let endpoint = endpoint(bytes)?;
                    self.known.push(Known {
                        endpoint,
                        fields: [0; FIELDS],
                        present: false,
                    });
                }
                CLIENTS => self.clients = clients(bytes)?,
                MISSED => return Ok(Some(Record::Missed(bytes.number()?))),
                TICK => return self.tick(bytes).map(Some),
                _ => return Err(Malformed("there is a record of a kind that is not known")),
            }
        }
        Ok(None)
    }

    fn begin(&mut self, bytes: &mut Cursor<'_>) -> Result<Record, Malformed> {
        let beginning: Beginning = json(bytes)?;
        check(&beginning.plan)?;
        *self = Self {
            interval: beginning.plan.interval,
            begun: true,
            snapshot: std::mem::take(&mut self.snapshot),
            ..Self::default()
        };
        Ok(Record::Begin(Box::new(beginning)))
    }

    fn tick(&mut self, bytes: &mut Cursor<'_>) -> Result<Record, Malformed> {
        let taken = bytes.changed(self.due)?;
        let interval = u64::try_from(self.interval.as_nanos()).unwrap_or(u64::MAX);
        self.due = taken.saturating_add(interval);
        let mut number = 0;
        for _ in 0..bytes.count()? {
            let known = self.step(&mut number, bytes.count()?)?;
            known.present = true;
            let mask = bytes.byte()?;
            for (place, field) in known.fields.iter_mut().enumerate() {
                if mask & 1 << place != 0 {
                    *field = bytes.changed(*field)?;
                }
            }
        }
        let mut number = 0;
        for _ in 0..bytes.count()? {
            self.step(&mut number, bytes.count()?)?.present = false;
        }
        self.snapshot.clear();
        let present = self.known.iter().filter(|known| known.present);
        self.snapshot
            .extend(present.map(|known| observed(known.endpoint, &known.fields)));
        let taken = SystemTime::UNIX_EPOCH + Duration::from_nanos(taken);
        Ok(Record::Tick(taken))
    }

    /// The endpoint whose number is above `number` by `by`.
    fn step(&mut self, number: &mut usize, by: usize) -> Result<&mut Known, Malformed> {
        *number = number.saturating_add(by);
        self.known
            .get_mut(*number)
            .ok_or(Malformed("it names an endpoint that was not announced"))
    }
}

fn json<T: serde::de::DeserializeOwned>(bytes: &mut Cursor<'_>) -> Result<T, Malformed> {
    let length = bytes.count()?;
    serde_json::from_slice(bytes.bytes(length)?)
        .or(Err(Malformed("what was watched is not as it was written")))
}

/// A file can say anything: times and sizes that no configuration permits would take all memory.
fn check(plan: &Plan) -> Result<(), Malformed> {
    let backends = plan.described().map(PoolSpec::size);
    let sane = plan.interval >= Duration::from_millis(1)
        && plan.interval <= LONGEST
        && plan.window <= LONGEST
        && backends.sum::<usize>() <= MAX_BACKENDS
        && plan.detection.tolerance > 0.0;
    if sane {
        return Ok(());
    }
    Err(Malformed(
        "what was watched is not what a configuration can say",
    ))
}

fn clients(bytes: &mut Cursor<'_>) -> Result<Option<Clients>, Malformed> {
    let connections = bytes.number()?;
    if connections == 0 {
        return Ok(None);
    }
    let cut = Malformed("a number is cut off");
    let bits: [u8; 8] = bytes.bytes(8)?.try_into().or(Err(cut))?;
    let effective = f64::from_le_bytes(bits);
    Ok(Some(Clients {
        effective,
        connections,
    }))
}

fn endpoint(bytes: &mut Cursor<'_>) -> Result<Endpoint, Malformed> {
    let role = match bytes.byte()? {
        0 => Role::Upstream,
        1 => Role::Local,
        _ => return Err(Malformed("there is a role that is not known")),
    };
    let cut = Malformed("an address is cut off");
    let ip = match bytes.byte()? {
        4 => {
            let octets: [u8; 4] = bytes.bytes(4)?.try_into().or(Err(cut))?;
            IpAddr::from(Ipv4Addr::from(octets))
        }
        6 => {
            let octets: [u8; 16] = bytes.bytes(16)?.try_into().or(Err(cut))?;
            IpAddr::from(Ipv6Addr::from(octets))
        }
        _ => return Err(Malformed("there is a kind of address that is not known")),
    };
    let port = u16::try_from(bytes.number()?).or(Err(Malformed("there is no such port")))?;
    let netns = NetnsCookie(bytes.number()?);
    Ok(Endpoint::new(role, SocketAddr::new(ip, port), netns))
}
