//! Envoy: what of its bootstrap is copied, and how it runs.

mod cluster;
mod routes;

use std::path::Path;
use std::process::Command;

use evenkeel_balancers::model::Traffic;
use evenkeel_balancers::source::{HostFiles, Limits};
use evenkeel_balancers::{EnvoyText, Product, envoy_text};
use serde_json::{Value, json};

use super::HermeticError;
use super::copy::{Configuration, CopiedPool, Copy, Places, Site};
use super::traffic::Keys;

/// Copies the wanted clusters of a bootstrap, or of a dump of the admin interface.
pub(super) fn copy(
    path: &Path,
    wants: &dyn Fn(&str) -> bool,
    places: &mut dyn Places,
) -> Result<Copy, HermeticError> {
    let text = envoy_text(&HostFiles, path, Limits::default())?;
    copied(&text, wants, places)
}

fn copied(
    text: &EnvoyText,
    wants: &dyn Fn(&str) -> bool,
    places: &mut dyn Places,
) -> Result<Copy, HermeticError> {
    let (mut clusters, mut listeners) = (Vec::new(), Vec::new());
    let (mut pools, mut keys) = (Vec::new(), Keys::default());
    let mut notes = text.missing.clone();
    for cluster in &text.clusters {
        let name = cluster["name"].as_str().unwrap_or_default();
        if !wants(name) {
            continue;
        }
        let route = routes::to(name, &text.others);
        let copied = route.keys().and_then(|more| {
            let assignment = cluster::assignment(cluster, text)?;
            Ok((more, assignment))
        });
        let (more, assignment) = match copied {
            Ok(copied) => copied,
            Err(reason) => {
                notes.push(format!("{name} is left out: {reason}"));
                continue;
            }
        };
        let copied = cluster::copied(cluster, assignment, places);
        let copied = copied.map_err(HermeticError::Listen)?;
        let entry = places.entry().map_err(HermeticError::Listen)?;
        listeners.push(route.listener(name, entry));
        clusters.push(copied.cluster);
        keys.add(more);
        pools.push(CopiedPool {
            name: name.to_owned(),
            traffic: route.traffic(),
            entry,
            servers: copied.servers,
            notes: copied.notes,
        });
    }
    let mut bootstrap = json!({
        "static_resources": { "listeners": listeners, "clusters": clusters },
    });
    if let Some(node) = &text.node {
        bootstrap["node"] = node.clone();
    }
    Ok(Copy {
        pools,
        notes,
        keys,
        configuration: Box::new(Envoy(bootstrap)),
    })
}

/// Whether pools get requests or connections.
const fn carries(connections: bool) -> Traffic {
    if connections {
        Traffic::Connections
    } else {
        Traffic::Requests
    }
}

struct Envoy(Value);

impl Envoy {
    fn command(&self, site: &Site<'_>) -> Command {
        let mut command = Command::new(site.program);
        command
            .args(["--disable-hot-restart", "--log-level", "error"])
            .arg("--config-path")
            .arg(site.file(self));
        command
    }
}

impl Configuration for Envoy {
    fn product(&self) -> Product {
        Product::Envoy
    }

    fn program(&self) -> (&'static str, &'static str) {
        ("envoy", "/usr/local/bin/envoy")
    }

    fn file(&self) -> &'static str {
        "envoy.json"
    }

    fn text(&self, _site: Option<&Site<'_>>) -> Result<String, HermeticError> {
        Ok(format!("{:#}\n", self.0))
    }

    fn run(&self, site: &Site<'_>) -> Command {
        self.command(site)
    }

    fn check(&self, site: &Site<'_>) -> Command {
        let mut command = self.command(site);
        command.args(["--mode", "validate"]);
        command
    }

    fn complaint(&self) -> &'static str {
        "error initializing configuration"
    }
}

#[cfg(test)]
mod tests {
    use evenkeel_balancers::source::MemoryFiles;

    use super::*;
    use crate::gate::hermetic::numbered::Numbered;

    fn copied(configuration: &str) -> Copy {
        let files = MemoryFiles::new().with("envoy.yaml", configuration);
        let read = envoy_text(&files, Path::new("envoy.yaml"), Limits::default()).unwrap();
        super::copied(&read, &|_| true, &mut Numbered::default()).unwrap()
    }

    const EVERYTHING: &str = r#"
node: { id: one, cluster: edge }
admin: { address: { socket_address: { address: 192.0.2.250, port_value: 9901 } } }
static_resources:
  listeners:
  - address: { socket_address: { address: 0.0.0.0, port_value: 443 } }
    filter_chains:
    - transport_socket: { name: envoy.transport_sockets.tls }
      filters:
      - typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          route_config:
            virtual_hosts:
            - routes:
              - match: { prefix: / }
                route:
                  cluster: shop
                  timeout: 15s
                  hash_policy: [ { header: { header_name: X-Tenant } }, { cookie: { name: sid } } ]
              - match: { prefix: /state }
                route: { cluster: by-state, hash_policy: [ { filter_state: { key: a } } ] }
              - match: { prefix: /other }
                route: { cluster: discovered }
  - filter_chains:
    - filters:
      - typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy
          cluster: db
  clusters:
  - name: shop
    type: STRICT_DNS
    lb_policy: RING_HASH
    ring_hash_lb_config: { minimum_ring_size: 2048 }
    connect_timeout: 1s
    health_checks: [ { timeout: 1s } ]
    outlier_detection: {}
    transport_socket: { name: envoy.transport_sockets.tls }
    dns_resolvers: [ { socket_address: { address: 192.0.2.53, port_value: 53 } } ]
    load_assignment:
      endpoints:
      - lb_endpoints:
        - { endpoint: { address: { socket_address: { address: app.internal, port_value: 80 } } }, load_balancing_weight: 2 }
        - { endpoint: { address: { socket_address: { address: 192.0.2.2, port_value: 80 } }, health_check_config: { port_value: 81 } } }
      - priority: 1
        lb_endpoints: [ { endpoint: { address: { pipe: { path: /run/spare.sock } } } } ]
  - name: db
    lb_policy: LEAST_REQUEST
    load_assignment:
      endpoints:
      - lb_endpoints:
        - { endpoint: { address: { socket_address: { address: 192.0.2.5, port_value: 5432 } } } }
        - { endpoint: { address: { socket_address: { address: 192.0.2.6, port_value: 5432 } } } }
  - { name: discovered, type: EDS, eds_cluster_config: { eds_config: { ads: {} } } }
  - { name: one-name, type: LOGICAL_DNS, load_assignment: {} }
  - { name: by-state, type: STATIC, lb_policy: MAGLEV, load_assignment: {} }
  - { name: grouped, cluster_type: { name: envoy.clusters.aggregate } }
  - { name: anywhere, type: ORIGINAL_DST, lb_policy: CLUSTER_PROVIDED }
"#;

    #[test]
    fn the_copy_has_what_decides_and_nothing_else() {
        let copy = copied(EVERYTHING);
        let text = copy.configuration.text(None).unwrap();
        insta::assert_snapshot!(text);
        for real in [
            "192.0.2.",
            "internal",
            "/run/",
            "tls",
            "health_check",
            "dns",
        ] {
            assert!(!text.contains(real), "{real}");
        }
        let servers: Vec<&String> = copy.pools[0].servers.values().collect();
        assert_eq!(
            servers,
            ["app.internal:80", "192.0.2.2:80", "/run/spare.sock"]
        );
        assert_eq!(copy.pools[1].traffic, Traffic::Connections);
        assert_eq!(copy.keys.headers, ["X-Tenant"]);
        assert_eq!(copy.keys.cookies, ["sid"]);
        insta::assert_snapshot!(format!(
            "{}\n\n{}",
            copy.pools[0].notes.join("\n"),
            copy.notes.join("\n")
        ));
    }
}
