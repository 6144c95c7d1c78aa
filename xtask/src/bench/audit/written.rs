//! Large configurations: the same pools and servers in each product's words, with routes to all of them.

use std::fmt::Write as _;

use evenkeel_balancers::Product;

pub(super) const POOLS: usize = 1000;
/// In each pool.
pub(super) const SERVERS: usize = 10;

/// A configuration to be measured.
pub(super) struct Written {
    pub(super) title: &'static str,
    /// The file's name.
    pub(super) name: &'static str,
    pub(super) product: Product,
    pub(super) text: fn() -> String,
}

const fn nginx(title: &'static str, text: fn() -> String) -> Written {
    Written {
        title,
        name: "nginx.conf",
        product: Product::Nginx,
        text,
    }
}

const fn haproxy(title: &'static str, text: fn() -> String) -> Written {
    Written {
        title,
        name: "haproxy.cfg",
        product: Product::Haproxy,
        text,
    }
}

const fn envoy(title: &'static str, text: fn() -> String) -> Written {
    Written {
        title,
        name: "envoy.yaml",
        product: Product::Envoy,
        text,
    }
}

pub(super) const CONFIGURATIONS: &[Written] = &[
    nginx("nginx, round robin", || nginx_text(&[""])),
    nginx("nginx, five methods in turn", || {
        nginx_text(&["", "least_conn;", "ip_hash;", "hash $uri;", RING])
    }),
    nginx("nginx, consistent hash", || nginx_text(&[RING])),
    haproxy("HAProxy, roundrobin", || {
        haproxy_text(&["balance roundrobin"])
    }),
    haproxy("HAProxy, four methods in turn", || {
        haproxy_text(&[
            "balance roundrobin",
            "balance leastconn",
            "balance source",
            CONSISTENT,
        ])
    }),
    haproxy("HAProxy, consistent hash", || haproxy_text(&[CONSISTENT])),
    envoy("Envoy, ROUND_ROBIN", || envoy_text(&["ROUND_ROBIN"])),
    envoy("Envoy, five policies in turn", || {
        envoy_text(&[
            "ROUND_ROBIN",
            "LEAST_REQUEST",
            "RANDOM",
            "RING_HASH",
            "MAGLEV",
        ])
    }),
    envoy("Envoy, RING_HASH", || envoy_text(&["RING_HASH"])),
    envoy("Envoy, MAGLEV", || envoy_text(&["MAGLEV"])),
    Written {
        title: "Kubernetes, Services with their EndpointSlices",
        name: "shop.yaml",
        product: Product::Kubernetes,
        text: kubernetes_text,
    },
];

const RING: &str = "hash $uri consistent;";
const CONSISTENT: &str = "balance uri\n    hash-type consistent";

/// Addresses that are for benchmarks (RFC 2544).
fn address(pool: usize, server: usize) -> String {
    format!("198.18.{}.{}", pool / 25, pool % 25 * SERVERS + server)
}

fn weight(server: usize) -> usize {
    if server == SERVERS - 1 { 2 } else { 1 }
}

/// The text that all pools give, one after the other.
fn each(one: impl Fn(&mut String, usize)) -> String {
    (0..POOLS).fold(String::new(), |mut text, pool| {
        one(&mut text, pool);
        text
    })
}

// A `String` takes whatever is written to it.
macro_rules! line {
    ($text:expr, $($format:tt)+) => {
        let _ = writeln!($text, $($format)+);
    };
}

fn nginx_text(methods: &[&str]) -> String {
    let upstreams = each(|text, pool| {
        line!(
            text,
            "    upstream pool-{pool} {{\n        zone pools 8m;\n        {}",
            methods[pool % methods.len()]
        );
        for server in 0..SERVERS {
            line!(
                text,
                "        server {}:8080 weight={} max_fails=3 fail_timeout=30s;",
                address(pool, server),
                weight(server)
            );
        }
        line!(text, "    }}");
    });
    let locations = each(|text, pool| {
        line!(
            text,
            "        location /{pool}/ {{\n            proxy_pass http://pool-{pool};\n        }}"
        );
    });
    format!(
        "worker_processes 8;\nevents {{}}\nhttp {{\n{upstreams}    server {{\n        listen 80;\n{locations}    }}\n}}\n"
    )
}

fn haproxy_text(methods: &[&str]) -> String {
    let routes = each(|text, pool| {
        line!(
            text,
            "    use_backend pool-{pool} if {{ path_beg /{pool}/ }}"
        );
    });
    let backends = each(|text, pool| {
        line!(
            text,
            "backend pool-{pool}\n    {}",
            methods[pool % methods.len()]
        );
        for server in 0..SERVERS {
            line!(
                text,
                "    server s{server} {}:8080 check weight {}",
                address(pool, server),
                weight(server) * 20
            );
        }
    });
    format!(
        "defaults\n    mode http\n    timeout connect 5s\n    timeout client 30s\n    timeout server 30s\n\
         frontend web\n    bind :80\n{routes}{backends}"
    )
}

fn envoy_text(policies: &[&str]) -> String {
    let clusters = each(|text, pool| {
        line!(
            text,
            "  - name: pool-{pool}\n    type: STATIC\n    lb_policy: {}\n    health_checks: [{{ timeout: 1s, interval: 5s, unhealthy_threshold: 2, healthy_threshold: 2, tcp_health_check: {{}} }}]\n    load_assignment:\n      cluster_name: pool-{pool}\n      endpoints:\n      - lb_endpoints:",
            policies[pool % policies.len()]
        );
        for server in 0..SERVERS {
            line!(
                text,
                "        - endpoint:\n            address:\n              socket_address: {{ address: {}, port_value: 8080 }}\n          load_balancing_weight: {}",
                address(pool, server),
                weight(server)
            );
        }
    });
    let routes = each(|text, pool| {
        line!(
            text,
            "              - match: {{ prefix: /{pool}/ }}\n                route: {{ cluster: pool-{pool}, hash_policy: [{{ header: {{ header_name: x-user }} }}] }}"
        );
    });
    format!(
        "static_resources:
  listeners:
  - name: web
    address: {{ socket_address: {{ address: 0.0.0.0, port_value: 80 }} }}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          '@type': type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: web
          route_config:
            virtual_hosts:
            - name: all
              domains: ['*']
              routes:
{routes}  clusters:
{clusters}"
    )
}

fn kubernetes_text() -> String {
    each(|text, pool| {
        line!(
            text,
            "apiVersion: v1\nkind: Service\nmetadata: {{ name: pool-{pool}, namespace: shop }}\nspec:\n  selector: {{ app: pool-{pool} }}\n  sessionAffinity: ClientIP\n  ports: [{{ name: http, port: 80 }}]\n---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata:\n  name: pool-{pool}-a\n  namespace: shop\n  labels: {{ kubernetes.io/service-name: pool-{pool} }}\naddressType: IPv4\nports: [{{ name: http, port: 8080 }}]\nendpoints:"
        );
        for server in 0..SERVERS {
            line!(
                text,
                "- addresses: [{}]\n  nodeName: node-{}\n  conditions: {{ ready: true }}",
                address(pool, server),
                server % 3
            );
        }
        line!(text, "---");
    })
}
