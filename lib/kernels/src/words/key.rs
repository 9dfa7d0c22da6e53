//! The first bytes of a word as a number, so that comparing two words needs no branch on their lengths.

use super::run::Run;

/// A word's first 32 bytes as a big-endian number, with zeros after a shorter word.
///
/// Keys have the order of their words, but different words can have the same key.
#[derive(Clone, Copy)]
pub(super) struct Key {
    high: u128,
    low: u128,
}

/// A sliding mask: 32 bytes that keep a byte of the word, then 32 that clear a byte after the word.
const KEPT: [u8; 64] = {
    let mut bytes = [0; 64];
    let mut place = 0;
    while place < 32 {
        bytes[place] = 0xff;
        place += 1;
    }
    bytes
};

/// The default is the largest key.
impl Default for Key {
    fn default() -> Self {
        Key { high: u128::MAX, low: u128::MAX }
    }
}

impl Key {
    /// Returns the key of the word of a run.
    #[inline]
    pub(super) fn of(run: Run) -> Self {
        let kept = KEPT[32 - run.len.min(32)..].first_chunk::<32>().expect("32 bytes from any of the first 33");
        match run.text.first_chunk::<32>() {
            Some(bytes) => Key { high: half(bytes, 0) & half(kept, 0), low: half(bytes, 16) & half(kept, 16) },
            None => Key::of_end(run.word()),
        }
    }

    /// Returns the key of a word if the text has fewer than 32 bytes.
    #[cold]
    fn of_end(word: &[u8]) -> Self {
        let mut bytes = [0; 32];
        bytes[..word.len()].copy_from_slice(word);
        Key { high: half(&bytes, 0), low: half(&bytes, 16) }
    }

    /// Returns `true` if this key is greater than `other`. Computed without a branch.
    #[inline]
    pub(super) fn is_after(self, other: Key) -> bool {
        (self.high > other.high) | ((self.high == other.high) & (self.low > other.low))
    }
}

#[inline]
fn half(bytes: &[u8; 32], from: usize) -> u128 {
    let half = bytes[from..].first_chunk().expect("16 bytes from either of two places");
    u128::from_be_bytes(*half)
}
