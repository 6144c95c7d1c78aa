//! A Traefik in a network namespace of its own, which is given one configuration after another.

#![allow(dead_code, reason = "each test file uses a part")]
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on must fail"
)]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use evenkeel_lab::netns::Namespace;
use evenkeel_lab::parts::traefik;
use evenkeel_lab::process::Process;
use evenkeel_lab::wait::wait_for;
use serde_json::Value;

/// Where requests and connections are taken.
pub(crate) const WEB: &str = "127.0.0.1:18080";
const API: &str = "127.0.0.1:18081";

const STATIC: &str = "
entryPoints: { web: { address: '127.0.0.1:18080', proxyProtocol: { trustedIPs: [127.0.0.1/32] } }, traefik: { address: '127.0.0.1:18081' } }
api: { insecure: true }
providers: { providersThrottleDuration: 10ms, file: { directory: dynamic } }
log: { level: PANIC }
global: { checkNewVersion: false, sendAnonymousUsage: false }
";

/// Fields are dropped in their order: the namespace goes last.
pub(crate) struct Running {
    process: Process,
    folder: tempfile::TempDir,
    loaded: usize,
    pub(crate) namespace: Namespace,
}

impl Running {
    pub(crate) fn start(name: &str) -> Self {
        let namespace = Namespace::create(name).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("static.yaml"), STATIC).unwrap();
        std::fs::create_dir(folder.path().join("dynamic")).unwrap();
        let mut command = Command::new(traefik().unwrap());
        command
            .current_dir(folder.path())
            .arg("--configFile=static.yaml");
        let process = Process::spawn(&namespace, "traefik", &mut command).unwrap();
        Self {
            process,
            folder,
            loaded: 0,
            namespace,
        }
    }

    fn dynamic(&self, name: &str) -> PathBuf {
        self.folder.path().join("dynamic").join(name)
    }

    /// Gives it a configuration, and returns what it says of that once it is in force: `/api/rawdata`. A router of another file
    /// shows that, which is written when the configuration is.
    pub(crate) fn load(&mut self, text: &str) -> Value {
        self.loaded += 1;
        let marker = format!("loaded-{}", self.loaded);
        std::fs::write(self.dynamic("configuration.yaml"), text).unwrap();
        let router = format!(
            "http: {{ routers: {{ {marker}: {{ rule: 'Host(`{marker}`)', service: noop@internal }} }} }}"
        );
        let file = self.dynamic("marker.yaml");
        let Self {
            process, namespace, ..
        } = self;
        let mut tries = 0;
        let answer = namespace.enter(|| {
            wait_for(Duration::from_secs(60), "Traefik to load it", || {
                process.check()?;
                // While it starts it does not watch its folder yet.
                if tries % 100 == 0 {
                    std::fs::write(&file, &router)?;
                }
                tries += 1;
                let raw = get("/api/rawdata");
                let raw = raw.filter(|raw| !raw["routers"][format!("{marker}@file")].is_null());
                Ok(raw)
            })
        });
        answer.unwrap().unwrap()
    }
}

/// An answer of its API, if there is one.
fn get(path: &str) -> Option<Value> {
    let mut stream = TcpStream::connect(API).ok()?;
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .ok()?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: x\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    if !head.contains(" 200 ") {
        return None;
    }
    serde_json::from_str(body).ok()
}
