//! Totals per word: what MapReduce's map yields and its reduce adds up.

mod key;
mod list;
mod room;
mod table;

use key::Key;
use list::List;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::cmp::Ordering;
use table::{Hash, SHARDS, Table};

/// A total per distinct word. Words are bytes: a 1-gram file may hold any.
///
/// As long as words come in increasing order, as the runs of a sorted file do, they are kept as lists, and nothing is
/// hashed. A list that lies behind or between others is moved there whole: totals of a sorted file's partitions are added
/// up without copying them. With the first word that the end of the last list cannot take, all words go into a table; and
/// with the 1025th into 64 tables by their hashes, each of which can be added up without the others.
#[derive(Clone, Default)]
pub struct WordTotals {
    /// Each increases and lies behind the one before, and none is empty; there are none when there are tables.
    lists: Vec<List>,
    /// None, one, or [`SHARDS`].
    tables: Vec<Table>,
    /// The key of the last list's last word, where the next word that increases is to be appended to that list.
    last: Key,
    /// Whether the next word that increases begins a list.
    closed: bool,
    overflowed: bool,
}

/// With more words than this, one table becomes [`SHARDS`].
const ONE_TABLE: usize = 1024;

/// A list of fewer words is rather copied to the end of another than kept for itself.
const SHORT: usize = 256;

/// A worker's totals are large when they no longer fit into its second-level cache.
const LARGE: usize = 1 << 20;

impl WordTotals {
    /// In how many parts totals can be added up independently of each other: the lists, and each of the tables.
    pub const PARTS: usize = 1 + SHARDS;

    /// Adds `count` to the total of `word`.
    #[inline]
    pub fn add(&mut self, word: &[u8], count: u64) {
        if self.tables.is_empty() {
            self.make_tables();
        }
        self.add_hashed(Hash::of(word), word, count);
    }

    #[inline]
    fn add_hashed(&mut self, hash: Hash, word: &[u8], count: u64) {
        // One table or a power of two: a mask saves the question which.
        let shard = hash.shard() & (self.tables.len() - 1);
        let table = &mut self.tables[shard];
        self.overflowed |= table.add(hash, word, count);
        if table.len() > ONE_TABLE && self.tables.len() == 1 {
            self.spread();
        }
    }

    /// Adds `count` to the total of `word`, without hashing it while words come in increasing order or again.
    #[inline]
    pub fn add_run(&mut self, word: &[u8], count: u64) {
        self.add_run_at(word, word.len(), count);
    }

    /// The same for a word that is the first so many letters of a text: copying a few more of these than are needed
    /// saves the question how many there are, whose answer no processor foresees.
    #[inline]
    pub fn add_run_at(&mut self, text: &[u8], letters: usize, count: u64) {
        if !self.tables.is_empty() {
            let word = &text[..letters];
            return self.add_hashed(Hash::of(word), word, count);
        }
        let key = Key::of(text, letters);
        match self.lists.last_mut().filter(|_| key.is_behind(self.last)) {
            Some(list) => list.push_at(text, letters, count),
            None => self.add_listed(&text[..letters], count),
        }
        self.last = key;
    }

    /// Adds to the lists a word whose key does not tell where it belongs.
    #[cold]
    fn add_listed(&mut self, word: &[u8], count: u64) {
        let Some(list) = self.lists.last_mut() else { return self.begin_list(word, count) };
        match word.cmp(list.last()) {
            Ordering::Greater if self.closed => self.begin_list(word, count),
            Ordering::Greater => list.push(word, count),
            Ordering::Equal => self.overflowed |= list.raise(list.len() - 1, count),
            Ordering::Less => self.add(word, count),
        }
    }

    #[cold]
    fn begin_list(&mut self, word: &[u8], count: u64) {
        // As long as the last one: partitions are alike.
        let mut list = self.lists.last().map(List::as_long).unwrap_or_default();
        list.push(word, count);
        self.lists.push(list);
        self.closed = false;
    }

    /// Says that the next word may belong far behind the last one. Totals in which each partition has its own list are
    /// added up by moving lists; one list with gaps would have to be taken apart and copied.
    pub fn close_list(&mut self) {
        let last = self.lists.last_mut().filter(|list| list.len() >= SHORT);
        self.closed = last.is_some();
        self.last = Key::default();
        last.into_iter().for_each(List::shrink);
    }

    /// One table, or many if there are many words, with all that the lists have.
    #[cold]
    fn make_tables(&mut self) {
        let lists = std::mem::take(&mut self.lists);
        let many = lists.iter().map(List::len).sum::<usize>() > ONE_TABLE;
        self.tables.resize_with(if many { SHARDS } else { 1 }, Table::default);
        lists.iter().for_each(|list| self.add_list(list));
    }

    fn add_list(&mut self, list: &List) {
        list.iter().for_each(|(word, total)| self.add_hashed(Hash::of(word), word, total));
    }

    /// From one table to [`SHARDS`].
    #[cold]
    fn spread(&mut self) {
        let tables = std::mem::take(&mut self.tables);
        self.tables.resize_with(SHARDS, Table::default);
        tables.iter().for_each(|table| self.add_table(table));
    }

    fn add_table(&mut self, table: &Table) {
        table.hashed().for_each(|(hash, word, total)| self.add_hashed(hash, word, total));
    }

    /// Adds all of `other`'s totals.
    pub fn absorb(&mut self, mut other: WordTotals) {
        // Whoever has more tables takes in the other: lists are added to tables, and one table to many.
        if self.is_empty() || self.tables.len() < other.tables.len() {
            std::mem::swap(self, &mut other);
        }
        self.overflowed |= other.overflowed;
        self.last = Key::default();
        if other.tables.len() == self.tables.len() {
            let tables = self.tables.iter_mut().zip(other.tables);
            self.overflowed |= tables.fold(false, |overflowed, (own, table)| own.absorb(table) | overflowed);
            if self.tables.len() == 1 && self.tables[0].len() > ONE_TABLE {
                self.spread();
            }
        } else {
            other.tables.iter().for_each(|table| self.add_table(table));
        }
        other.lists.into_iter().for_each(|list| self.absorb_list(list));
    }

    /// Adds the totals of all others. Where all have many tables, the first tables of all come first, then the second ones:
    /// so what is added to stays in the cache.
    pub fn absorb_all(&mut self, mut others: Vec<WordTotals>) {
        if let Some(first) = others.pop_if(|last| self.is_empty() && last.tables.len() == SHARDS) {
            self.absorb(first);
        }
        if self.tables.len() == SHARDS {
            for (shard, own) in self.tables.iter_mut().enumerate() {
                for other in others.iter_mut().filter(|other| other.tables.len() == SHARDS) {
                    self.overflowed |= own.absorb(std::mem::take(&mut other.tables[shard]));
                }
            }
        }
        // The rest, and of those above what they had to say of overflow.
        others.into_iter().for_each(|other| self.absorb(other));
    }

    /// Adds the totals of a list that increases, by moving it to its place if possible.
    fn absorb_list(&mut self, mut list: List) {
        if !self.tables.is_empty() {
            return self.add_list(&list);
        }
        let (first, last) = list.ends();
        // The lists that have words within those of this one.
        let (from, until) = match self.lists.last() {
            // Nearly always it belongs behind all others.
            Some(end) if end.last() < first => (self.lists.len(), self.lists.len()),
            _ => (
                self.lists.partition_point(|other| other.last() < first),
                self.lists.partition_point(|other| other.word(0) <= last),
            ),
        };
        // A word whose lines lie on both sides of a cut is in both lists. They are joined at it, and neither is copied.
        if from < until && self.lists[from].last() == first {
            let total = self.lists[from].pop().expect("no list is empty");
            self.overflowed |= list.raise(0, total);
            if self.lists[from].is_empty() {
                self.lists.remove(from);
            }
            return self.absorb_list(list);
        }
        if from < until && self.lists[until - 1].word(0) == last {
            let total = list.pop().expect("no list is empty");
            self.overflowed |= self.lists[until - 1].raise(0, total);
            if !list.is_empty() {
                self.absorb_list(list);
            }
            return;
        }
        let touched: usize = self.lists[from..until].iter().map(List::len).sum();
        if from == until {
            match from.checked_sub(1).map(|before| &mut self.lists[before]) {
                Some(before) if before.len().min(list.len()) < SHORT => before.extend(&list, 0..list.len()),
                _ => self.lists.insert(from, list),
            }
        } else if touched > 4096 + 64 * list.len() {
            // A few words that belong into the middle of many, again and again, would move the many every time.
            self.make_tables();
            self.add_list(&list);
        } else {
            let mut others = self.lists.drain(from..until);
            let mut merged = others.next().unwrap_or_default();
            others.for_each(|other| merged.extend(&other, 0..other.len()));
            // What lies before all of the new words stays where it is.
            let tail = merged.split_off(merged.first_not_below(0, list.word(0)));
            self.overflowed |= merged.merge(&tail, &list);
            self.lists.insert(from, merged);
        }
    }

    /// Takes the totals apart: part number n of any totals has no word in common with another part of any others, but
    /// for the lists, which are part 0.
    pub fn into_parts(mut self) -> Vec<WordTotals> {
        if self.tables.is_empty() {
            return vec![self];
        }
        if self.tables.len() == 1 {
            self.spread();
        }
        let head = WordTotals { overflowed: self.overflowed, ..WordTotals::default() };
        let part = |table: Table| WordTotals { tables: vec![table], ..WordTotals::default() };
        std::iter::once(head).chain(self.tables.into_iter().map(part)).collect()
    }

    /// Whether they are better handed on than added to: they take up more than a core's own cache has room for.
    pub fn are_large(&self) -> bool {
        let lists: usize = self.lists.iter().map(List::bytes).sum();
        lists + self.tables.iter().map(Table::bytes).sum::<usize>() > LARGE
    }

    /// Whether some word's total went beyond `u64`; the totals are then worthless.
    pub fn overflowed(&self) -> bool {
        self.overflowed
    }

    /// How many distinct words there are.
    pub fn len(&self) -> usize {
        self.all().map(List::len).sum()
    }

    /// Whether there is no word.
    pub fn is_empty(&self) -> bool {
        self.all().all(List::is_empty)
    }

    /// The total of one word.
    pub fn total(&self, word: &[u8]) -> Option<u64> {
        if !self.tables.is_empty() {
            let hash = Hash::of(word);
            return self.tables[hash.shard() & (self.tables.len() - 1)].total(hash, word);
        }
        let list = self.lists.get(self.lists.partition_point(|list| list.last() < word))?;
        let place = list.first_not_below(0, word);
        (list.word(place) == word).then(|| list.total(place))
    }

    fn all(&self) -> impl Iterator<Item = &List> {
        self.lists.iter().chain(self.tables.iter().map(Table::list))
    }

    /// Words and totals, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], u64)> {
        self.all().flat_map(List::iter)
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
        let (mut letters, mut words) = (Vec::new(), Vec::with_capacity(self.len()));
        for (word, total) in self.iter() {
            letters.extend_from_slice(word);
            words.push((word.len(), total));
        }
        (serde_bytes::Bytes::new(&letters), words, self.overflowed).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for WordTotals {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (letters, words, overflowed) =
            <(serde_bytes::ByteBuf, Vec<(usize, u64)>, bool)>::deserialize(deserializer)?;
        let mut totals = WordTotals { overflowed, ..WordTotals::default() };
        let mut rest = &letters[..];
        for (length, total) in words {
            let Some((word, after)) = rest.split_at_checked(length) else {
                return Err(serde::de::Error::custom("a word is longer than the letters that are left"));
            };
            totals.add_run(word, total);
            rest = after;
        }
        if rest.is_empty() { Ok(totals) } else { Err(serde::de::Error::custom("letters that belong to no word")) }
    }
}
