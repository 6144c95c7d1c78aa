//! The file: what is written is read, whatever happened to its end.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use evenkeel::kernel::Observed;
use evenkeel::model::{Clients, Counters, Endpoint, NetnsCookie, Role};
use evenkeel::recording::{Beginning, Event, Reader, Recorder, RecordingError, Writer, Written};
use proptest::collection::vec;
use proptest::prelude::*;
use tempfile::tempdir;

use crate::traffic::{EVEN, Live, OWN, plan, pool};

/// A tick as it was.
type Tick = (SystemTime, Vec<Observed>);

/// All ticks of a file.
fn ticks(file: &Path) -> Result<Vec<Tick>, RecordingError> {
    let mut reader = Reader::open(file)?;
    let mut ticks = Vec::new();
    while let Some(event) = reader.next()? {
        if let Event::Tick {
            taken, snapshot, ..
        } = event
        {
            ticks.push((taken, sorted(snapshot.to_vec())));
        }
    }
    Ok(ticks)
}

fn sorted(mut snapshot: Vec<Observed>) -> Vec<Observed> {
    snapshot.sort_by_key(|observed| observed.endpoint);
    snapshot
}

fn beginning() -> Beginning {
    Beginning {
        version: "0.1.0".to_owned(),
        node: "lb1".to_owned(),
        own: OWN,
        past: Vec::new(),
        plan: plan(Some(vec![pool("shop", 1..=4)])),
    }
}

fn endpoint() -> impl Strategy<Value = Endpoint> {
    let address = prop_oneof![
        (0..4_u8).prop_map(|n| [192, 0, 2, n].into()),
        (0..2_u16).prop_map(|n| [0x2001, 0xdb8, 0, 0, 0, 0, 0, n].into()),
        Just([127, 0, 0, 1].into()),
    ];
    let role = prop_oneof![Just(Role::Upstream), Just(Role::Local)];
    (role, address, 80..83_u16, 1..3_u64).prop_map(
        |(role, ip, port, netns): (_, std::net::IpAddr, _, _)| {
            Endpoint::new(role, (ip, port).into(), NetnsCookie(netns))
        },
    )
}

/// Counters may be anything: they can be reset from outside.
fn observed() -> impl Strategy<Value = Observed> {
    let number = || prop_oneof![0..3_u64, any::<u64>()];
    (
        endpoint(),
        [
            number(),
            number(),
            number(),
            number(),
            number(),
            number(),
            number(),
        ],
    )
        .prop_map(
            |(endpoint, [opened, failed, closed, received, sent, retransmits, active])| Observed {
                endpoint,
                counters: Counters {
                    opened,
                    failed,
                    closed,
                    received,
                    sent,
                    retransmits,
                    ..Counters::default()
                },
                active,
            },
        )
}

fn snapshot() -> impl Strategy<Value = Vec<Observed>> {
    vec(observed(), 0..12).prop_map(|snapshot| {
        let mut snapshot = sorted(snapshot);
        snapshot.dedup_by_key(|observed| observed.endpoint);
        snapshot
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_read(
        snapshots in vec((snapshot(), 0..5_000_000_000_u64, 0..3_u64, any::<bool>()), 0..20),
    ) {
        let directory = tempdir().unwrap();
        let file = directory.path().join("recording");
        let mut writer = Writer::open(&file, u64::MAX).unwrap();
        writer.begin(&beginning()).unwrap();
        let mut time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let mut written = Vec::new();
        for (snapshot, pause, missed, flush) in snapshots {
            time += Duration::from_nanos(pause);
            writer.missed(missed);
            let clients = (missed > 0).then(|| Clients {
                effective: 1.0 + pause as f64 / 3.0,
                connections: 20 + missed,
            });
            writer.tick(time, &snapshot, clients);
            written.push((missed, time, snapshot, clients));
            if flush {
                writer.flush().unwrap();
            }
        }
        writer.flush().unwrap();
        let mut reader = Reader::open(&file).unwrap();
        let Some(Event::Began(began)) = reader.next().unwrap() else {
            panic!("no beginning");
        };
        prop_assert_eq!(*began, beginning());
        let (mut read, mut missing) = (Vec::new(), 0);
        while let Some(event) = reader.next().unwrap() {
            match event {
                Event::Missed(ticks) => missing = ticks,
                Event::Tick { taken, snapshot, clients } => {
                    let snapshot = sorted(snapshot.to_vec());
                    read.push((std::mem::take(&mut missing), taken, snapshot, clients));
                }
                other => panic!("{other:?}"),
            }
        }
        prop_assert_eq!(read, written);
        prop_assert_eq!(reader.torn(), 0);
    }

    /// Bytes of any kind are an error or a shorter recording, never a panic.
    #[test]
    fn no_file_makes_the_reader_panic(place in 0..2000_usize, value: u8, cut in 0..2000_usize) {
        let directory = tempdir().unwrap();
        let file = directory.path().join("recording");
        recorded(&file, 5);
        let mut bytes = fs::read(&file).unwrap();
        let place = place % bytes.len();
        bytes[place] = value;
        bytes.truncate(bytes.len() - cut % bytes.len());
        fs::write(&file, bytes).unwrap();
        drop(ticks(&file));
    }
}

/// A recording of so many blocks of ten ticks.
fn recorded(file: &Path, blocks: u64) {
    let mut live = Live::begin(file, plan(Some(vec![pool("shop", 1..=4)])), Vec::new());
    for _ in 0..blocks {
        live.run(10, 50, 1, &EVEN);
        live.flush();
    }
}

#[test]
fn a_block_that_was_not_finished_is_left_out_and_recording_goes_on_before_it() {
    let directory = tempdir().unwrap();
    let file = directory.path().join("recording");
    recorded(&file, 2);
    let two = fs::metadata(&file).unwrap().len();
    fs::remove_file(&file).unwrap();
    recorded(&file, 3);
    let whole = fs::read(&file).unwrap();
    for length in two..whole.len() as u64 {
        let cut = usize::try_from(length).unwrap();
        fs::write(&file, &whole[..cut]).unwrap();
        let mut reader = Reader::open(&file).unwrap();
        while reader.next().unwrap().is_some() {}
        assert_eq!(reader.torn(), length - two);
        assert_eq!(ticks(&file).unwrap().len(), 20, "{length}");
    }
    // What a file system may leave of a block after power was lost.
    for damage in [
        vec![0; 5000],
        [
            &whole[usize::try_from(two).unwrap()..whole.len() - 4],
            &[0; 4],
        ]
        .concat(),
    ] {
        let before = &whole[..usize::try_from(two).unwrap()];
        fs::write(&file, [before, &damage].concat()).unwrap();
        assert_eq!(ticks(&file).unwrap().len(), 20);
        recorded(&file, 1);
        assert_eq!(ticks(&file).unwrap().len(), 30);
    }
}

#[test]
fn a_damaged_block_in_the_middle_is_refused_with_its_place() {
    let directory = tempdir().unwrap();
    let file = directory.path().join("recording");
    recorded(&file, 1);
    let second = fs::metadata(&file).unwrap().len();
    recorded(&file, 2);
    let mut bytes = fs::read(&file).unwrap();
    bytes[usize::try_from(second).unwrap() + 20] ^= 0xff;
    fs::write(&file, &bytes).unwrap();
    let error = ticks(&file).unwrap_err().to_string();
    assert!(error.contains(&format!("byte {second}")), "{error}");
    assert!(error.contains(&file.display().to_string()), "{error}");
}

#[test]
fn other_files_and_other_versions_are_refused_and_not_written_to() {
    let directory = tempdir().unwrap();
    let file = directory.path().join("recording");
    let version_7 = [&b"evenkrec"[..], &7_u32.to_le_bytes()].concat();
    for (content, word) in [
        (b"GIF89a and more".to_vec(), "no recording"),
        (version_7, "format 7"),
    ] {
        fs::write(&file, &content).unwrap();
        let read = ticks(&file).unwrap_err().to_string();
        assert!(read.contains(word), "{read}");
        let written = Recorder::start(&file, 1 << 20, &beginning()).unwrap_err();
        assert_eq!(written.to_string(), read);
        assert_eq!(fs::read(&file).unwrap(), content);
    }
}

#[test]
fn a_file_gets_no_larger_than_it_may() {
    let directory = tempdir().unwrap();
    let file = directory.path().join("recording");
    let mut live = Live::begin(&file, plan(Some(vec![pool("shop", 1..=4)])), Vec::new());
    live.writer = Writer::open(&file, 4000).unwrap();
    live.writer.begin(&beginning()).unwrap();
    let mut written = 0;
    loop {
        live.run(10, 50, 1, &EVEN);
        match live.writer.flush().unwrap() {
            Written::Bytes(_) => written += 10,
            Written::Full => break,
        }
    }
    assert!(written > 0);
    assert!(fs::metadata(&file).unwrap().len() <= 4000);
    assert_eq!(ticks(&file).unwrap().len(), written);
}
