//! The hash by which texts are told apart without being kept.

/// The offset basis of 64-bit FNV-1a.
pub(crate) const FNV: u64 = 0xCBF2_9CE4_8422_2325;

/// 64-bit FNV-1a, carried on from `hash`.
pub(crate) fn fnv(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3)
    })
}
