//! Replays files.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::UsageError;
use crate::backtest::Replay;
use crate::recording::{Event, Reader};

/// A file whose last block was not finished.
#[derive(Debug)]
pub(super) struct Torn {
    pub(super) file: PathBuf,
    pub(super) bytes: u64,
}

/// Replays files in the order of time, whatever order they are named in.
pub(super) fn replay(files: &[PathBuf], replay: &mut Replay) -> Result<Vec<Torn>, UsageError> {
    let mut dated = Vec::new();
    for file in files {
        dated.push((first_tick(file)?, file));
    }
    dated.sort();
    let mut torn = Vec::new();
    let mut ends = HashMap::new();
    for (_, file) in dated {
        let bytes = replay_one(file, replay, &mut ends)?;
        if bytes > 0 {
            torn.push(Torn {
                file: file.clone(),
                bytes,
            });
        }
    }
    Ok(torn)
}

/// When a recording begins.
fn first_tick(file: &Path) -> Result<Option<SystemTime>, UsageError> {
    let mut reader = Reader::open(file)?;
    while let Some(event) = reader.next()? {
        if let Event::Tick { taken, .. } = event {
            return Ok(Some(taken));
        }
    }
    Ok(None)
}

/// `ends` holds the file in which each agent was last, and until when. Gives the bytes of a block that was not finished.
fn replay_one(
    file: &Path,
    replay: &mut Replay,
    ends: &mut HashMap<String, (SystemTime, PathBuf)>,
) -> Result<u64, UsageError> {
    let mut reader = Reader::open(file)?;
    let (mut agent, mut last) = (String::new(), None);
    while let Some(event) = reader.next()? {
        match &event {
            Event::Began(beginning) => agent.clone_from(&beginning.node),
            Event::Tick { taken, .. } => {
                if last.is_none()
                    && let Some((end, other)) = ends.get(&agent)
                    && taken <= end
                {
                    return Err(overlap(file, other, &agent));
                }
                last = Some(*taken);
            }
            Event::Planned(_) | Event::Missed(_) => {}
        }
        replay.take(&agent, event)?;
    }
    if let Some(last) = last {
        ends.insert(agent, (last, file.to_owned()));
    }
    Ok(reader.torn())
}

fn overlap(file: &Path, other: &Path, agent: &str) -> UsageError {
    UsageError::Other(format!(
        "{} begins before {} ends, and both are of {agent}: name each recording once",
        file.display(),
        other.display()
    ))
}
