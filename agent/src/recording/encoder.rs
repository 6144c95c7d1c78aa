//! Snapshots -> records.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use super::Beginning;
use super::format::{
    BEGIN, CLIENTS, ENDPOINT, Fields, MISSED, PLAN, TICK, fields, put, put_change,
};
use crate::engine::Plan;
use crate::kernel::Observed;
use crate::model::{Clients, Endpoint, Role};

/// Writes records of one run; what was written before decides what the next record has to say.
#[derive(Debug, Default)]
pub(super) struct Encoder {
    numbers: HashMap<Endpoint, usize>,
    /// By number.
    known: Vec<Known>,
    tick: u64,
    /// When the next tick is due, in nanoseconds since the epoch.
    due: u64,
    interval: Duration,
    clients: Option<Clients>,
    /// Memory for what is new in a tick.
    news: Vec<(usize, Fields)>,
    gone: Vec<usize>,
}

#[derive(Debug, Default)]
struct Known {
    fields: Fields,
    /// The last tick that had the endpoint; 0 for none.
    seen: u64,
}

impl Encoder {
    /// Begins a run.
    pub(super) fn begin(
        &mut self,
        beginning: &Beginning,
        out: &mut Vec<u8>,
    ) -> serde_json::Result<()> {
        let interval = beginning.plan.interval;
        *self = Self {
            interval,
            ..Self::default()
        };
        put_json(BEGIN, &serde_json::to_vec(beginning)?, out);
        Ok(())
    }

    /// Another plan is in force.
    pub(super) fn plan(&mut self, plan: &Plan, out: &mut Vec<u8>) -> serde_json::Result<()> {
        self.interval = plan.interval;
        put_json(PLAN, &serde_json::to_vec(plan)?, out);
        Ok(())
    }

    /// So many ticks are not here.
    pub(super) fn missed(ticks: u64, out: &mut Vec<u8>) {
        out.push(MISSED);
        put(out, ticks);
    }

    /// From the next tick on there are so many clients.
    pub(super) fn clients(&mut self, clients: Option<Clients>, out: &mut Vec<u8>) {
        if clients == self.clients {
            return;
        }
        self.clients = clients;
        out.push(CLIENTS);
        put(out, clients.map_or(0, |clients| clients.connections));
        if let Some(clients) = clients {
            out.extend_from_slice(&clients.effective.to_bits().to_le_bytes());
        }
    }

    /// A tick.
    pub(super) fn tick(&mut self, taken: SystemTime, snapshot: &[Observed], out: &mut Vec<u8>) {
        self.tick += 1;
        self.compare(snapshot, out);
        out.push(TICK);
        let taken = nanoseconds(taken);
        put_change(out, self.due, taken);
        let interval = u64::try_from(self.interval.as_nanos()).unwrap_or(u64::MAX);
        self.due = taken.saturating_add(interval);
        self.put_news(out);
        self.put_gone(out);
    }

    /// Finds what changed; endpoints not met before are announced at once.
    fn compare(&mut self, snapshot: &[Observed], out: &mut Vec<u8>) {
        self.news.clear();
        for observed in snapshot {
            let number = self.number(observed.endpoint, out);
            let (known, now) = (&mut self.known[number], fields(observed));
            let was_here = known.seen + 1 == self.tick && known.seen > 0;
            known.seen = self.tick;
            if !was_here || known.fields != now {
                self.news.push((number, now));
            }
        }
        self.news.sort_unstable_by_key(|(number, _)| *number);
        let tick = self.tick;
        let left = |known: &Known| known.seen + 1 == tick && known.seen > 0;
        let gone = self.known.iter().enumerate();
        self.gone.clear();
        self.gone.extend(
            gone.filter(|(_, known)| left(known))
                .map(|(number, _)| number),
        );
    }

    fn number(&mut self, endpoint: Endpoint, out: &mut Vec<u8>) -> usize {
        if let Some(number) = self.numbers.get(&endpoint) {
            return *number;
        }
        put_endpoint(&endpoint, out);
        let number = self.known.len();
        self.numbers.insert(endpoint, number);
        self.known.push(Known::default());
        number
    }

    fn put_news(&mut self, out: &mut Vec<u8>) {
        put(out, self.news.len() as u64);
        let mut before = 0;
        for (number, now) in &self.news {
            put(out, (number - before) as u64);
            before = *number;
            let old = &mut self.known[*number].fields;
            let pairs = || old.iter().zip(now).enumerate();
            let mask = pairs()
                .filter(|(_, (old, new))| old != new)
                .fold(0, |mask, (place, _)| mask | 1 << place);
            out.push(mask);
            for (_, (old, new)) in pairs().filter(|(_, (old, new))| old != new) {
                put_change(out, *old, *new);
            }
            *old = *now;
        }
    }

    fn put_gone(&self, out: &mut Vec<u8>) {
        put(out, self.gone.len() as u64);
        let mut before = 0;
        for number in &self.gone {
            put(out, (number - before) as u64);
            before = *number;
        }
    }
}

fn put_json(tag: u8, json: &[u8], out: &mut Vec<u8>) {
    out.push(tag);
    put(out, json.len() as u64);
    out.extend_from_slice(json);
}

fn put_endpoint(endpoint: &Endpoint, out: &mut Vec<u8>) {
    out.push(ENDPOINT);
    out.push(match endpoint.role() {
        Role::Upstream => 0,
        Role::Local => 1,
    });
    match endpoint.address().ip() {
        IpAddr::V4(ip) => {
            out.push(4);
            out.extend_from_slice(&ip.octets());
        }
        IpAddr::V6(ip) => {
            out.push(6);
            out.extend_from_slice(&ip.octets());
        }
    }
    put(out, endpoint.address().port().into());
    put(out, endpoint.netns().map_or(0, |cookie| cookie.0));
}

/// Nanoseconds since the epoch, until the year 2554; a clock outside of that shows its nearest end.
fn nanoseconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| {
            u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
        })
}
