//! Directives that send traffic somewhere: `proxy_pass` and its kin.

use super::config::Scope;
use super::server::address;
use super::token::Word;
use super::tree::Directive;
use crate::model::{Address, Traffic};

/// A directive that sends traffic somewhere.
#[derive(Clone, Debug)]
pub(super) struct Pass {
    pub(super) traffic: Traffic,
    /// `proxy_pass`, `grpc_pass`, ...
    pub(super) directive: String,
    /// Its argument.
    pub(super) word: Word,
    pub(super) target: Destination,
    /// What holds where it stands.
    pub(super) scope: Scope,
}

/// Where it sends traffic.
#[derive(Clone, Debug)]
pub(super) enum Destination {
    /// The `upstream` of this name if there is one, else this address.
    Host {
        /// In lower case, as names of upstreams are compared.
        name: String,
        address: Address,
    },
    /// Where a variable says.
    Variable {
        /// What stands before it, in lower case: with what the name begins.
        prefix: String,
    },
}

/// Reads such a directive; `None` if it is none.
pub(super) fn pass(directive: &Directive, traffic: Traffic, scope: &Scope) -> Option<Pass> {
    let default_port = match directive.name.text.as_str() {
        "proxy_pass" if traffic == Traffic::Requests => Some(80),
        "grpc_pass" => Some(80),
        "proxy_pass" | "fastcgi_pass" | "uwsgi_pass" | "scgi_pass" | "memcached_pass" => None,
        _ => return None,
    };
    let word = directive.arg(0)?;
    Some(Pass {
        traffic,
        directive: directive.name.text.clone(),
        word: word.clone(),
        target: destination(&word.text, default_port),
        scope: scope.clone(),
    })
}

fn destination(written: &str, default_port: Option<u16>) -> Destination {
    let (scheme, rest) = written.split_once("://").unwrap_or(("", written));
    let port = match scheme {
        "https" | "grpcs" => Some(443),
        _ => default_port,
    };
    let host = match rest.strip_prefix("unix:") {
        // The path ends at the colon before the URI.
        Some(path) => {
            &rest[..path
                .find(':')
                .map_or(rest.len(), |colon| colon + "unix:".len())]
        }
        None => rest.split(['/', '?']).next().unwrap_or_default(),
    };
    if let Some((prefix, _)) = host.split_once('$') {
        return Destination::Variable {
            prefix: prefix.to_ascii_lowercase(),
        };
    }
    Destination::Host {
        name: host.to_ascii_lowercase(),
        address: address(host, port),
    }
}
