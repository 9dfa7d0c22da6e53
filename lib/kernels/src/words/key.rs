//! The begin of a word as a number, so that two words are compared without a question how long they are.

use super::Run;

/// A word's first 32 letters, the first of them the highest, with zeros behind a shorter word. As these numbers are
/// ordered, so are the words; words with the same number may differ.
#[derive(Clone, Copy)]
pub(super) struct Key {
    high: u128,
    low: u128,
}

/// Bytes that keep letters, and bytes that clear what is behind them.
const KEPT: [u8; 64] = {
    let mut bytes = [0; 64];
    let mut place = 0;
    while place < 32 {
        bytes[place] = 0xff;
        place += 1;
    }
    bytes
};

/// The key of no word yet: none is behind it.
impl Default for Key {
    fn default() -> Self {
        Key { high: u128::MAX, low: u128::MAX }
    }
}

impl Key {
    /// The key of a run's word.
    #[inline]
    pub(super) fn of(run: Run) -> Self {
        let kept = KEPT[32 - run.letters.min(32)..].first_chunk::<32>().expect("32 bytes from any of the first 33");
        match run.text.first_chunk::<32>() {
            Some(bytes) => Key { high: half(bytes, 0) & half(kept, 0), low: half(bytes, 16) & half(kept, 16) },
            None => Key::of_end(run.word()),
        }
    }

    /// The key of a word behind which the text ends soon.
    #[cold]
    fn of_end(word: &[u8]) -> Self {
        let mut bytes = [0; 32];
        bytes[..word.len()].copy_from_slice(word);
        Key { high: half(&bytes, 0), low: half(&bytes, 16) }
    }

    /// Whether it is larger, found without a branch.
    #[inline]
    pub(super) fn is_behind(self, other: Key) -> bool {
        (self.high > other.high) | ((self.high == other.high) & (self.low > other.low))
    }
}

#[inline]
fn half(bytes: &[u8; 32], from: usize) -> u128 {
    let half = bytes[from..].first_chunk().expect("16 bytes from either of two places");
    u128::from_be_bytes(*half)
}
