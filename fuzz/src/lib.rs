//! What the fuzz targets share: a reader is given any bytes, and what it makes of them is looked at as users do.

#[cfg(feature = "agent")]
pub mod recording;

use std::path::Path;

use evenkeel_balancers::source::MemoryFiles;
use evenkeel_balancers::{Date, Options, Product, detect, diff, read};

/// Reads a configuration, audits it, and asks for all that can be shown of it.
pub fn audit(product: Product, name: &str, bytes: &[u8]) {
    let _ = detect(Path::new("x"), &String::from_utf8_lossy(bytes));
    let files = MemoryFiles::new().with(name, bytes);
    let configuration = match read(product, &files, Path::new(name), &Options::default()) {
        Ok(configuration) => configuration,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let audit = configuration.audit(today());
    for finding in &audit.findings {
        let excerpt = configuration.sources.excerpt(finding.place);
        assert!(excerpt.carets > 0 && !excerpt.line.contains('\n'));
        assert!(excerpt.indent + excerpt.carets <= excerpt.line.chars().count() + 1);
        assert!(!finding.message.is_empty() && !finding.help.is_empty());
    }
    for pool in &configuration.pools {
        assert_eq!(pool.servers.len(), pool.shares.servers.len());
        if let Some(shares) = pool.shares.exact() {
            let sum: f64 = shares.iter().sum();
            assert!(sum < 1e-9 || (sum - 1.0).abs() < 1e-9, "{pool:?}");
        }
        let one = |_: &str, port: Option<u16>| vec![([192, 0, 2, 1], port.unwrap_or(80)).into()];
        let resolved = pool.resolved(one);
        assert_eq!(resolved.servers.len(), resolved.shares.servers.len());
    }
    assert!(diff(&configuration.pools, &configuration.pools).is_empty());
    assert!(serde_json::to_string(&(&configuration.pools, &audit)).is_ok());
}

fn today() -> Date {
    "2026-11-22".parse().unwrap_or_else(|_| unreachable!())
}
