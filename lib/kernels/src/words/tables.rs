//! Word totals by hash: in one table while there are few words, spread over many tables when there are more.

use super::run::Run;
use super::table::{Hash, SHARDS, Table};

/// With more words than this, one table becomes [`SHARDS`].
const ONE_TABLE: usize = 1024;

/// The number of words that are looked up together. Half as many took as long, and twice as many took no less.
const TOGETHER: usize = 32;

/// One table, or [`SHARDS`] of them. A word's hash selects its table.
#[derive(Clone)]
pub(super) struct Tables {
    tables: Vec<Table>,
    /// Whether a word's total exceeded `u64`.
    pub(super) overflowed: bool,
}

/// A word on its way to its total.
#[derive(Clone, Copy, Default)]
struct Sought<'a> {
    run: Run<'a>,
    hash: Hash,
    /// Its place in its table, unless it is new.
    place: Option<u32>,
}

impl Tables {
    /// As many empty tables as this number of words needs.
    pub(super) fn for_words(words: usize, overflowed: bool) -> Self {
        Tables { tables: vec![Table::default(); if words > ONE_TABLE { SHARDS } else { 1 }], overflowed }
    }

    /// How many tables there are: one or [`SHARDS`].
    pub(super) fn number(&self) -> usize {
        self.tables.len()
    }

    /// The number of words.
    pub(super) fn len(&self) -> usize {
        self.tables.iter().map(Table::len).sum()
    }

    /// Whether there is no word.
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

    /// Words and totals, in no particular order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u8], u64)> {
        self.tables.iter().flat_map(|table| table.list().iter())
    }

    /// The total of one word.
    pub(super) fn total(&self, word: &[u8]) -> Option<u64> {
        let hash = Hash::of(word);
        self.tables[self.shard(hash)].total(hash, word)
    }

    /// The table of a word. The number of tables is a power of two, so a mask replaces a branch.
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
    /// Finding a word in a large table reads three places in memory, each known only after the one before: where its hash
    /// leads, where the word ends with its total, and its bytes. None is in a cache. A lookup of one word after the other
    /// would wait three times for each. So all words take the first step, then all the next, and the processor waits for
    /// many at a time.
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

    /// The steps of [`Tables::add_all`] over many tables.
    fn add_together(&mut self, together: &mut [Sought]) {
        for Sought { hash, place, .. } in together.iter_mut() {
            // No prefetch here: the processor itself begins the next lookup before it has finished the last.
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
                // A new word, or one of two with the same hash, takes the plain way.
                None => self.add_hashed(*hash, *run),
            }
        }
    }

    /// From one table to [`SHARDS`].
    #[cold]
    fn spread(&mut self) {
        let tables = std::mem::replace(&mut self.tables, vec![Table::default(); SHARDS]);
        tables.iter().for_each(|table| self.add_table(table));
    }

    /// Adds the totals of as many or of fewer tables.
    pub(super) fn absorb(&mut self, mut other: Tables) {
        self.overflowed |= other.overflowed;
        if self.tables.len() == other.tables.len() {
            self.tables.iter_mut().zip(&mut other.tables).for_each(|(own, table)| own.keep_larger(table));
        }
        other.tables.iter().for_each(|table| self.add_table(table));
    }

    /// Takes one table of `other` and adds it, if both have many.
    pub(super) fn absorb_shard(&mut self, shard: usize, other: &mut Tables) {
        let mut table = std::mem::take(&mut other.tables[shard]);
        self.tables[shard].keep_larger(&mut table);
        self.add_table(&table);
    }

    /// Adds the words of a table in the order in which they lie in memory, although that hashes them again.
    fn add_table(&mut self, table: &Table) {
        self.add_all(table.list().runs(0..table.len()));
    }

    /// Splits into one part per shard. Each part has its table among empty ones: a single table would be taken for a small
    /// total, and spread when it grows.
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
