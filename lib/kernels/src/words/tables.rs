//! Words by their hashes: in one table while they are few, spread over many when they are not.

use super::Run;
use super::table::{Hash, SHARDS, Table};

/// With more words than this, one table becomes [`SHARDS`].
const ONE_TABLE: usize = 1024;

/// So many words are looked for at the same time. Half as many took as long, and twice as many no less.
const TOGETHER: usize = 32;

/// None, one, or [`SHARDS`] tables. In many, a word's hash tells in which it is.
#[derive(Clone, Default)]
pub(super) struct Tables(Vec<Table>);

/// A word on its way to its total.
#[derive(Clone, Copy, Default)]
struct Sought<'a> {
    run: Run<'a>,
    hash: Hash,
    /// Where it is in its table, unless it is new.
    place: Option<u32>,
}

impl Tables {
    /// As many as so many words need.
    pub(super) fn of(words: usize) -> Self {
        Tables(vec![Table::default(); if words > ONE_TABLE { SHARDS } else { 1 }])
    }

    /// How many there are.
    pub(super) fn number(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none: tables without words are tables.
    #[inline]
    pub(super) fn are_none(&self) -> bool {
        self.0.is_empty()
    }

    /// How many words there are.
    pub(super) fn words(&self) -> usize {
        self.0.iter().map(Table::len).sum()
    }

    /// Bytes in use, about.
    pub(super) fn bytes(&self) -> usize {
        self.0.iter().map(Table::bytes).sum()
    }

    /// Words and totals, in no particular order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u8], u64)> {
        self.0.iter().flat_map(|table| table.list().iter())
    }

    /// The total of one word.
    pub(super) fn total(&self, word: &[u8]) -> Option<u64> {
        let hash = Hash::of(word);
        self.0[self.shard(hash)].total(hash, word)
    }

    /// In which table a word is: there is one, or a power of two, and a mask saves the question which.
    #[inline]
    fn shard(&self, hash: Hash) -> usize {
        hash.shard() & (self.0.len() - 1)
    }

    /// Adds a run; whether a total went beyond `u64`.
    #[inline]
    pub(super) fn add(&mut self, run: Run) -> bool {
        self.add_hashed(Hash::of(run.word()), run)
    }

    #[inline]
    fn add_hashed(&mut self, hash: Hash, run: Run) -> bool {
        let shard = self.shard(hash);
        let table = &mut self.0[shard];
        let overflowed = table.add(hash, run);
        table.len() > ONE_TABLE && self.0.len() == 1 && self.spread() || overflowed
    }

    /// Adds runs, many at a time; whether a total went beyond `u64`.
    ///
    /// A word in a large table is three places in memory, each known only from the one before: where its hash leads to,
    /// where it ends and what its total is, and its letters. None of them is in a cache. Were one word looked for after the
    /// other, the processor would wait three times for each. So all go the first step, then all the next, and it waits for
    /// many at a time.
    pub(super) fn add_all<'a>(&mut self, mut runs: impl Iterator<Item = Run<'a>>) -> bool {
        let mut overflowed = false;
        while self.0.len() < SHARDS {
            let Some(run) = runs.next() else { return overflowed };
            overflowed |= self.add(run);
        }
        let mut together = [Sought::default(); TOGETHER];
        loop {
            let mut number = 0;
            for (sought, run) in together.iter_mut().zip(runs.by_ref()) {
                *sought = Sought { run, hash: Hash::of(run.word()), place: None };
                number += 1;
            }
            overflowed |= self.add_together(&mut together[..number]);
            if number < TOGETHER {
                return overflowed;
            }
        }
    }

    /// The steps of [`Tables::add_all`], where there are many tables.
    fn add_together(&mut self, together: &mut [Sought]) -> bool {
        for Sought { hash, place, .. } in together.iter_mut() {
            // Reading is left to the processor here: it begins with the next before it has the last.
            *place = self.0[hash.shard()].find(*hash);
        }
        for (hash, place) in together.iter().filter_map(|sought| Some((sought.hash, sought.place?))) {
            self.0[hash.shard()].list().prefetch_word(place as usize);
        }
        for (hash, place) in together.iter().filter_map(|sought| Some((sought.hash, sought.place?))) {
            self.0[hash.shard()].list().prefetch_letters(place as usize);
        }
        together.iter().fold(false, |overflowed, Sought { run, hash, place }| {
            let raised = place.and_then(|place| self.0[hash.shard()].raise(place, *run));
            // A new word, or one of two with the same hash, is looked for in the plain way.
            raised.unwrap_or_else(|| self.add_hashed(*hash, *run)) | overflowed
        })
    }

    /// From one table to [`SHARDS`]; whether a total went beyond `u64`, which it cannot.
    #[cold]
    fn spread(&mut self) -> bool {
        let tables = std::mem::replace(&mut self.0, vec![Table::default(); SHARDS]);
        tables.iter().fold(false, |overflowed, table| self.add_table(table) | overflowed)
    }

    /// Adds the totals of as many or of fewer tables; whether one went beyond `u64`.
    pub(super) fn absorb(&mut self, mut other: Tables) -> bool {
        if self.0.len() == other.0.len() {
            self.0.iter_mut().zip(&mut other.0).for_each(|(own, table)| own.keep_more(table));
        }
        other.0.iter().fold(false, |overflowed, table| self.add_table(table) | overflowed)
    }

    /// Adds one table of another such total, if both have many; whether a total went beyond `u64`.
    pub(super) fn absorb_shard(&mut self, shard: usize, other: &mut Tables) -> bool {
        let mut table = std::mem::take(&mut other.0[shard]);
        self.0[shard].keep_more(&mut table);
        self.add_table(&table)
    }

    /// Adds the words of a table in the order in which they lie in memory, though they are hashed again for that.
    fn add_table(&mut self, table: &Table) -> bool {
        self.add_all(table.list().runs(0..table.len()))
    }

    /// Each of [`SHARDS`] tables for itself, in its place among empty ones: alone it would be taken for a small total's, and
    /// be spread once it is large.
    pub(super) fn into_shards(mut self) -> impl Iterator<Item = Tables> {
        if self.0.len() == 1 {
            self.spread();
        }
        self.0.into_iter().enumerate().map(|(shard, table)| {
            let mut tables = vec![Table::default(); SHARDS];
            tables[shard] = table;
            Tables(tables)
        })
    }
}
