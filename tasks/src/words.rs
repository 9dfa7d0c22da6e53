//! Totals per word: what MapReduce's map yields and its reduce adds up.

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry as Slot;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::hash::BuildHasher;

/// A total per distinct word. Words are bytes: a 1-gram file may hold any.
///
/// The words lie one behind the other in one buffer, so that a new word costs no allocation of its own. 45 bytes a word
/// and its letters, by the sizes of the types.
#[derive(Clone, Default)]
pub struct WordTotals {
    letters: Vec<u8>,
    words: Vec<Word>,
    /// Places in `words`, found by hash.
    table: HashTable<u32>,
    overflowed: bool,
}

#[derive(Clone, Copy)]
struct Word {
    start: usize,
    length: u32,
    total: u64,
    /// Kept, so that growing the table and reducing never hash a word again.
    hash: u64,
}

/// Fixed, so that a word has the same hash in every partial.
const HASHER: FixedState = FixedState::with_seed(0);

impl WordTotals {
    /// Adds `count` to the total of `word`.
    #[inline]
    pub fn add(&mut self, word: &[u8], count: u64) {
        let hash = HASHER.hash_one(word);
        self.add_hashed(word, count, hash);
    }

    #[inline]
    fn add_hashed(&mut self, word: &[u8], count: u64, hash: u64) {
        let WordTotals { letters, words, table, overflowed } = self;
        let same = |place: &u32| {
            let known = &words[*place as usize];
            known.hash == hash && &letters[known.start..known.start + known.length as usize] == word
        };
        match table.entry(hash, same, |place| words[*place as usize].hash) {
            Slot::Occupied(slot) => {
                let total = &mut words[*slot.get() as usize].total;
                let (sum, over) = total.overflowing_add(count);
                *total = sum;
                *overflowed |= over;
            }
            Slot::Vacant(slot) => {
                slot.insert(u32::try_from(words.len()).expect("fewer than 2^32 distinct words fit into memory"));
                let start = letters.len();
                letters.extend_from_slice(word);
                let length = u32::try_from(word.len()).expect("a word is shorter than 4 GiB");
                words.push(Word { start, length, total: count, hash });
            }
        }
    }

    /// Adds all of `other`'s totals.
    pub fn absorb(&mut self, other: WordTotals) {
        if self.words.is_empty() {
            let overflowed = self.overflowed;
            *self = other;
            self.overflowed |= overflowed;
            return;
        }
        for word in &other.words {
            self.add_hashed(other.letters_of(word), word.total, word.hash);
        }
        self.overflowed |= other.overflowed;
    }

    fn letters_of(&self, word: &Word) -> &[u8] {
        &self.letters[word.start..word.start + word.length as usize]
    }

    /// Whether some word's total went beyond `u64`; the totals are then worthless.
    pub fn overflowed(&self) -> bool {
        self.overflowed
    }

    /// How many distinct words there are.
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Whether there is no word.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// The total of one word.
    pub fn total(&self, word: &[u8]) -> Option<u64> {
        let hash = HASHER.hash_one(word);
        let place = self.table.find(hash, |place| self.letters_of(&self.words[*place as usize]) == word)?;
        Some(self.words[*place as usize].total)
    }

    /// Words and totals, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], u64)> {
        self.words.iter().map(|word| (self.letters_of(word), word.total))
    }

    /// Words and totals, sorted by the words' bytes.
    pub fn sorted(&self) -> Vec<(&[u8], u64)> {
        let mut sorted: Vec<_> = self.iter().collect();
        sorted.sort_unstable();
        sorted
    }
}

/// On the wire: the letters, then each word's length and total.
impl Serialize for WordTotals {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let words: Vec<(u32, u64)> = self.words.iter().map(|word| (word.length, word.total)).collect();
        (serde_bytes::Bytes::new(&self.letters), words, self.overflowed).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for WordTotals {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (letters, words, overflowed) = <(serde_bytes::ByteBuf, Vec<(u32, u64)>, bool)>::deserialize(deserializer)?;
        let mut totals = WordTotals { overflowed, ..WordTotals::default() };
        let mut rest = &letters[..];
        for (length, total) in words {
            let Some((word, after)) = rest.split_at_checked(length as usize) else {
                return Err(serde::de::Error::custom("a word is longer than the letters that are left"));
            };
            totals.add(word, total);
            rest = after;
        }
        if rest.is_empty() { Ok(totals) } else { Err(serde::de::Error::custom("letters that belong to no word")) }
    }
}
