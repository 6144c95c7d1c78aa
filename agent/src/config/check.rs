//! What is written -> what is meant. A wrong value is noted and replaced by its default, so that the check goes on.

use std::net::SocketAddr;
use std::time::Duration;

use super::address;
use super::alerting::alerting;
use super::credentials::path;
use super::detection::detection;
use super::discovery::discovery;
use super::fleet::fleet;
use super::incidents;
use super::place::At;
use super::pool;
use super::problems::{Noted, Problems};
use super::raw::File;
use super::shape::{Field, Scalar, Value};
use super::syntax;
use super::value::{Bounds, Key};
use super::{Config, Web, raw};

const FILE: Key<'_> = Key {
    name: "the file",
    example: "interval: 1s",
    expects: "a mapping",
};
const WEB: Key<'_> = Key {
    name: "web",
    example: "web: {listen: 127.0.0.1:9797}",
    expects: "a mapping",
};
const LISTEN: Key<'_> = Key {
    name: "listen",
    example: "listen: 127.0.0.1:9797",
    expects: "an address and a port",
};
const CONFIG_FILE: Key<'_> = Key {
    name: "config_file",
    example: "config_file: web.yml",
    expects: "a path",
};
const INTERVAL: Key<'_> = Key {
    name: "interval",
    example: "interval: 1s",
    expects: "a duration",
};
const WINDOW: Key<'_> = Key {
    name: "window",
    example: "window: 60s",
    expects: "a duration",
};
const LIVE_INTERVAL: Key<'_> = Key {
    name: "live_interval",
    example: "live_interval: 5s",
    expects: "a duration",
};

/// Shorter intervals would cost more than the counting itself; longer ones would hide what happens between.
const INTERVALS: Bounds = Bounds {
    least: Duration::from_millis(100),
    most: Duration::from_secs(60),
    least_from: None,
};
const LONGEST_WINDOW: Duration = Duration::from_secs(24 * 60 * 60);
const LONGEST_LIVE_INTERVAL: Duration = Duration::from_secs(5 * 60);

/// The configuration, which holds only if there are no problems.
pub(super) fn check(source: &str) -> (Config, Problems<'_>) {
    let mut problems = Problems::new(source);
    let config = match syntax::parse(&mut problems) {
        Some(root) => file(&mut problems, root),
        None => Config::default(),
    };
    (config, problems)
}

fn file(problems: &mut Problems<'_>, root: At<Value<File>>) -> Config {
    let root = Field {
        key: root.place,
        value: root,
    };
    let Ok(file) = problems.fit(FILE, root) else {
        return Config::default();
    };
    let (file, _) = problems.admit(file.value);
    let web = file.web.map(|field| web(problems, field));
    let discovery = file.discovery.map(|field| discovery(problems, field));
    let pools = file.pools.map(|field| pool::pools(problems, field));
    let detection = file.detection.map(|field| detection(problems, field));
    let alerting = file.alerting.map(|field| alerting(problems, field));
    let incidents_directory = file
        .incidents
        .and_then(|field| incidents::directory(problems, field));
    let fleet = file.fleet.and_then(|field| fleet(problems, field).ok());
    Config {
        web: web.unwrap_or_default(),
        fleet,
        pools: pools.unwrap_or_default(),
        discovery: discovery.unwrap_or_default(),
        detection: detection.unwrap_or_default(),
        alerting: alerting.unwrap_or_default(),
        incidents_directory,
        ..times(problems, file.interval, file.window, file.live_interval)
    }
}

/// The three durations, with defaults for all else.
fn times(
    problems: &mut Problems<'_>,
    interval: Option<Field<Scalar>>,
    window: Option<Field<Scalar>>,
    live_interval: Option<Field<Scalar>>,
) -> Config {
    let default = Config::default();
    let interval = interval.map(|field| problems.duration(INTERVAL, field, INTERVALS));
    // What is compared with a wrong interval would only seem wrong.
    let least = match interval {
        Some(Err(Noted)) => INTERVALS.least,
        Some(Ok(interval)) => interval,
        None => default.interval,
    };
    let interval = interval.and_then(Result::ok).unwrap_or(default.interval);
    let mut from_interval = |key, field: Option<Field<Scalar>>, most| {
        let bounds = Bounds {
            least,
            most,
            least_from: Some(INTERVAL.name),
        };
        field.and_then(|field| problems.duration(key, field, bounds).ok())
    };
    let window = from_interval(WINDOW, window, LONGEST_WINDOW);
    let live_interval = from_interval(LIVE_INTERVAL, live_interval, LONGEST_LIVE_INTERVAL);
    Config {
        interval,
        window: window.unwrap_or(default.window),
        live_interval: live_interval.unwrap_or(default.live_interval.max(interval)),
        ..default
    }
}

fn web(problems: &mut Problems<'_>, field: Field<raw::Web>) -> Web {
    let Ok(section) = problems.fit(WEB, field) else {
        return Web::default();
    };
    let (web, _) = problems.admit(section.value);
    let listen = web.listen.map(|field| listen(problems, field));
    let config_file = web
        .config_file
        .map(|field| path(problems, CONFIG_FILE, field));
    let default = Web::default();
    Web {
        listen: listen.and_then(Result::ok).unwrap_or(default.listen),
        config_file: config_file.and_then(Result::ok),
        ..default
    }
}

fn listen(problems: &mut Problems<'_>, field: Field<Scalar>) -> Result<SocketAddr, Noted> {
    let At { value, place } = problems.text(LISTEN, field)?;
    address::listen(&value).map_err(|fault| problems.note(place, fault.message, fault.help))
}
