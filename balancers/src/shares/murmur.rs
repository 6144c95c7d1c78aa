//! `MurmurHash2` of 64 bits, variant A, as in `libstdc++`.

/// The seed that Envoy uses (`MurmurHash::STD_HASH_SEED` in `source/common/common/hash.h`).
const SEED: u64 = 0xc70f_6907;
const FACTOR: u64 = 0xc6a4_a793_5bd1_e995;

/// The hash of bytes with Envoy's seed.
pub fn murmur2(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut hash = SEED ^ (bytes.len() as u64).wrapping_mul(FACTOR);
    for word in words {
        let mixed = shift(u64::from_le_bytes(*word).wrapping_mul(FACTOR)).wrapping_mul(FACTOR);
        hash = (hash ^ mixed).wrapping_mul(FACTOR);
    }
    if !rest.is_empty() {
        let tail = rest
            .iter()
            .rev()
            .fold(0, |tail, byte| tail << 8 | u64::from(*byte));
        hash = (hash ^ tail).wrapping_mul(FACTOR);
    }
    shift(shift(hash).wrapping_mul(FACTOR))
}

const fn shift(hash: u64) -> u64 {
    hash ^ (hash >> 47)
}
