//! Totals per word: the output of map and the operands of reduce in MapReduce.

mod key;
mod list;
mod reserve;
mod run;
mod sorted;
mod table;
mod tables;

pub use run::Run;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sorted::Sorted;
use table::{Hash, SHARDS};
use tables::Tables;

/// A total per distinct word. Words are bytes, because a 1-gram file may contain any.
///
/// While words arrive in increasing order, as in a sorted file, they stay in lists and nothing is hashed. The first
/// word that is out of order within a partition moves all words into a hash table. The 1025th word of that table
/// spreads all words over 64 tables by hash. Each of these tables can be added up independently.
#[derive(Clone)]
pub struct WordTotals(Words);

#[derive(Clone)]
enum Words {
    Sorted(Sorted),
    Hashed(Tables),
}

/// Evaluates the same expression for either representation.
macro_rules! either {
    ($totals:expr, $words:ident => $result:expr) => {
        match $totals {
            Words::Sorted($words) => $result,
            Words::Hashed($words) => $result,
        }
    };
}

/// The size in bytes from which totals are large, because the second-level cache no longer holds them.
const LARGE: usize = 1 << 20;

impl Default for WordTotals {
    fn default() -> Self {
        WordTotals::empty(false)
    }
}

impl WordTotals {
    /// The number of parts that can be added up independently of each other: the lists, and each of the tables.
    pub const PARTS: usize = 1 + SHARDS;

    fn empty(overflowed: bool) -> Self {
        WordTotals(Words::Sorted(Sorted::empty(overflowed)))
    }

    /// Adds a run by the hash of its word.
    #[inline]
    pub fn add(&mut self, run: Run) {
        self.hashed().add(run);
    }

    /// Adds a run. The word is not hashed while words arrive in increasing order or repeat.
    #[inline]
    pub fn add_run(&mut self, run: Run) {
        match &mut self.0 {
            Words::Sorted(_) => self.add_runs([run]),
            Words::Hashed(tables) => tables.add(run),
        }
    }

    /// Adds runs as [`add_run`](Self::add_run) does. Hashed words are looked up many at a time.
    #[inline]
    pub fn add_runs<'a>(&mut self, runs: impl IntoIterator<Item = Run<'a>>) {
        let mut runs = runs.into_iter();
        if let Words::Sorted(sorted) = &mut self.0 {
            let Some(out_of_order) = sorted.add_runs(&mut runs) else { return };
            self.add(out_of_order);
        }
        self.hashed().add_all(runs);
    }

    /// Returns the tables. If the words are still in lists, moves them into one table, or into many if there are many
    /// words.
    #[inline]
    fn hashed(&mut self) -> &mut Tables {
        #[cold]
        fn hash(sorted: &Sorted) -> Tables {
            let mut tables = Tables::for_words(sorted.len(), sorted.overflowed);
            tables.add_all(sorted.runs());
            tables
        }
        if let Words::Sorted(sorted) = &self.0 {
            self.0 = Words::Hashed(hash(sorted));
        }
        match &mut self.0 {
            Words::Hashed(tables) => tables,
            Words::Sorted(_) => unreachable!("they were hashed above"),
        }
    }

    /// Adds the words of one partition, in any order of partitions. A partition may be far after the last one. It may
    /// also be before the last one, if two threads begin at the same time and one is delayed.
    ///
    /// Each partition gets its own stretch, so that adding totals only puts stretches in order. A single stretch with
    /// gaps would have to be split and copied.
    pub fn stretch<R>(&mut self, add: impl FnOnce(&mut Self) -> R) -> R {
        if let Words::Sorted(sorted) = &mut self.0 {
            sorted.begin();
        }
        let added = add(self);
        if let Words::Sorted(sorted) = &mut self.0
            && !sorted.end()
        {
            self.hashed();
        }
        added
    }

    /// Adds all of `other`'s totals.
    pub fn absorb(&mut self, mut other: WordTotals) {
        // The operand with more tables absorbs the other.
        if self.is_empty() || self.tables() < other.tables() {
            std::mem::swap(self, &mut other);
        }
        match (&mut self.0, other.0) {
            (Words::Sorted(own), Words::Sorted(other)) => {
                if !own.absorb(other) {
                    self.hashed();
                }
            }
            // These tables are empty. Otherwise they would have absorbed the lists.
            (Words::Sorted(own), Words::Hashed(empty)) => own.overflowed |= empty.overflowed,
            (Words::Hashed(own), Words::Sorted(other)) => {
                own.overflowed |= other.overflowed;
                own.add_all(other.runs());
            }
            (Words::Hashed(own), Words::Hashed(other)) => own.absorb(other),
        }
    }

    /// Adds all `others`. If all of them have many tables, adds the first table of each, then the second of each, and
    /// so on. This keeps the growing table in the cache.
    pub fn absorb_all(&mut self, mut others: Vec<WordTotals>) {
        if let Some(first) = others.pop_if(|last| self.is_empty() && last.tables() == SHARDS) {
            self.absorb(first);
        }
        if self.tables() == SHARDS {
            let tables = self.hashed();
            for shard in 0..SHARDS {
                for other in &mut others {
                    if let Words::Hashed(other) = &mut other.0
                        && other.number() == SHARDS
                    {
                        tables.absorb_shard(shard, other);
                    }
                }
            }
        }
        // Adds the rest, and the overflow flags of the operands above.
        others.into_iter().for_each(|other| self.absorb(other));
    }

    /// The number of tables: none, one or [`SHARDS`].
    fn tables(&self) -> usize {
        match &self.0 {
            Words::Sorted(_) => 0,
            Words::Hashed(tables) => tables.number(),
        }
    }

    /// Splits the totals into parts. A word of part n occurs only in part n, whatever totals are split. The exception
    /// is part 0, the lists, which may contain any word.
    pub fn into_parts(self) -> Vec<WordTotals> {
        match self.0 {
            Words::Sorted(_) => vec![self],
            Words::Hashed(tables) => {
                let head = WordTotals::empty(tables.overflowed);
                let parts = tables.into_shards().map(|tables| WordTotals(Words::Hashed(tables)));
                std::iter::once(head).chain(parts).collect()
            }
        }
    }

    /// Returns the number of the table that has this word if there are many tables, from 0 to [`PARTS`](Self::PARTS) - 2.
    #[inline]
    pub fn table_of(word: &[u8]) -> usize {
        Hash::of(word).shard()
    }

    /// Returns `true` if the totals exceed the private cache of a core. A worker should then add them to the shards.
    pub fn are_large(&self) -> bool {
        either!(&self.0, words => words.size()) > LARGE
    }

    /// Returns `true` if the total of some word exceeded `u64`. All totals are then invalid.
    pub fn overflowed(&self) -> bool {
        either!(&self.0, words => words.overflowed)
    }

    /// The number of distinct words.
    pub fn len(&self) -> usize {
        either!(&self.0, words => words.len())
    }

    /// Returns `true` if there is no word.
    pub fn is_empty(&self) -> bool {
        either!(&self.0, words => words.is_empty())
    }

    /// The sum of all totals.
    pub fn occurrences(&self) -> u128 {
        either!(&self.0, words => words.occurrences())
    }

    /// The total of one word.
    pub fn total(&self, word: &[u8]) -> Option<u64> {
        either!(&self.0, words => words.total(word))
    }

    /// Iterates over words and totals in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], u64)> {
        let (sorted, hashed) = match &self.0 {
            Words::Sorted(sorted) => (Some(sorted.iter()), None),
            Words::Hashed(tables) => (None, Some(tables.iter())),
        };
        sorted.into_iter().flatten().chain(hashed.into_iter().flatten())
    }

    /// Returns words and totals, sorted by the bytes of the word.
    pub fn sorted(&self) -> Vec<(&[u8], u64)> {
        let mut sorted: Vec<_> = self.iter().collect();
        sorted.sort_unstable();
        sorted
    }
}

/// The encoding: the bytes of all words, then the length and the total of each word, then the overflow flag.
impl Serialize for WordTotals {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (mut bytes, mut words) = (Vec::new(), Vec::with_capacity(self.len()));
        for (word, total) in self.iter() {
            bytes.extend_from_slice(word);
            words.push((word.len(), total));
        }
        (serde_bytes::Bytes::new(&bytes), words, self.overflowed()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for WordTotals {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (bytes, words, overflowed) = <(serde_bytes::ByteBuf, Vec<(usize, u64)>, bool)>::deserialize(deserializer)?;
        let mut totals = WordTotals::empty(overflowed);
        let mut rest = &bytes[..];
        for (len, count) in words {
            let Some(after) = rest.get(len..) else {
                return Err(serde::de::Error::custom("a word is longer than the bytes that are left"));
            };
            totals.add_run(Run { text: rest, len, count });
            rest = after;
        }
        if rest.is_empty() { Ok(totals) } else { Err(serde::de::Error::custom("bytes that belong to no word")) }
    }
}
