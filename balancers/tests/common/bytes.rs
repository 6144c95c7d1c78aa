//! What holds of any bytes: they are a configuration or an error, nothing panics, and time grows with length alone.

use std::path::Path;
use std::time::Duration;

use evenkeel_balancers::source::MemoryFiles;
use evenkeel_balancers::{Configuration, Options, Product, ReadError, detect, read};
use proptest::prelude::{ProptestConfig, Strategy};

use super::today;

/// How long texts are that are costly for one or the other part of a reader.
pub(crate) const LENGTH: usize = 300_000;

/// Reads a text as the only file there is.
pub(crate) fn read_text(
    product: Product,
    name: &str,
    text: impl Into<Vec<u8>>,
) -> Result<Configuration, ReadError> {
    let files = MemoryFiles::new().with(name, text);
    read(product, &files, Path::new(name), &Options::default())
}

/// Audits, and looks at everything that was found. What cannot be read says why.
pub(crate) fn exercise(bytes: &[u8], read: impl FnOnce(&[u8]) -> Result<Configuration, ReadError>) {
    let _ = detect(Path::new("x"), &String::from_utf8_lossy(bytes));
    let configuration = match read(bytes) {
        Ok(configuration) => configuration,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let audit = configuration.audit(today());
    for finding in &audit.findings {
        let excerpt = configuration.sources.excerpt(finding.place);
        assert!(
            excerpt.carets > 0
                && excerpt.indent + excerpt.carets <= excerpt.line.chars().count() + 1
                && !excerpt.line.contains('\n'),
            "{finding:?}"
        );
        assert!(!finding.message.is_empty() && !finding.help.is_empty());
    }
    for pool in &configuration.pools {
        assert_eq!(pool.servers.len(), pool.shares.servers.len());
        if let Some(shares) = pool.shares.exact() {
            let sum: f64 = shares.iter().sum();
            assert!(sum < 1e-9 || (sum - 1.0).abs() < 1e-9, "{pool:?}");
        }
    }
    serde_json::to_string(&(&configuration.pools, &audit)).unwrap();
}

/// How many texts are made up: few without optimisation.
pub(crate) fn cases() -> ProptestConfig {
    ProptestConfig {
        cases: if cfg!(debug_assertions) { 400 } else { 20_000 },
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// One of several fragments of a text.
pub(crate) fn one(
    fragments: &'static [&'static str],
) -> impl Strategy<Value = &'static str> + Clone {
    proptest::sample::select(fragments)
}

/// A text that repeats a part, [`LENGTH`] long.
pub(crate) fn repeated(head: &str, part: &str) -> String {
    head.to_owned() + &part.repeat((LENGTH - head.len()) / part.len())
}

/// What this thread has had of a processor: others that want it too make no difference.
fn processor_time() -> Duration {
    let account = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    let nanoseconds = account.split(' ').next().unwrap().parse().unwrap();
    Duration::from_nanos(nanoseconds)
}

/// Each text takes a time in proportion to its length.
pub(crate) fn time_grows_with_length<'a>(
    texts: impl IntoIterator<Item = (&'a str, String)>,
    exercise: impl Fn(&[u8]),
) {
    for (name, text) in texts {
        let began = processor_time();
        exercise(text.as_bytes());
        let took = processor_time().saturating_sub(began);
        // Without optimisation: a quadratic step would take minutes.
        assert!(took < Duration::from_secs(20), "{name}: {took:?}");
        println!("{name}: {took:?}");
    }
}
