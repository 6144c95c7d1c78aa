//! Any bytes as what is in the blocks of a recording, which is compressed there.

#![no_main]

use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut recording = b"evenkrec\x01\0\0\0".to_vec();
    // Two blocks, so that records go on from one to the other.
    for block in bytes.chunks(bytes.len().div_ceil(2).max(1)) {
        let mut packed = ZlibEncoder::new(Vec::new(), Compression::none());
        // A `Vec` takes whatever is written to it.
        let _ = packed.write_all(block);
        let packed = packed.finish().unwrap_or_default();
        for length in [packed.len(), block.len()] {
            let length = u32::try_from(length).unwrap_or(u32::MAX);
            recording.extend(length.to_le_bytes());
        }
        recording.extend(packed);
    }
    evenkeel_fuzz::recording::replay(&recording);
});
