//! Word totals in hash tables: one table for few words, many tables for more.

use super::run::Run;
use super::table::{Hash, SHARDS, Table};

/// The number of words above which one table becomes [`SHARDS`] tables.
const ONE_TABLE: usize = 1024;

/// The number of words that are looked up together. Half and twice this number took the same time.
const TOGETHER: usize = 32;

/// One table, or [`SHARDS`] of them. A word's hash selects its table.
#[derive(Clone)]
pub(super) struct Tables {
    tables: Vec<Table>,
    /// `true` if the total of a word exceeded `u64`.
    pub(super) overflowed: bool,
}

/// A word whose lookup is in progress.
#[derive(Clone, Copy, Default)]
struct Sought<'a> {
    run: Run<'a>,
    hash: Hash,
    /// The index of the word in the list of its table; `None` if the word is new.
    place: Option<u32>,
}

impl Tables {
    /// Makes empty tables: one, or [`SHARDS`] if there are many `words`.
    pub(super) fn for_words(words: usize, overflowed: bool) -> Self {
        Tables { tables: vec![Table::default(); if words > ONE_TABLE { SHARDS } else { 1 }], overflowed }
    }

    /// Returns the number of tables: one or [`SHARDS`].
    pub(super) fn number(&self) -> usize {
        self.tables.len()
    }

    /// The number of words.
    pub(super) fn len(&self) -> usize {
        self.tables.iter().map(Table::len).sum()
    }

    /// Returns `true` if there is no word.
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The sum of all totals.
    pub(super) fn occurrences(&self) -> u128 {
        self.iter().map(|(_, total)| u128::from(total)).sum()
    }

    /// The approximate number of bytes in use.
    pub(super) fn size(&self) -> usize {
        self.tables.iter().map(Table::size).sum()
    }

    /// Iterates over words and totals in no particular order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u8], u64)> {
        self.tables.iter().flat_map(|table| table.list().iter())
    }

    /// The total of one word.
    pub(super) fn total(&self, word: &[u8]) -> Option<u64> {
        let hash = Hash::of(word);
        self.tables[self.shard(hash)].total(hash, word)
    }

    /// Returns the number of the table for a hash. The number of tables is a power of two, so a mask replaces a branch.
    #[inline]
    fn shard(&self, hash: Hash) -> usize {
        hash.shard() & (self.tables.len() - 1)
    }

    /// Adds a run.
    #[inline]
    pub(super) fn add(&mut self, run: Run) {
        self.add_hashed(Hash::of(run.word()), run);
    }

    #[inline]
    fn add_hashed(&mut self, hash: Hash, run: Run) {
        let shard = self.shard(hash);
        let table = &mut self.tables[shard];
        self.overflowed |= table.add(hash, run);
        if table.len() > ONE_TABLE && self.tables.len() == 1 {
            self.spread();
        }
    }

    /// Adds runs, many at a time.
    ///
    /// A lookup in a large table reads three places in memory: the slot of the hash, the entry with end and total, and
    /// the bytes of the word. Each address is known only after the read before it, and none is in a cache. Separate
    /// lookups would wait three times per word. Therefore all words take the first step, then all take the next. The
    /// processor then waits for many words at once.
    pub(super) fn add_all<'a>(&mut self, mut runs: impl Iterator<Item = Run<'a>>) {
        while self.number() < SHARDS {
            let Some(run) = runs.next() else { return };
            self.add(run);
        }
        let mut together = [Sought::default(); TOGETHER];
        loop {
            let mut number = 0;
            for (sought, run) in together.iter_mut().zip(runs.by_ref()) {
                *sought = Sought { run, hash: Hash::of(run.word()), place: None };
                number += 1;
            }
            self.add_together(&mut together[..number]);
            if number < TOGETHER {
                return;
            }
        }
    }

    /// Performs the steps of [`Tables::add_all`] over many tables.
    fn add_together(&mut self, together: &mut [Sought]) {
        for Sought { hash, place, .. } in together.iter_mut() {
            // This step needs no prefetch, because the processor begins the next lookup before the last one has
            // finished.
            *place = self.tables[hash.shard()].find(*hash);
        }
        for (hash, place) in together.iter().filter_map(|sought| Some((sought.hash, sought.place?))) {
            self.tables[hash.shard()].list().prefetch_word(place as usize);
        }
        for (hash, place) in together.iter().filter_map(|sought| Some((sought.hash, sought.place?))) {
            self.tables[hash.shard()].list().prefetch_bytes(place as usize);
        }
        for Sought { run, hash, place } in together {
            match place.and_then(|place| self.tables[hash.shard()].raise(place, *run)) {
                Some(overflowed) => self.overflowed |= overflowed,
                // A new word, or a word whose hash another word has, is added by the plain method.
                None => self.add_hashed(*hash, *run),
            }
        }
    }

    /// Spreads the words of one table over [`SHARDS`] tables.
    #[cold]
    fn spread(&mut self) {
        let tables = std::mem::replace(&mut self.tables, vec![Table::default(); SHARDS]);
        tables.iter().for_each(|table| self.add_table(table));
    }

    /// Adds the totals of `other`, which must not have more tables.
    pub(super) fn absorb(&mut self, mut other: Tables) {
        self.overflowed |= other.overflowed;
        if self.tables.len() == other.tables.len() {
            self.tables.iter_mut().zip(&mut other.tables).for_each(|(own, table)| own.keep_larger(table));
        }
        other.tables.iter().for_each(|table| self.add_table(table));
    }

    /// Moves one table of `other` into these totals. Both must have many tables.
    pub(super) fn absorb_shard(&mut self, shard: usize, other: &mut Tables) {
        let mut table = std::mem::take(&mut other.tables[shard]);
        self.tables[shard].keep_larger(&mut table);
        self.add_table(&table);
    }

    /// Adds the words of a table in the order of memory, although that hashes each word again.
    fn add_table(&mut self, table: &Table) {
        self.add_all(table.list().runs(0..table.len()));
    }

    /// Splits the totals into one part per shard. Each part keeps its table among empty ones. A single table would
    /// count as small totals and would be spread when it grows.
    pub(super) fn into_shards(mut self) -> impl Iterator<Item = Tables> {
        if self.number() == 1 {
            self.spread();
        }
        self.tables.into_iter().enumerate().map(|(shard, table)| {
            let mut tables = vec![Table::default(); SHARDS];
            tables[shard] = table;
            Tables { tables, overflowed: false }
        })
    }
}
