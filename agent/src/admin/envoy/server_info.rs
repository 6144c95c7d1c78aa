//! `/server_info`: which Envoy answers.

use std::time::Duration;

use serde::Deserialize;

use super::super::Reason;

pub(super) const PATH: &str = "/server_info";

/// The process that answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerInfo {
    /// `1.40.0`.
    pub version: String,
    /// `LIVE`, `DRAINING`, `PRE_INITIALIZING` or `INITIALIZING`.
    pub state: String,
    /// For how long it runs.
    pub uptime: Duration,
    /// `--config-path`, if it was given.
    pub config_path: Option<String>,
}

/// What is used of `envoy.admin.v3.ServerInfo`; fields that are zero are left out of JSON.
#[derive(Deserialize)]
struct Raw {
    version: String,
    #[serde(default)]
    state: Option<String>,
    #[serde(default)]
    uptime_current_epoch: String,
    #[serde(default)]
    command_line_options: CommandLine,
}

#[derive(Default, Deserialize)]
struct CommandLine {
    #[serde(default)]
    config_path: String,
}

impl ServerInfo {
    pub(super) fn parse(body: &[u8]) -> Result<Self, Reason> {
        let raw: Raw = serde_json::from_slice(body)
            .map_err(|error| Reason::not_understood(PATH, error.to_string()))?;
        // REVISION/VERSION/STATUS/TYPE/TLS
        let version = raw.version.split('/').nth(1).unwrap_or(&raw.version);
        let uptime = raw.uptime_current_epoch.trim_end_matches('s').parse();
        let path = raw.command_line_options.config_path;
        Ok(Self {
            version: version.to_owned(),
            // The first of the enumeration.
            state: raw.state.unwrap_or_else(|| "LIVE".to_owned()),
            uptime: Duration::try_from_secs_f64(uptime.unwrap_or(0.0)).unwrap_or_default(),
            config_path: (!path.is_empty()).then_some(path),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_is_told() {
        let info = ServerInfo::parse(include_bytes!("server_info.json")).unwrap();
        assert_eq!(
            (info.version.as_str(), info.state.as_str()),
            ("1.40.0", "LIVE")
        );
        assert_eq!(info.uptime, Duration::from_secs(2));
        assert_eq!(info.config_path.as_deref(), Some("e.yaml"));
        assert!(ServerInfo::parse(b"<html>").is_err());
    }
}
