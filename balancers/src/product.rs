//! The products whose configuration is understood.

use std::fmt;

use serde::Serialize;

/// A load balancer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Product {
    /// nginx, and what takes its configuration.
    Nginx,
    /// `HAProxy`.
    Haproxy,
    /// Envoy, and meshes that dump its configuration.
    Envoy,
    /// Services of Kubernetes, as manifests describe them.
    Kubernetes,
    /// Apache httpd, with `mod_proxy_balancer`.
    Apache,
    /// Caddy, as its JSON.
    Caddy,
    /// Traefik, as files tell it.
    Traefik,
}

impl Product {
    /// All of them, in the order in which a text is offered to them.
    pub const ALL: [Self; 7] = [
        Self::Kubernetes,
        Self::Nginx,
        Self::Haproxy,
        Self::Envoy,
        Self::Apache,
        Self::Caddy,
        Self::Traefik,
    ];

    /// The name that users write (`--as nginx`).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Haproxy => "haproxy",
            Self::Envoy => "envoy",
            Self::Kubernetes => "kubernetes",
            Self::Apache => "apache",
            Self::Caddy => "caddy",
            Self::Traefik => "traefik",
        }
    }

    /// The name that users read.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Haproxy => "HAProxy",
            Self::Envoy => "Envoy",
            Self::Kubernetes => "Kubernetes",
            Self::Apache => "Apache httpd",
            Self::Caddy => "Caddy",
            Self::Traefik => "Traefik",
        }
    }

    /// The product with a name that users write.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|product| product.as_str() == name)
    }
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.title())
    }
}
