//! The file -> blocks -> what happened.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use flate2::read::ZlibDecoder;

use super::decoder::{Decoder, Record};
use super::format::{BLOCK_HEADER, Cursor, HEADER, LARGEST_BLOCK, MAGIC, VERSION};
use super::{Beginning, RecordingError};
use crate::engine::Plan;
use crate::kernel::Observed;
use crate::model::Clients;

/// What happened next.
#[derive(Debug)]
pub enum Event<'a> {
    /// A run of the agent began; what it knows from here on it has from here.
    Began(Box<Beginning>),
    /// Another configuration came into force.
    Planned(Box<Plan>),
    /// So many ticks were not recorded, because the disk was too slow.
    Missed(u64),
    /// A tick.
    Tick {
        /// When the counters were read.
        taken: SystemTime,
        /// What they were.
        snapshot: &'a [Observed],
        /// How many clients there were.
        clients: Option<Clients>,
    },
}

/// Reads a recording from its beginning to its end.
#[derive(Debug)]
pub struct Reader {
    blocks: Blocks,
    block: Vec<u8>,
    /// How much of the block was read.
    place: usize,
    /// Where the block begins in the file.
    offset: u64,
    decoder: Decoder,
}

impl Reader {
    /// Opens a file; one that was not written by [`super::Recorder`], or in another version of the format, is an error.
    pub fn open(path: &Path) -> Result<Self, RecordingError> {
        Ok(Self {
            blocks: Blocks::open(path)?,
            block: Vec::new(),
            place: 0,
            offset: HEADER,
            decoder: Decoder::default(),
        })
    }

    /// What happened next; `None` at the end.
    #[allow(
        clippy::should_implement_trait,
        reason = "what it gives borrows from it"
    )]
    pub fn next(&mut self) -> Result<Option<Event<'_>>, RecordingError> {
        loop {
            let mut cursor = Cursor::new(&self.block[self.place..]);
            let record = self.decoder.next(&mut cursor);
            self.place = self.block.len() - cursor.left();
            let record = record.map_err(|what| self.blocks.damaged(self.offset, what.0))?;
            return Ok(Some(match record {
                Some(Record::Begin(beginning)) => Event::Began(beginning),
                Some(Record::Plan(plan)) => Event::Planned(plan),
                Some(Record::Missed(ticks)) => Event::Missed(ticks),
                Some(Record::Tick(taken)) => Event::Tick {
                    taken,
                    snapshot: self.decoder.snapshot(),
                    clients: self.decoder.clients(),
                },
                None => {
                    (self.place, self.offset) = (0, self.blocks.offset());
                    if self.blocks.next(&mut self.block)? {
                        continue;
                    }
                    return Ok(None);
                }
            }));
        }
    }

    /// After the end: how many bytes there belong to a block that was not finished, because the agent or the host ended first.
    pub fn torn(&self) -> u64 {
        self.blocks.length - self.blocks.offset
    }
}

/// Reads the blocks of a file.
#[derive(Debug)]
pub(super) struct Blocks {
    file: BufReader<File>,
    path: PathBuf,
    length: u64,
    /// Where the next block begins; after the end, where the file should end.
    offset: u64,
    packed: Vec<u8>,
}

impl Blocks {
    pub(super) fn open(path: &Path) -> Result<Self, RecordingError> {
        let failed = |source| RecordingError::Io {
            path: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        let mut file = BufReader::new(file);
        let mut magic = [0; MAGIC.len()];
        let mut version = [0; 4];
        let read = file.read_exact(&mut magic);
        if read.is_err() || magic != MAGIC || file.read_exact(&mut version).is_err() {
            return Err(RecordingError::NotARecording {
                path: path.to_owned(),
            });
        }
        let found = u32::from_le_bytes(version);
        if found != VERSION {
            return Err(RecordingError::Version {
                path: path.to_owned(),
                found,
            });
        }
        Ok(Self {
            file,
            path: path.to_owned(),
            length,
            offset: HEADER,
            packed: Vec::new(),
        })
    }

    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    pub(super) fn damaged(&self, offset: u64, what: &str) -> RecordingError {
        RecordingError::Damaged {
            path: self.path.clone(),
            offset,
            what: what.to_owned(),
        }
    }

    /// Passes over a block; only the last one is looked at. `false` at the end.
    pub(super) fn skip(&mut self) -> Result<bool, RecordingError> {
        let Some(header) = self.header()? else {
            return Ok(false);
        };
        if header.end == self.length {
            return self.inflate(header, &mut Vec::new());
        }
        let bytes = i64::from(header.packed);
        self.file
            .seek_relative(bytes)
            .map_err(|error| self.io(error))?;
        self.offset = header.end;
        Ok(true)
    }

    /// Puts the next block into `raw`; `false` at the end.
    pub(super) fn next(&mut self, raw: &mut Vec<u8>) -> Result<bool, RecordingError> {
        raw.clear();
        match self.header()? {
            Some(header) => self.inflate(header, raw),
            None => Ok(false),
        }
    }

    /// The lengths of the block at `offset`; `None` if the file ends before the block does.
    fn header(&mut self) -> Result<Option<Header>, RecordingError> {
        if self.offset + BLOCK_HEADER > self.length {
            return Ok(None);
        }
        let (packed, raw) = (self.length_field()?, self.length_field()?);
        let end = self.offset + BLOCK_HEADER + u64::from(packed);
        // A file system that lost power may have made the file longer and not have written what belongs there.
        if end > self.length || (packed == 0 && raw == 0) {
            return Ok(None);
        }
        Ok(Some(Header { packed, raw, end }))
    }

    fn length_field(&mut self) -> Result<u32, RecordingError> {
        let mut bytes = [0; 4];
        let read = self.file.read_exact(&mut bytes);
        read.map_err(|error| self.io(error))?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn inflate(&mut self, header: Header, raw: &mut Vec<u8>) -> Result<bool, RecordingError> {
        if header.raw > LARGEST_BLOCK || header.packed > LARGEST_BLOCK {
            return Err(self.damaged(self.offset, "a block is larger than any can be"));
        }
        self.packed.resize(header.packed as usize, 0);
        self.file
            .read_exact(&mut self.packed)
            .map_err(|error| RecordingError::Io {
                path: self.path.clone(),
                source: error,
            })?;
        // One byte more than it should have tells a longer one.
        let most = u64::from(header.raw) + 1;
        let read = ZlibDecoder::new(&self.packed[..])
            .take(most)
            .read_to_end(raw);
        let sound = read.is_ok_and(|bytes| bytes == header.raw as usize);
        if !sound && header.end == self.length {
            raw.clear();
            return Ok(false);
        }
        if !sound {
            return Err(self.damaged(self.offset, "a block is not as it was written"));
        }
        self.offset = header.end;
        Ok(true)
    }

    fn io(&self, source: io::Error) -> RecordingError {
        RecordingError::Io {
            path: self.path.clone(),
            source,
        }
    }
}

/// What is in front of a block, and where the block ends.
#[derive(Clone, Copy)]
struct Header {
    packed: u32,
    raw: u32,
    end: u64,
}
