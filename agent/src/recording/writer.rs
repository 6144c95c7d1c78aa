//! Records -> blocks -> the file.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::encoder::Encoder;
use super::format::{HEADER, MAGIC, VERSION};
use super::reader::Blocks;
use super::{Beginning, RecordingError};
use crate::engine::Plan;
use crate::kernel::Observed;
use crate::model::Clients;

/// A block is written when it has so many bytes before compression: more would not make it smaller by much.
const FULL: usize = 256 << 10;
/// A block is written at the latest after this time: what a crash can cost.
pub(super) const LATEST: Duration = Duration::from_secs(10);

/// Opens a file to append to it, cutting off a block that was not finished; gives its length too.
fn open(path: &Path) -> Result<(File, u64), RecordingError> {
    let failed = |source| RecordingError::Io {
        path: path.to_owned(),
        source,
    };
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    let mut file = options.open(path).map_err(failed)?;
    if file.metadata().map_err(failed)?.len() == 0 {
        file.write_all(&MAGIC).map_err(failed)?;
        file.write_all(&VERSION.to_le_bytes()).map_err(failed)?;
        return Ok((file, HEADER));
    }
    let mut blocks = Blocks::open(path)?;
    while blocks.skip()? {}
    let end = blocks.offset();
    file.set_len(end).map_err(failed)?;
    file.seek(SeekFrom::Start(end)).map_err(failed)?;
    Ok((file, end))
}

/// What became of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// It is in the file, with so many bytes.
    Bytes(u64),
    /// It would have made the file larger than it may be, and is not in it.
    Full,
}

/// Collects records and writes them as blocks; what was not flushed when it is dropped is lost.
#[derive(Debug)]
pub struct Writer<W = File> {
    out: W,
    size: u64,
    limit: u64,
    encoder: Encoder,
    raw: Vec<u8>,
    packed: Vec<u8>,
    flushed: Instant,
}

impl Writer<File> {
    /// A writer to a file, which is made, or appended to if it is a recording; at most until it has `limit` bytes.
    pub fn open(path: &Path, limit: u64) -> Result<Self, RecordingError> {
        let (file, size) = open(path)?;
        Ok(Self::new(file, size, limit))
    }
}

impl<W: Write> Writer<W> {
    /// A writer to a file that has `size` bytes and may have `limit`.
    pub(super) fn new(out: W, size: u64, limit: u64) -> Self {
        Self {
            out,
            size,
            limit,
            encoder: Encoder::default(),
            raw: Vec::new(),
            packed: Vec::new(),
            flushed: Instant::now(),
        }
    }

    /// A run begins. It must come before anything else.
    pub fn begin(&mut self, beginning: &Beginning) -> io::Result<()> {
        Ok(self.encoder.begin(beginning, &mut self.raw)?)
    }

    /// Another plan is in force.
    pub fn plan(&mut self, plan: &Plan) -> io::Result<()> {
        Ok(self.encoder.plan(plan, &mut self.raw)?)
    }

    /// So many ticks are missing here.
    pub fn missed(&mut self, ticks: u64) {
        if ticks > 0 {
            Encoder::missed(ticks, &mut self.raw);
        }
    }

    /// A tick.
    pub fn tick(&mut self, taken: SystemTime, snapshot: &[Observed], clients: Option<Clients>) {
        self.encoder.clients(clients, &mut self.raw);
        self.encoder.tick(taken, snapshot, &mut self.raw);
    }

    /// Whether it is time for [`Writer::flush`].
    pub fn is_due(&self) -> bool {
        self.raw.len() >= FULL || self.flushed.elapsed() >= LATEST
    }

    /// Makes the next tick the last of its block.
    #[cfg(test)]
    pub(super) fn flush_next(&mut self) {
        self.flushed = self.flushed.checked_sub(LATEST).unwrap_or(self.flushed);
    }

    /// Writes what was collected as one block, in one piece.
    pub fn flush(&mut self) -> io::Result<Written> {
        self.flushed = Instant::now();
        if self.raw.is_empty() {
            return Ok(Written::Bytes(0));
        }
        self.packed.clear();
        self.packed.extend_from_slice(&[0; 8]);
        let mut zlib = ZlibEncoder::new(&mut self.packed, Compression::fast());
        zlib.write_all(&self.raw)?;
        zlib.finish()?;
        let (packed, raw) = (length(self.packed.len() - 8)?, length(self.raw.len())?);
        self.packed[..4].copy_from_slice(&packed.to_le_bytes());
        self.packed[4..8].copy_from_slice(&raw.to_le_bytes());
        self.raw.clear();
        let bytes = self.packed.len() as u64;
        if self.size + bytes > self.limit {
            return Ok(Written::Full);
        }
        self.out.write_all(&self.packed)?;
        self.size += bytes;
        Ok(Written::Bytes(bytes))
    }
}

fn length(bytes: usize) -> io::Result<u32> {
    u32::try_from(bytes).map_err(io::Error::other)
}
