//! Words found by their hash.

use super::list::List;
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry as Slot;
use std::hash::BuildHasher;

/// How many tables a large total is spread over. 1.6 million words are 70 MB, and the 64th part of them fits into the
/// second-level cache.
pub(super) const SHARDS: usize = 64;

/// Words and totals, with a table that finds a word: 10 to 20 bytes a word more than a list.
#[derive(Clone, Default)]
pub(super) struct Table {
    list: List,
    places: HashTable<Place>,
}

#[derive(Clone, Copy)]
struct Place {
    hash: Hash,
    word: u32,
}

/// Half of a word's hash: enough to tell nearly all words apart without a look at their letters. It is kept, so that
/// tables grow and are added up without hashing a word again.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Hash(u32);

/// Fixed, so that the same input gives the same table every time.
const HASHER: FixedState = FixedState::with_seed(0);

impl Hash {
    #[inline]
    pub(super) fn of(word: &[u8]) -> Self {
        Hash((HASHER.hash_one(word) >> 32) as u32)
    }

    /// Which of [`SHARDS`] tables the word is in. The table itself takes a word's place from the low bits and a tag from
    /// the seven highest, so this takes those below the highest.
    #[inline]
    pub(super) fn shard(self) -> usize {
        (self.0 >> 19) as usize % SHARDS
    }

    #[inline]
    fn spread(self) -> u64 {
        u64::from(self.0) << 32 | u64::from(self.0)
    }
}

impl Place {
    fn spread(&self) -> u64 {
        self.hash.spread()
    }
}

impl Table {
    pub(super) fn list(&self) -> &List {
        &self.list
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// Bytes in use, about.
    pub(super) fn bytes(&self) -> usize {
        self.list.bytes() + (size_of::<Place>() + 1) * self.places.capacity()
    }

    /// Adds to the total of a word with this hash; whether that went beyond `u64`.
    #[inline]
    pub(super) fn add(&mut self, hash: Hash, word: &[u8], count: u64) -> bool {
        let Table { list, places } = self;
        let same = |place: &Place| place.hash == hash && list.word(place.word as usize) == word;
        match places.entry(hash.spread(), same, Place::spread) {
            Slot::Occupied(slot) => list.raise(slot.get().word as usize, count),
            Slot::Vacant(slot) => {
                let word_number = u32::try_from(list.len()).expect("fewer than 2^32 distinct words fit into memory");
                slot.insert(Place { hash, word: word_number });
                list.push(word, count);
                false
            }
        }
    }

    /// Words, their hashes and totals.
    pub(super) fn hashed(&self) -> impl Iterator<Item = (Hash, &[u8], u64)> {
        self.places.iter().map(|place| {
            let number = place.word as usize;
            (place.hash, self.list.word(number), self.list.total(number))
        })
    }

    /// Adds all totals of `other`; whether one went beyond `u64`.
    pub(super) fn absorb(&mut self, mut other: Table) -> bool {
        // The fewer words are looked for among the more.
        if self.len() < other.len() {
            std::mem::swap(self, &mut other);
        }
        other.hashed().fold(false, |overflowed, (hash, word, count)| self.add(hash, word, count) | overflowed)
    }

    pub(super) fn total(&self, hash: Hash, word: &[u8]) -> Option<u64> {
        let same = |place: &Place| place.hash == hash && self.list.word(place.word as usize) == word;
        Some(self.list.total(self.places.find(hash.spread(), same)?.word as usize))
    }
}
