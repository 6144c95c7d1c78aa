//! A balancer: its members, and how it chooses among them.

use super::line::Word;
use super::member::{Member, Written};
use crate::source::Place;

/// How long a list of status codes may be in messages, in characters.
const LONGEST: usize = 40;

/// A balancer of one server.
#[derive(Clone, Debug)]
pub(super) struct Balancer {
    /// In lower case, without `balancer://`.
    pub(super) name: String,
    /// The virtual host that it belongs to, counted from 1; 0: the main server.
    pub(super) host: usize,
    /// Where it is named first.
    pub(super) place: Place,
    pub(super) settings: Settings,
    pub(super) members: Vec<Member>,
    /// Members that httpd takes for others, with the place of each of those.
    pub(super) repeated: Vec<(Member, Place)>,
    /// Where a `ProxyPass` of the same server names it.
    pub(super) passed: Option<Place>,
}

/// What holds for a balancer as a whole.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    pub(super) method: Written<Method>,
    pub(super) sticky: Written<String>,
    /// Where `nofailover=On` is.
    pub(super) no_failover: Option<Place>,
    pub(super) fail_on_status: Written<String>,
    /// Where `failontimeout=On` is.
    pub(super) fail_on_timeout: Option<Place>,
    /// Where `growth` is, by which members may be added at runtime.
    pub(super) growth: Option<Place>,
}

/// `lbmethod`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Method {
    ByRequests,
    ByTraffic,
    ByBusyness,
    Heartbeat,
    /// Of a module that is not known here.
    Other(String),
}

impl Method {
    fn parse(text: &str) -> Self {
        match text {
            "byrequests" => Self::ByRequests,
            "bytraffic" => Self::ByTraffic,
            "bybusyness" => Self::ByBusyness,
            "heartbeat" => Self::Heartbeat,
            other => Self::Other(other.chars().take(LONGEST).collect()),
        }
    }

    /// As users write it.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::ByRequests => "byrequests",
            Self::ByTraffic => "bytraffic",
            Self::ByBusyness => "bybusyness",
            Self::Heartbeat => "heartbeat",
            Self::Other(name) => name,
        }
    }
}

impl Settings {
    /// Takes parameters: of `ProxySet`, `ProxyPass` or the section.
    pub(super) fn take(&mut self, params: &[Word]) {
        for param in params {
            let Some((key, value)) = param.pair() else {
                continue;
            };
            let place = param.place;
            let on = value.eq_ignore_ascii_case("on").then_some(place);
            match key.to_ascii_lowercase().as_str() {
                "lbmethod" => self.method = Some((Method::parse(value), place)),
                "stickysession" => {
                    self.sticky = (!value.is_empty()).then(|| (value.to_owned(), place));
                }
                "nofailover" => self.no_failover = on,
                "failonstatus" => {
                    let codes = value.chars().take(LONGEST).collect();
                    self.fail_on_status = Some((codes, place));
                }
                "failontimeout" => self.fail_on_timeout = on,
                "growth" => self.growth = Some(place),
                _ => {}
            }
        }
    }

    /// Lets what a virtual host says come before what the main server says, but for the method:
    /// `merge_balancers` in httpd's `modules/proxy/mod_proxy.c`.
    pub(super) fn merge(&mut self, host: &Self) {
        let own = host.clone();
        if own.method.is_some() {
            self.method = own.method;
        }
        self.sticky = own.sticky.or(self.sticky.take());
        self.no_failover = own.no_failover.or(self.no_failover);
        self.fail_on_status = own.fail_on_status.or(self.fail_on_status.take());
        self.fail_on_timeout = own.fail_on_timeout.or(self.fail_on_timeout);
    }

    /// `lbmethod`, as far as it is written.
    pub(super) fn method(&self) -> Method {
        let written = self.method.as_ref().map(|(method, _)| method.clone());
        written.unwrap_or(Method::ByRequests)
    }
}

impl Balancer {
    pub(super) fn new(name: String, host: usize, place: Place) -> Self {
        Self {
            name,
            host,
            place,
            settings: Settings::default(),
            members: Vec::new(),
            repeated: Vec::new(),
            passed: None,
        }
    }
}
