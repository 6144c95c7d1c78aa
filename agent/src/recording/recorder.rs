//! The thread that writes, and the queue before it: the tick never waits for the disk.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender, TryRecvError};
use std::thread::{self, JoinHandle};
use std::time::SystemTime;

use tracing::{error, info, warn};

use super::writer::{LATEST, Writer, Written};
use super::{Beginning, RecordingError};
use crate::engine::Plan;
use crate::kernel::Observed;
use crate::model::Clients;

/// Ticks that may wait for the disk; further ones are dropped. Each takes the memory of a snapshot.
const QUEUE: usize = 4;

/// What is handed to the thread.
struct Seen {
    /// Ticks before it that found the queue full.
    missed: u64,
    /// The plan that came into force before it.
    plan: Option<Plan>,
    taken: SystemTime,
    snapshot: Vec<Observed>,
    clients: Option<Clients>,
}

/// How much was recorded, to be read at any time.
#[derive(Clone, Debug, Default)]
pub struct RecordingStatistics(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    bytes: AtomicU64,
    dropped_ticks: AtomicU64,
}

/// How much was recorded until now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecordingSample {
    /// Bytes that this run wrote to the file.
    pub bytes: u64,
    /// Ticks that are not in the file, because the disk was too slow.
    pub dropped_ticks: u64,
}

impl RecordingStatistics {
    /// What they are now.
    pub fn sample(&self) -> RecordingSample {
        RecordingSample {
            bytes: self.0.bytes.load(Ordering::Relaxed),
            dropped_ticks: self.0.dropped_ticks.load(Ordering::Relaxed),
        }
    }
}

/// Records what the engine sees. Dropped, it writes what it has and ends.
#[derive(Debug)]
pub struct Recorder {
    /// `None` once recording has ended.
    queue: Option<SyncSender<Seen>>,
    /// Snapshots to be written over.
    spare: Receiver<Vec<Observed>>,
    missed: u64,
    plan: Option<Plan>,
    statistics: RecordingStatistics,
    thread: Option<JoinHandle<()>>,
}

impl Recorder {
    /// Records to a file, which is made, or appended to if it is a recording. Recording ends with a line in the log when the
    /// file has `limit` bytes, or when it cannot be written.
    pub fn start(path: &Path, limit: u64, beginning: &Beginning) -> Result<Self, RecordingError> {
        let failed = |source| RecordingError::Io {
            path: path.to_owned(),
            source,
        };
        let mut writer = Writer::open(path, limit)?;
        writer.begin(beginning).map_err(failed)?;
        let name = path.display().to_string();
        info!(file = name, limit, "recording");
        Self::spawn(writer, name).map_err(failed)
    }

    fn spawn<W: Write + Send + 'static>(writer: Writer<W>, file: String) -> std::io::Result<Self> {
        let (queue, seen) = mpsc::sync_channel(QUEUE);
        let (back, spare) = mpsc::channel();
        for _ in 0..QUEUE {
            // The other end is in this function.
            drop(back.send(Vec::new()));
        }
        let statistics = RecordingStatistics::default();
        let desk = Desk {
            writer,
            back,
            statistics: statistics.clone(),
            file,
        };
        let thread = thread::Builder::new()
            .name("evenkeel-record".to_owned())
            .spawn(move || desk.work(&seen))?;
        Ok(Self {
            queue: Some(queue),
            spare,
            missed: 0,
            plan: None,
            statistics,
            thread: Some(thread),
        })
    }

    /// How much is recorded.
    pub fn statistics(&self) -> RecordingStatistics {
        self.statistics.clone()
    }

    /// Another plan is in force from the next tick on.
    pub fn planned(&mut self, plan: &Plan) {
        self.plan = Some(plan.clone());
    }

    /// A tick. Takes no longer than copying it; if the disk is behind, the tick is dropped, counted, and its place marked.
    pub fn tick(&mut self, taken: SystemTime, snapshot: &[Observed], clients: Option<Clients>) {
        let Some(queue) = &self.queue else { return };
        let mut copy = match self.spare.try_recv() {
            Ok(copy) => copy,
            Err(TryRecvError::Empty) => return self.miss(),
            Err(TryRecvError::Disconnected) => {
                self.queue = None;
                return;
            }
        };
        copy.clear();
        copy.extend_from_slice(snapshot);
        let seen = Seen {
            missed: std::mem::take(&mut self.missed),
            plan: self.plan.take(),
            taken,
            snapshot: copy,
            clients,
        };
        // There are no more snapshots than places in the queue: it can only be that nobody takes them any longer.
        if queue.try_send(seen).is_err() {
            self.queue = None;
        }
    }

    fn miss(&mut self) {
        if self.missed == 0 {
            warn!("the disk is slower than the ticks: ticks are missing in the recording");
        }
        self.missed += 1;
        let dropped = &self.statistics.0.dropped_ticks;
        dropped.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // If it panicked, that is told already.
            drop(thread.join());
        }
    }
}

/// What the thread works with.
struct Desk<W> {
    writer: Writer<W>,
    back: Sender<Vec<Observed>>,
    statistics: RecordingStatistics,
    file: String,
}

/// Whether recording goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    GoOn,
    End,
}

impl<W: Write> Desk<W> {
    fn work(mut self, queue: &Receiver<Seen>) {
        loop {
            let next = match queue.recv_timeout(LATEST) {
                Ok(seen) => self.take(seen),
                Err(RecvTimeoutError::Timeout) => self.flush(),
                Err(RecvTimeoutError::Disconnected) => {
                    self.flush();
                    return;
                }
            };
            if next == Next::End {
                return;
            }
        }
    }

    fn take(&mut self, seen: Seen) -> Next {
        self.writer.missed(seen.missed);
        let planned = seen.plan.map(|plan| self.writer.plan(&plan)).transpose();
        if let Err(error) = planned {
            return self.failed(&error);
        }
        self.writer.tick(seen.taken, &seen.snapshot, seen.clients);
        // Whoever ticks may be gone.
        drop(self.back.send(seen.snapshot));
        if self.writer.is_due() {
            return self.flush();
        }
        Next::GoOn
    }

    fn flush(&mut self) -> Next {
        match self.writer.flush() {
            Ok(Written::Bytes(bytes)) => {
                let written = &self.statistics.0.bytes;
                written.fetch_add(bytes, Ordering::Relaxed);
                Next::GoOn
            }
            Ok(Written::Full) => {
                warn!(
                    file = self.file,
                    "recording ends: the file is as large as --record-limit permits. The agent goes on"
                );
                Next::End
            }
            Err(error) => self.failed(&error),
        }
    }

    fn failed(&self, error: &std::io::Error) -> Next {
        error!(file = self.file, %error, "recording ends: the file cannot be written. The agent goes on");
        Next::End
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Condvar, Mutex};
    use std::time::{Duration, Instant};

    use super::*;
    use crate::engine::Plan;
    use crate::model::{Detection, NetnsCookie};

    /// A disk that writes when it is let.
    #[derive(Clone, Default)]
    struct Disk(Arc<(Mutex<State>, Condvar)>);

    #[derive(Default)]
    struct State {
        open: bool,
        waiting: bool,
        bytes: Vec<u8>,
    }

    impl Disk {
        fn wait(&self, until: impl Fn(&State) -> bool) {
            let (state, changed) = &*self.0;
            let state = state.lock().unwrap();
            let patience = Duration::from_secs(20);
            let (_state, outcome) = changed
                .wait_timeout_while(state, patience, |state| !until(state))
                .unwrap();
            assert!(!outcome.timed_out());
        }

        fn let_write(&self) {
            self.0.0.lock().unwrap().open = true;
            self.0.1.notify_all();
        }
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.0.lock().unwrap().waiting = true;
            self.0.1.notify_all();
            self.wait(|state| state.open);
            self.0.0.lock().unwrap().bytes.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn beginning() -> Beginning {
        Beginning {
            version: "1".to_owned(),
            node: "lb1".to_owned(),
            own: NetnsCookie(1),
            past: Vec::new(),
            plan: Plan {
                interval: Duration::from_secs(1),
                window: Duration::from_secs(60),
                detection: Detection::default(),
                found: Vec::new(),
                pools: Some(Vec::new()),
            },
        }
    }

    #[test]
    fn a_slow_disk_costs_ticks_which_are_counted_but_never_makes_one_wait() {
        let disk = Disk::default();
        let mut writer = Writer::new(disk.clone(), 0, u64::MAX);
        writer.begin(&beginning()).unwrap();
        writer.flush_next();
        let mut recorder = Recorder::spawn(writer, "test".to_owned()).unwrap();
        let statistics = recorder.statistics();
        recorder.tick(SystemTime::UNIX_EPOCH, &[], None);
        disk.wait(|state| state.waiting);
        let began = Instant::now();
        for _ in 0..1000 {
            recorder.tick(SystemTime::UNIX_EPOCH, &[], None);
        }
        assert!(began.elapsed() < Duration::from_secs(1));
        // One is in the block that waits for the disk, and its memory was given back; the queue holds the others.
        let dropped = statistics.sample().dropped_ticks;
        assert_eq!(dropped, 1000 - QUEUE as u64);
        assert_eq!(statistics.sample().bytes, 0);
        disk.let_write();
        wait_until(|| {
            recorder.tick(SystemTime::UNIX_EPOCH, &[], None);
            recorder.missed == 0
        });
        let dropped = statistics.sample().dropped_ticks;
        drop(recorder);

        let bytes = disk.0.0.lock().unwrap().bytes.clone();
        assert_eq!(statistics.sample().bytes, bytes.len() as u64);
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("recording");
        let header = [&b"evenkrec"[..], &1_u32.to_le_bytes()].concat();
        std::fs::write(&file, [header, bytes].concat()).unwrap();
        let mut reader = crate::recording::Reader::open(&file).unwrap();
        let mut missed = 0;
        while let Some(event) = reader.next().unwrap() {
            if let crate::recording::Event::Missed(ticks) = event {
                missed += ticks;
            }
        }
        assert_eq!(missed, dropped);
    }

    fn wait_until(mut done: impl FnMut() -> bool) {
        let began = Instant::now();
        while !done() {
            assert!(began.elapsed() < Duration::from_secs(20));
            thread::yield_now();
        }
    }
}
