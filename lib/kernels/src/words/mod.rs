//! Totals per word: what MapReduce's map yields and its reduce adds up.

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
use table::SHARDS;
use tables::Tables;

/// A total per distinct word. Words are bytes, because a 1-gram file may contain any.
///
/// As long as words come in increasing order, as the runs of a sorted file do, they stay in lists and nothing is hashed. The
/// first word that is out of order within a partition moves all words into a hash table; the 1025th word there spreads them
/// over 64 tables by hash, each of which can be added up without the others.
#[derive(Clone)]
pub struct WordTotals(Words);

#[derive(Clone)]
enum Words {
    Sorted(Sorted),
    Hashed(Tables),
}

/// The same expression over either representation.
macro_rules! either {
    ($totals:expr, $words:ident => $result:expr) => {
        match $totals {
            Words::Sorted($words) => $result,
            Words::Hashed($words) => $result,
        }
    };
}

/// The size from which on a worker's totals are large: its second-level cache no longer holds them.
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

    /// Adds a run. Its word is not hashed as long as words come in increasing order or repeat.
    #[inline]
    pub fn add_run(&mut self, run: Run) {
        match &mut self.0 {
            Words::Sorted(_) => self.add_runs([run]),
            Words::Hashed(tables) => tables.add(run),
        }
    }

    /// Adds runs in the same way. Words that are hashed are looked up many at a time.
    #[inline]
    pub fn add_runs<'a>(&mut self, runs: impl IntoIterator<Item = Run<'a>>) {
        let mut runs = runs.into_iter();
        if let Words::Sorted(sorted) = &mut self.0 {
            let Some(out_of_order) = sorted.add_runs(&mut runs) else { return };
            self.add(out_of_order);
        }
        self.hashed().add_all(runs);
    }

    /// The tables. If the words are still sorted, moves them into one table, or into many if there are many words.
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

    /// Adds the words of one partition, which may belong anywhere: far after the last ones, or before them if two threads
    /// begin at the same time and one is held up.
    ///
    /// Each partition gets a stretch of its own, and adding totals up only puts stretches in order. A single stretch with
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
        // The side with more tables takes in the other one.
        if self.is_empty() || self.tables() < other.tables() {
            std::mem::swap(self, &mut other);
        }
        match (&mut self.0, other.0) {
            (Words::Sorted(own), Words::Sorted(other)) => {
                if !own.absorb(other) {
                    self.hashed();
                }
            }
            // These tables are empty, or they would have taken in the lists.
            (Words::Sorted(own), Words::Hashed(empty)) => own.overflowed |= empty.overflowed,
            (Words::Hashed(own), Words::Sorted(other)) => {
                own.overflowed |= other.overflowed;
                own.add_all(other.runs());
            }
            (Words::Hashed(own), Words::Hashed(other)) => own.absorb(other),
        }
    }

    /// Adds the totals of all others. If all have many tables, the first tables of all come first, then the second ones, and
    /// so on, so that the table that grows stays in the cache.
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
        // The rest, and the overflow flags of those above.
        others.into_iter().for_each(|other| self.absorb(other));
    }

    /// The number of tables: none, one or [`SHARDS`].
    fn tables(&self) -> usize {
        match &self.0 {
            Words::Sorted(_) => 0,
            Words::Hashed(tables) => tables.number(),
        }
    }

    /// Splits the totals: a word of part n occurs in no other part but n of any totals. Only the lists, which are part 0, may
    /// contain any word.
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

    /// Whether the totals should be handed on: they take more space than a core's own cache has.
    pub fn are_large(&self) -> bool {
        either!(&self.0, words => words.size()) > LARGE
    }

    /// Whether some word's total exceeded `u64`; the totals are then worthless.
    pub fn overflowed(&self) -> bool {
        either!(&self.0, words => words.overflowed)
    }

    /// The number of distinct words.
    pub fn len(&self) -> usize {
        either!(&self.0, words => words.len())
    }

    /// Whether there is no word.
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

    /// Words and totals, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], u64)> {
        let (sorted, hashed) = match &self.0 {
            Words::Sorted(sorted) => (Some(sorted.iter()), None),
            Words::Hashed(tables) => (None, Some(tables.iter())),
        };
        sorted.into_iter().flatten().chain(hashed.into_iter().flatten())
    }

    /// Words and totals, sorted by the words' bytes.
    pub fn sorted(&self) -> Vec<(&[u8], u64)> {
        let mut sorted: Vec<_> = self.iter().collect();
        sorted.sort_unstable();
        sorted
    }
}

/// On the wire: the bytes of all words, then each word's length and total, then the overflow flag.
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
