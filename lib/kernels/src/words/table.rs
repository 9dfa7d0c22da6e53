//! Words found by their hash.

use super::Run;
use super::list::List;
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry as Slot;
use std::hash::BuildHasher;

/// How many tables a large total is spread over. 1.6 million words are some 60 MB, and the 64th part of them fits into the
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
/// tables grow without hashing a word again.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
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

    /// Adds a run whose word has this hash; whether a total went beyond `u64`.
    #[inline]
    pub(super) fn add(&mut self, hash: Hash, run: Run) -> bool {
        let Table { list, places } = self;
        let same = |place: &Place| place.hash == hash && list.word(place.word as usize) == run.word();
        match places.entry(hash.spread(), same, Place::spread) {
            Slot::Occupied(slot) => list.raise(slot.get().word as usize, run.count),
            Slot::Vacant(slot) => {
                let word = u32::try_from(list.len()).expect("fewer than 2^32 distinct words fit into memory");
                slot.insert(Place { hash, word });
                list.push(run);
                false
            }
        }
    }

    /// Where in the list a word with this hash is. It is the only one but once in very many times.
    #[inline]
    pub(super) fn find(&self, hash: Hash) -> Option<u32> {
        self.places.find(hash.spread(), |place| place.hash == hash).map(|place| place.word)
    }

    /// Adds a run to the word at a place of the list, if it is this one: whether its total went beyond `u64`.
    #[inline]
    pub(super) fn raise(&mut self, place: u32, run: Run) -> Option<bool> {
        (self.list.word(place as usize) == run.word()).then(|| self.list.raise(place as usize, run.count))
    }

    /// Keeps the more words of two tables: the fewer are then looked for among them.
    pub(super) fn keep_more(&mut self, other: &mut Table) {
        if self.len() < other.len() {
            std::mem::swap(self, other);
        }
    }

    pub(super) fn total(&self, hash: Hash, word: &[u8]) -> Option<u64> {
        let same = |place: &Place| place.hash == hash && self.list.word(place.word as usize) == word;
        Some(self.list.total(self.places.find(hash.spread(), same)?.word as usize))
    }
}
