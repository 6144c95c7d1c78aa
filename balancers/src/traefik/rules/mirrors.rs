//! Copies of requests: TRF-015.

use std::collections::BTreeMap;

use super::MIRRORED;
use crate::finding::Report;
use crate::text::percent;
use crate::traefik::compose::leaves;
use crate::traefik::document::Document;
use crate::traefik::pools::{View, pool_name};
use crate::traefik::service::{Body, Part, Protocol, Service};

/// How many services and servers are followed in one configuration, at most.
const MOST: usize = 50_000;

/// TRF-015: mirrors whose servers answer as well.
pub(super) fn mirrored(document: &Document<'_>, views: &[View<'_>], report: &mut Report) {
    let mut search = Search {
        document,
        views: views
            .iter()
            .map(|view| ((view.service.protocol, view.service.name), view))
            .collect(),
        left: MOST,
    };
    for service in &document.services {
        if let Body::Mirroring {
            main: Some(main),
            mirrors,
        } = &service.body
        {
            search.look(service, main, mirrors, report);
        }
    }
}

struct Search<'s, 'a> {
    document: &'s Document<'a>,
    views: BTreeMap<(Protocol, &'a str), &'s View<'a>>,
    left: usize,
}

impl Search<'_, '_> {
    fn look(
        &mut self,
        service: &Service<'_>,
        main: &Part<'_>,
        mirrors: &[Part<'_>],
        report: &mut Report,
    ) {
        let serving = self.servers(main, service.protocol);
        for mirror in mirrors.iter().filter(|mirror| mirror.weight > 0) {
            let mirrored = self.servers(mirror, service.protocol);
            let both = mirrored
                .iter()
                .filter_map(|(key, part)| Some((key, serving.get(key)?, part)));
            let Some((key, share, part)) = both.max_by(|a, b| a.2.total_cmp(b.2)) else {
                continue;
            };
            let added = part * mirror.weight as f64 / 100.0;
            report
                .add(
                    &MIRRORED,
                    mirror.weight_place.unwrap_or(mirror.place),
                    format!(
                        "{key} serves `{}` and `{}`: beside its {} of the requests it gets copies of {} of them, {:.2} times its part in all",
                        main.name,
                        mirror.name,
                        percent(*share),
                        percent(added),
                        (share + added) / share
                    ),
                    "mirror to servers that serve nobody else",
                )
                .pool(&pool_name(service))
                .subject(key);
        }
    }

    /// The servers that a part leads to, with their shares of what it gets.
    fn servers(&mut self, part: &Part<'_>, protocol: Protocol) -> BTreeMap<String, f64> {
        let mut shares = BTreeMap::new();
        let Some(inner) = self.document.get(protocol, part.name) else {
            return shares;
        };
        let mut reached: Vec<(&str, f64)> = leaves(self.document, inner, &mut self.left)
            .iter()
            .map(|leaf| (leaf.name, leaf.share))
            .collect();
        if reached.is_empty() {
            reached.push((inner.name, 1.0));
        }
        for (name, part) in reached {
            let Some(view) = self.views.get(&(protocol, name)) else {
                continue;
            };
            let servers = view.balancer.servers.iter().zip(view.nominal);
            for (server, share) in servers.take(self.left) {
                self.left -= 1;
                if *share > 0.0 {
                    *shares.entry(server.address.key()).or_default() += part * share;
                }
            }
        }
        shares
    }
}
