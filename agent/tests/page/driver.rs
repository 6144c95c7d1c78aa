//! A real Chromium, driven by `WebDriver`: commands are JSON over HTTP, so that no more than a socket is needed.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use evenkeel_lab::netns::Namespace;
use evenkeel_lab::process::Process;
use evenkeel_lab::wait::wait_for;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Within it, everything that is waited for must have happened.
pub(crate) const DEADLINE: Duration = Duration::from_secs(90);

/// A browser with one window. It ends when this value is dropped.
pub(crate) struct Browser {
    driver: Process,
    address: SocketAddr,
    session: String,
    _profile: TempDir,
}

impl Browser {
    pub(crate) fn start() -> Self {
        let mut command = Command::new("chromedriver");
        command.args(["--port=0", "--allowed-ips=127.0.0.1"]);
        let mut driver =
            Process::spawn(&Namespace::current(), "chromedriver", &mut command).unwrap();
        let port = wait_for(DEADLINE, "chromedriver", || {
            driver.check()?;
            let said = driver.stdout();
            let Some((_, rest)) = said.split_once("successfully on port ") else {
                return Ok(None);
            };
            Ok(rest.split_once('.').and_then(|(port, _)| port.parse().ok()))
        });
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port.unwrap()));
        let profile = TempDir::with_prefix("evenkeel-chromium-").unwrap();
        let wanted = capabilities(profile.path());
        let mut browser = Self {
            driver,
            address,
            session: String::new(),
            _profile: profile,
        };
        let session = browser.send("POST", "/session", &wanted);
        browser.session = format!("/session/{}", session["sessionId"].as_str().unwrap());
        browser
    }

    /// Opens an address.
    pub(crate) fn open(&self, url: &str) {
        self.command("/url", &json!({ "url": url }));
    }

    /// What a function's body returns in the page.
    pub(crate) fn run(&self, script: &str) -> Value {
        self.command("/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// Waits until an expression of the page is true.
    pub(crate) fn wait(&self, what: &str) {
        let script = format!("return Boolean({what})");
        let waited = wait_for(DEADLINE, what, || {
            Ok((self.run(&script) == Value::Bool(true)).then_some(()))
        });
        if let Err(error) = waited {
            let text = self.run("return document.body.innerText");
            panic!("{error}; the page says: {text}");
        }
    }

    /// All text that can be read.
    pub(crate) fn text(&self) -> String {
        self.run("return document.body.innerText")
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// Presses keys, as a person at the keyboard does.
    pub(crate) fn press(&self, keys: &str) {
        let each = keys.chars().flat_map(|key| {
            let key = key.to_string();
            [
                json!({"type": "keyDown", "value": key}),
                json!({"type": "keyUp", "value": key}),
            ]
        });
        let keyboard =
            json!({"type": "key", "id": "keyboard", "actions": each.collect::<Vec<_>>()});
        self.command("/actions", &json!({ "actions": [keyboard] }));
    }

    /// Sets what the page believes of its screen: pixels of CSS, and how many pixels make one.
    pub(crate) fn screen(&self, width: u32, height: u32, scale: f64, dark: bool) {
        let mobile = width < 600;
        self.devtools(
            "Emulation.setDeviceMetricsOverride",
            &json!({"width": width, "height": height, "deviceScaleFactor": scale, "mobile": mobile}),
        );
        let scheme = if dark { "dark" } else { "light" };
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.devtools(
            "Emulation.setEmulatedMedia",
            &json!({ "features": features }),
        );
    }

    /// A picture of what can be seen, as PNG.
    pub(crate) fn picture(&self) -> Vec<u8> {
        let encoded = self.send("GET", &format!("{}/screenshot", self.session), &Value::Null);
        STANDARD.decode(encoded.as_str().unwrap()).unwrap()
    }

    /// What the page or the browser complained of so far, such as what its policy blocked.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let log = self.command("/se/log", &json!({ "type": "browser" }));
        let entries = log.as_array().unwrap().iter();
        let severe = entries.filter(|entry| entry["level"] == "SEVERE");
        severe.map(|entry| entry["message"].to_string()).collect()
    }

    /// A command of the protocol of Chromium's developer tools.
    pub(crate) fn devtools(&self, command: &str, parameters: &Value) -> Value {
        let body = json!({ "cmd": command, "params": parameters });
        self.command("/goog/cdp/execute", &body)
    }

    fn command(&self, path: &str, body: &Value) -> Value {
        self.send("POST", &format!("{}{path}", self.session), body)
    }

    /// The value of the driver's answer; an error ends the test.
    fn send(&self, method: &str, path: &str, body: &Value) -> Value {
        let answer = self.ask(method, path, body).unwrap();
        let value = &answer["value"];
        assert!(value["error"].is_null(), "{method} {path}: {value}");
        value.clone()
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> anyhow::Result<Value> {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(DEADLINE))?;
        let mut reader = BufReader::new(stream);
        write!(
            reader.get_mut(),
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        )?;
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            if line.trim().is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse()?;
            }
        }
        let mut answer = vec![0; length];
        reader.read_exact(&mut answer)?;
        Ok(serde_json::from_slice(&answer)?)
    }
}

fn capabilities(profile: &Path) -> Value {
    json!({"capabilities": {"alwaysMatch": {
        "browserName": "chrome",
        "acceptInsecureCerts": true,
        "goog:loggingPrefs": {"browser": "ALL"},
        "goog:chromeOptions": {"args": [
            "--headless=new",
            // The tests run as root, where Chromium has no sandbox.
            "--no-sandbox",
            // Chromium ends when the driver does, however that ends.
            "--remote-debugging-pipe",
            "--disable-dev-shm-usage",
            "--disable-gpu",
            "--force-color-profile=srgb",
            "--hide-scrollbars",
            "--lang=en-GB",
            format!("--user-data-dir={}", profile.display()),
        ]},
    }}})
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Whether or not it answers, the driver is ended afterwards, and the browser with it.
        if !self.session.is_empty() {
            drop(self.ask("DELETE", &self.session, &Value::Null));
        }
        drop(self.driver.stop());
    }
}
