//! Hashes of texts, under random keys that nobody else knows.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

/// Two random keys.
pub(super) struct Hasher([u64; 2]);

impl Hasher {
    /// A pair with random keys of its own.
    pub(super) fn new() -> Self {
        let random = RandomState::new();
        // An even key would lose bits, and 0 would lose all of them.
        Self([0u64, 1].map(|key| random.hash_one(key) | 1))
    }

    /// Takes sixteen bytes a step, by two multiplications under random keys. Contents
    /// are compared by these hashes and never looked up by them, so somebody who
    /// chooses the contents gains nothing.
    #[inline]
    pub(super) fn hash(&self, seed: u64, text: &[u8]) -> u64 {
        let [one, two] = self.0;
        let fold = |a: u64, b: u64| {
            let wide = u128::from(a) * u128::from(b);
            wide as u64 ^ (wide >> 64) as u64
        };
        let mut state = fold(seed ^ one, two ^ text.len() as u64);
        let (words, rest) = text.as_chunks::<16>();
        let mut step = |sixteen: &[u8; 16]| {
            let wide = u128::from_le_bytes(*sixteen);
            state = fold(wide as u64 ^ one ^ state, (wide >> 64) as u64 ^ two)
                .wrapping_add(state.rotate_left(23));
        };
        words.iter().for_each(&mut step);
        if !rest.is_empty() {
            let mut last = [0; 16];
            last[..rest.len()].copy_from_slice(rest);
            step(&last);
        }
        fold(state ^ two, one)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_differ_in_a_byte_their_length_or_their_order_have_other_numbers() {
        let hasher = Hasher::new();
        let mut texts: Vec<Vec<u8>> = Vec::new();
        for length in 0..70 {
            texts.push(vec![0; length]);
            texts.push(vec![b'a'; length]);
            for at in 0..length {
                let mut text = vec![b'a'; length];
                text[at] = b'b';
                texts.push(text);
            }
        }
        // Some of the texts are there twice.
        texts.sort_unstable();
        texts.dedup();
        let mut numbers: Vec<u64> = texts.iter().map(|text| hasher.hash(7, text)).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), texts.len());
        assert_ne!(hasher.hash(7, b"a"), hasher.hash(6, b"a"));
        assert_eq!(hasher.hash(7, b"a"), hasher.hash(7, b"a"));
    }
}
