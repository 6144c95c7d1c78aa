//! Moments and durations as people and other programs read them.

use std::fmt::Display;
use std::time::SystemTime;

use serde::{Deserialize, Deserializer, Serializer, de};

/// The first second of the year 10000, which RFC 3339 cannot say.
const YEAR_10000: u64 = 253_402_300_800;

/// A moment in UTC to the millisecond, as RFC 3339. A clock that is set before 1970 or after 9999 shows the epoch: a wrong
/// time beats none.
pub fn rfc3339(time: SystemTime) -> impl Display {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    let sayable = since.is_ok_and(|passed| passed.as_secs() < YEAR_10000);
    humantime::format_rfc3339_millis(if sayable {
        time
    } else {
        SystemTime::UNIX_EPOCH
    })
}

pub(super) fn serialize<S: Serializer>(
    time: &SystemTime,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&rfc3339(*time))
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<SystemTime, D::Error> {
    let text = String::deserialize(deserializer)?;
    humantime::parse_rfc3339(&text).map_err(de::Error::custom)
}

/// Durations as seconds.
pub(super) mod seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(in crate::model) fn serialize<S: Serializer>(
        duration: &Duration,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(duration.as_secs_f64())
    }

    pub(in crate::model) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        Duration::try_from_secs_f64(f64::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}
