//! A hash table of words.

use super::list::List;
use super::run::Run;
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry as Slot;
use std::hash::BuildHasher;

/// The number of tables of large totals. 1.6 million words take about 60 MB, and a 64th of that fits into the
/// second-level cache.
pub(super) const SHARDS: usize = 64;

/// A list of words and totals with a hash table over the list. The hash table takes 10 to 20 bytes per word.
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

/// The half of the hash of a word. It distinguishes nearly all words without reading their bytes. The table stores the
/// hash, so that the table grows without hashing words again.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Hash(u32);

/// The hash function. Its seed is fixed, so that the same input always gives the same table.
const HASHER: FixedState = FixedState::with_seed(0);

impl Hash {
    #[inline]
    pub(super) fn of(word: &[u8]) -> Self {
        Hash((HASHER.hash_one(word) >> 32) as u32)
    }

    /// Returns the number of the table, below [`SHARDS`], that contains the word. The table itself uses the low bits
    /// for a slot and the seven highest bits for a tag. So this function uses the bits below the highest seven.
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

    /// The approximate number of bytes in use.
    pub(super) fn size(&self) -> usize {
        self.list.size() + (size_of::<Place>() + 1) * self.places.capacity()
    }

    /// Adds a run whose word has this hash. Returns `true` if the total exceeded `u64`.
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

    /// Returns the index in the list of a word with this hash. Two words rarely have the same hash.
    #[inline]
    pub(super) fn find(&self, hash: Hash) -> Option<u32> {
        self.places.find(hash.spread(), |place| place.hash == hash).map(|place| place.word)
    }

    /// Adds a run to the word at this index of the list, if the words are equal. Returns `true` if the total exceeded
    /// `u64`.
    #[inline]
    pub(super) fn raise(&mut self, place: u32, run: Run) -> Option<bool> {
        (self.list.word(place as usize) == run.word()).then(|| self.list.raise(place as usize, run.count))
    }

    /// Swaps the tables if `other` is larger, because adding the smaller table is faster.
    pub(super) fn keep_larger(&mut self, other: &mut Table) {
        if self.len() < other.len() {
            std::mem::swap(self, other);
        }
    }

    pub(super) fn total(&self, hash: Hash, word: &[u8]) -> Option<u64> {
        let same = |place: &Place| place.hash == hash && self.list.word(place.word as usize) == word;
        Some(self.list.total(self.places.find(hash.spread(), same)?.word as usize))
    }
}
