//! `server` and `server-template` lines.

use std::net::SocketAddr;

use super::line::Word;
use super::params::{Params, Wrong};
use crate::model::{Address, Target};
use crate::source::Place;

/// A server, or as many as a template has.
#[derive(Clone, Debug)]
pub(super) struct Server {
    pub(super) name: Word,
    pub(super) address: Address,
    pub(super) place: Place,
    pub(super) params: Params,
    /// How many servers the line makes; `None` for `server`.
    pub(super) template: Option<u64>,
    /// Its number, by which the ring is made and `first` goes.
    pub(super) id: u32,
}

impl Server {
    /// Its weight; 1 if it is not known.
    pub(super) fn weight(&self) -> u64 {
        self.params
            .weight
            .and_then(|(weight, _)| weight)
            .unwrap_or(1)
    }

    pub(super) fn is_backup(&self) -> bool {
        self.params.backup.is_some()
    }

    /// Whether it takes new clients.
    pub(super) fn is_usable(&self) -> bool {
        self.params.disabled.is_none() && self.weight() > 0
    }

    /// Whether it takes new clients while all is well.
    pub(super) fn is_live(&self) -> bool {
        self.is_usable() && !self.is_backup()
    }

    /// Where its weight is written, else its name.
    pub(super) fn weight_place(&self) -> Place {
        self.params
            .weight
            .map_or(self.name.place, |(_, place)| place)
    }
}

/// A `server` or `server-template` line; `defaults` are the parameters of `default-server` so far.
pub(super) fn server(words: &[Word], defaults: &Params) -> Result<Server, Wrong> {
    let template = words[0].is("server-template");
    let needed = if template { 4 } else { 3 };
    if words.len() < needed {
        let what = if template {
            "`server-template` needs a prefix, a number and a name: `server-template app 4 app.example:80`"
        } else {
            "`server` needs a name and an address: `server app1 192.0.2.1:80`"
        };
        return Err((words[0].place, what.to_owned()));
    }
    let address = &words[needed - 1];
    let count = template.then(|| count(&words[2])).transpose()?;
    let mut params = defaults.clone();
    params.read(&words[needed..])?;
    Ok(Server {
        name: words[1].clone(),
        address: self::address(&address.text),
        place: words[1].place,
        params,
        template: count,
        id: 0,
    })
}

/// `5` or `3-7`: how many servers.
fn count(word: &Word) -> Result<u64, Wrong> {
    let (from, to) = word.text.split_once('-').unwrap_or(("1", &word.text));
    match (from.parse::<u64>(), to.parse::<u64>()) {
        _ if word.unresolved => Ok(1),
        (Ok(from @ 1..), Ok(to)) if to >= from => Ok(to - from + 1),
        _ => Err((
            word.place,
            "a number or a range is expected: `4`, `1-4`".to_owned(),
        )),
    }
}

/// `[PROTOCOL@]HOST[:PORT]`, `/path`, or IPv6 without brackets, whose last colon is the port's (`str2sa_range` in
/// `src/tools.c`).
pub(super) fn address(written: &str) -> Address {
    let (kind, bare) = match written.split_once('@') {
        Some((kind, bare)) => (kind, bare),
        None => ("", written),
    };
    let path = bare.starts_with('/') || matches!(kind, "unix" | "abns" | "abnsz");
    if path && !written.contains('$') {
        return Address {
            written: written.to_owned(),
            target: Target::Unix(bare.to_owned()),
        };
    }
    let unbracketed = bare.matches(':').count() > 1 && !bare.starts_with('[');
    let v6 = bare.rsplit_once(':').filter(|_| unbracketed);
    let socket = v6.and_then(|(host, port)| Some((host.parse().ok()?, port.parse().ok()?)));
    let target = match socket {
        Some((ip, port)) => Target::Ip(SocketAddr::new(ip, port)),
        None if matches!(kind, "fd" | "sockpair" | "rhttp") => Target::Unknown,
        None => Address::parse(bare, None).target,
    };
    Address {
        written: written.to_owned(),
        target,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_as_haproxy_reads_them() {
        let ip = |text: &str| Target::Ip(text.parse().unwrap());
        assert_eq!(address("192.0.2.1:80").target, ip("192.0.2.1:80"));
        assert_eq!(address("ipv4@192.0.2.1:80").target, ip("192.0.2.1:80"));
        assert_eq!(address("2001:db8::1:80").target, ip("[2001:db8::1]:80"));
        assert_eq!(address("[2001:db8::1]:80").target, ip("[2001:db8::1]:80"));
        assert_eq!(
            address("/run/a.sock").target,
            Target::Unix("/run/a.sock".to_owned())
        );
        assert!(address("app.example:80").is_name());
        assert_eq!(address("${HOST}:80").target, Target::Unknown);
        assert_eq!(address("192.0.2.1").target, Target::Unknown);
    }
}
