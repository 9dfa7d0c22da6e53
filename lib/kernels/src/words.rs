//! Totals per word: what MapReduce's map yields and its reduce adds up.

mod key;
mod list;
mod room;
mod run;
mod table;
mod tables;

use key::Key;
use list::List;
pub use run::Run;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::cmp::Ordering;
use std::ops::Range;
use table::SHARDS;
use tables::Tables;

/// A total per distinct word. Words are bytes: a 1-gram file may hold any.
///
/// As long as words come in increasing order, as the runs of a sorted file do, they are kept in a list, and nothing is
/// hashed. Each partition's words are a stretch of it. When totals are added up, stretches are put in order, and the lists
/// stay where they are: totals of a sorted file's partitions are added up without copying a word. With the first word that
/// decreases within a stretch, all words go into a table; and with the 1025th into 64 tables by their hashes, each of which
/// can be added up without the others.
#[derive(Clone, Default)]
pub struct WordTotals {
    /// They never decrease. A word that is in no stretch does not count.
    lists: Vec<List>,
    /// Each increases and lies behind the one before, and none is empty; there are none when there are tables. While a
    /// stretch is added to, it is the last, wherever it belongs.
    stretches: Vec<Stretch>,
    /// How many words of the lists are in no stretch any more.
    dropped: usize,
    tables: Tables,
    /// The last word's key, where the next word that increases is to be appended to the last list and stretch.
    last: Key,
    /// Whether the next word that increases begins a stretch.
    closed: bool,
    /// Whether the next word may be less than the last.
    fresh: bool,
    overflowed: bool,
}

/// A part of a list, and which.
#[derive(Clone)]
struct Stretch {
    list: usize,
    places: Range<usize>,
}

/// Fewer words are rather copied to the end of a list than kept as a stretch for themselves.
const SHORT: usize = 256;

/// So many words in no stretch do no harm.
const FEW: usize = 4096;

/// So many lists are put in order in no time, even if each lies before the one before.
const MANY: usize = 1024;

/// A worker's totals are large when they no longer fit into its second-level cache.
const LARGE: usize = 1 << 20;

impl WordTotals {
    /// In how many parts totals can be added up independently of each other: the lists, and each of the tables.
    pub const PARTS: usize = 1 + SHARDS;

    /// Adds a run by its word's hash.
    #[inline]
    pub fn add(&mut self, run: Run) {
        if self.tables.are_none() {
            self.make_tables();
        }
        self.overflowed |= self.tables.add(run);
    }

    /// Adds a run, without hashing its word while words come in increasing order or again.
    #[inline]
    pub fn add_run(&mut self, run: Run) {
        if self.tables.are_none() { self.add_runs([run]) } else { self.add(run) }
    }

    /// Adds runs in the same way, and where that means to look for their words, for many at a time.
    #[inline]
    pub fn add_runs<'a>(&mut self, runs: impl IntoIterator<Item = Run<'a>>) {
        let mut runs = runs.into_iter();
        while self.tables.are_none() {
            let Some((run, key)) = self.add_increasing(&mut runs) else { return };
            self.add_listed(run, key);
        }
        self.overflowed |= self.tables.add_all(runs);
    }

    /// Adds runs to the end of the last list as long as their keys tell that they belong there, and gives back the first
    /// whose key does not.
    #[inline]
    fn add_increasing<'a>(&mut self, runs: &mut impl Iterator<Item = Run<'a>>) -> Option<(Run<'a>, Key)> {
        let mut last = self.last;
        let mut end = self.lists.last_mut().zip(self.stretches.last_mut());
        let other = runs.find_map(|run| {
            let key = Key::of(run);
            match &mut end {
                Some((list, stretch)) if key.is_behind(last) => {
                    list.push(run);
                    stretch.places.end += 1;
                    last = key;
                    None
                }
                _ => Some((run, key)),
            }
        });
        self.last = last;
        other
    }

    /// Adds to the lists a word whose key does not tell where it belongs.
    #[cold]
    fn add_listed(&mut self, run: Run, key: Key) {
        let last = self.stretches.last();
        let fresh = std::mem::take(&mut self.fresh);
        match last.map_or(Ordering::Greater, |last| run.word().cmp(self.ends(last).1)) {
            Ordering::Less if fresh && self.lists.len() < MANY => {
                let mut list = List::default();
                list.push(run);
                self.stretches.push(Stretch { list: self.lists.len(), places: 0..1 });
                self.lists.push(list);
                self.closed = false;
            }
            Ordering::Less => return self.add(run),
            Ordering::Equal => {
                let last = last.expect("its last word was compared");
                self.overflowed |= self.lists[last.list].raise(last.places.end - 1, run.count);
            }
            Ordering::Greater => {
                let goes_on = self.can_go_on() && !self.closed;
                if self.lists.is_empty() {
                    self.lists.push(List::default());
                }
                let (number, list) = self.lists.iter_mut().enumerate().next_back().expect("there is one now");
                list.push(run);
                match self.stretches.last_mut().filter(|_| goes_on) {
                    Some(last) => last.places.end += 1,
                    None => self.stretches.push(Stretch { list: number, places: list.len() - 1..list.len() }),
                }
                self.closed = false;
            }
        }
        if self.can_go_on() {
            self.last = key;
        }
    }

    /// Whether the last stretch is the end of the last list.
    fn can_go_on(&self) -> bool {
        self.stretches.last().is_some_and(|last| last.list + 1 == self.lists.len() && self.is_end(last))
    }

    /// Whether a stretch is the end of its list.
    fn is_end(&self, stretch: &Stretch) -> bool {
        stretch.places.end == self.lists[stretch.list].len()
    }

    /// The first and the last word of a stretch.
    fn ends(&self, stretch: &Stretch) -> (&[u8], &[u8]) {
        let list = &self.lists[stretch.list];
        (list.word(stretch.places.start), list.word(stretch.places.end - 1))
    }

    /// Adds words that belong together, such as a partition's, wherever they belong: far behind the last ones, and when two
    /// threads begin at the same time and one is held up, before them. If each partition has its own stretch, totals are
    /// added up by putting these in order; one stretch with gaps would have to be taken apart and copied.
    pub fn stretch<R>(&mut self, add: impl FnOnce(&mut Self) -> R) -> R {
        self.closed = self.stretches.last().is_some_and(|last| last.places.len() >= SHORT);
        self.fresh = true;
        self.last = Key::default();
        let added = add(self);
        self.put_in_order();
        added
    }

    /// Puts the last stretch where it belongs.
    fn put_in_order(&mut self) {
        self.fresh = false;
        if let [.., before, last] = &self.stretches[..]
            && self.ends(before).1 >= self.ends(last).0
        {
            self.last = Key::default();
            let last = self.stretches.pop();
            self.place_all(last.into_iter());
        }
    }

    /// One table, or many if there are many words, with all that the lists have.
    #[cold]
    fn make_tables(&mut self) {
        let (lists, stretches) = (std::mem::take(&mut self.lists), std::mem::take(&mut self.stretches));
        self.tables = Tables::of(stretches.iter().map(|stretch| stretch.places.len()).sum());
        self.dropped = 0;
        self.add_stretches(&lists, &stretches);
    }

    /// Adds words to the tables.
    fn add_stretches(&mut self, lists: &[List], stretches: &[Stretch]) {
        for Stretch { list, places } in stretches {
            self.overflowed |= self.tables.add_all(lists[*list].runs(places.clone()));
        }
    }

    /// Adds all of `other`'s totals.
    pub fn absorb(&mut self, mut other: WordTotals) {
        // Whoever has more tables takes in the other: lists are added to tables, and one table to many.
        if self.is_empty() || self.tables.number() < other.tables.number() {
            std::mem::swap(self, &mut other);
        }
        self.overflowed |= other.overflowed;
        self.last = Key::default();
        self.overflowed |= self.tables.absorb(std::mem::take(&mut other.tables));
        if self.tables.are_none() {
            self.absorb_stretches(other);
        } else {
            self.add_stretches(&other.lists, &other.stretches);
        }
    }

    /// Adds the totals of all others. Where all have many tables, the first tables of all come first, then the second ones:
    /// so what is added to stays in the cache.
    pub fn absorb_all(&mut self, mut others: Vec<WordTotals>) {
        if let Some(first) = others.pop_if(|last| self.is_empty() && last.tables.number() == SHARDS) {
            self.absorb(first);
        }
        if self.tables.number() == SHARDS {
            for shard in 0..SHARDS {
                for other in others.iter_mut().filter(|other| other.tables.number() == SHARDS) {
                    self.overflowed |= self.tables.absorb_shard(shard, &mut other.tables);
                }
            }
        }
        // The rest, and of those above what they had to say of overflow.
        others.into_iter().for_each(|other| self.absorb(other));
    }

    /// Adds the totals of lists to lists.
    fn absorb_stretches(&mut self, other: WordTotals) {
        if let ([list], [stretch]) = (&other.lists[..], &other.stretches[..])
            && self.append(list, stretch)
        {
            return;
        }
        let before = self.lists.len();
        self.lists.extend(other.lists);
        self.dropped += other.dropped;
        let moved = other.stretches.into_iter().map(|stretch| Stretch { list: stretch.list + before, ..stretch });
        self.place_all(moved);
    }

    /// Puts stretches of the lists where they belong, or if that would mean to move too many others, all into tables.
    fn place_all(&mut self, mut stretches: impl Iterator<Item = Stretch>) {
        while let Some(stretch) = stretches.next() {
            if let Err(stretch) = self.place(stretch) {
                // Tables take words in any order.
                self.stretches.push(stretch);
                self.stretches.extend(stretches);
                return self.make_tables();
            }
        }
        // In this order, for the length is counted.
        if self.dropped > FEW && self.dropped > self.len() {
            self.tidy();
        }
    }

    /// Copies a few words to the end of a list, if that is where they belong.
    fn append(&mut self, from: &List, stretch: &Stretch) -> bool {
        let Some(last) = self.stretches.last() else { return false };
        let (_, end) = self.ends(last);
        let belongs = end < from.word(stretch.places.start) && self.is_end(last);
        if stretch.places.len() >= SHORT || !belongs {
            return false;
        }
        let last = self.stretches.last_mut().expect("its end was looked at");
        self.lists[last.list].extend(from, stretch.places.clone());
        last.places.end += stretch.places.len();
        true
    }

    /// Puts a stretch of one of the lists where it belongs. It is given back if that would mean to move too many others.
    fn place(&mut self, mut stretch: Stretch) -> Result<(), Stretch> {
        let (first, last) = self.ends(&stretch);
        // The stretches that have words within those of this one.
        let (from, until) = match self.stretches.last() {
            // Nearly always it belongs behind all others.
            Some(end) if self.ends(end).1 < first => (self.stretches.len(), self.stretches.len()),
            _ => (
                self.stretches.partition_point(|other| self.ends(other).1 < first),
                self.stretches.partition_point(|other| self.ends(other).0 <= last),
            ),
        };
        if from == until {
            self.stretches.insert(from, stretch);
            return Ok(());
        }
        // A word whose lines lie on both sides of a cut is in both stretches. One of them drops it.
        if self.ends(&self.stretches[from]).1 == first {
            let other = &mut self.stretches[from];
            other.places.end -= 1;
            let total = self.lists[other.list].total(other.places.end);
            self.overflowed |= self.lists[stretch.list].raise(stretch.places.start, total);
            self.dropped += 1;
            if self.stretches[from].places.is_empty() {
                self.stretches.remove(from);
            }
            return self.place(stretch);
        }
        let other = &self.stretches[until - 1];
        if self.ends(other).0 == last {
            stretch.places.end -= 1;
            let total = self.lists[stretch.list].total(stretch.places.end);
            self.overflowed |= self.lists[other.list].raise(other.places.start, total);
            self.dropped += 1;
            return if stretch.places.is_empty() { Ok(()) } else { self.place(stretch) };
        }
        let touched: usize = self.stretches[from..until].iter().map(|other| other.places.len()).sum();
        if touched > 4096 + 64 * stretch.places.len() {
            // A few words that belong into the middle of many, again and again, would move the many every time.
            return Err(stretch);
        }
        self.merge(from..until, &stretch);
        Ok(())
    }

    /// Makes one stretch of some neighbours and another.
    fn merge(&mut self, neighbours: Range<usize>, other: &Stretch) {
        let from = neighbours.start;
        let mut merged = self.stretches[from].clone();
        if !self.is_end(&merged) || merged.list == other.list {
            // Behind it there are other words in its list. In a list of its own it can grow.
            let own = self.lists[merged.list].copied(merged.places.clone());
            self.dropped += own.len();
            merged = Stretch { list: self.lists.len(), places: 0..own.len() };
            self.lists.push(own);
        }
        let mut list = std::mem::take(&mut self.lists[merged.list]);
        let added = self.lists[other.list].copied(other.places.clone());
        // What lies before all of the new words stays where it is.
        let mut tail = list.split_off(list.first_not_below(merged.places.start, added.word(0)));
        for next in self.stretches.drain(from + 1..neighbours.end) {
            tail.extend(&self.lists[next.list], next.places.clone());
            self.dropped += next.places.len();
        }
        self.overflowed |= list.merge(&tail, &added);
        self.dropped += added.len();
        merged.places.end = list.len();
        self.lists[merged.list] = list;
        self.stretches[from] = merged;
    }

    /// Copies all stretches to one, and drops the lists.
    fn tidy(&mut self) {
        let mut whole = List::default();
        for Stretch { list, places } in self.stretches.drain(..) {
            whole.extend(&self.lists[list], places);
        }
        self.stretches.push(Stretch { list: 0, places: 0..whole.len() });
        self.lists = vec![whole];
        self.dropped = 0;
    }

    /// Takes the totals apart: part number n of any totals has no word in common with another part of any others, but
    /// for the lists, which are part 0.
    pub fn into_parts(self) -> Vec<WordTotals> {
        if self.tables.are_none() {
            return vec![self];
        }
        let head = WordTotals { overflowed: self.overflowed, ..WordTotals::default() };
        let parts = self.tables.into_shards().map(|tables| WordTotals { tables, ..WordTotals::default() });
        std::iter::once(head).chain(parts).collect()
    }

    /// Whether they are better handed on than added to: they take up more than a core's own cache has room for.
    pub fn are_large(&self) -> bool {
        let lists: usize = self.lists.iter().map(List::bytes).sum();
        lists + self.tables.bytes() > LARGE
    }

    /// Whether some word's total went beyond `u64`; the totals are then worthless.
    pub fn overflowed(&self) -> bool {
        self.overflowed
    }

    /// How many distinct words there are.
    pub fn len(&self) -> usize {
        let listed: usize = self.stretches.iter().map(|stretch| stretch.places.len()).sum();
        listed + self.tables.words()
    }

    /// What all totals add up to.
    pub fn occurrences(&self) -> u128 {
        let listed =
            self.stretches.iter().map(|Stretch { list, places }| self.lists[*list].occurrences(places.clone()));
        listed.sum::<u128>() + self.tables.iter().map(|(_, total)| u128::from(total)).sum::<u128>()
    }

    /// Whether there is no word.
    pub fn is_empty(&self) -> bool {
        self.stretches.is_empty() && self.tables.words() == 0
    }

    /// The total of one word.
    pub fn total(&self, word: &[u8]) -> Option<u64> {
        if !self.tables.are_none() {
            return self.tables.total(word);
        }
        let Stretch { list, places } =
            self.stretches.get(self.stretches.partition_point(|stretch| self.ends(stretch).1 < word))?;
        let list = &self.lists[*list];
        let place = list.first_not_below(places.start, word);
        (list.word(place) == word).then(|| list.total(place))
    }

    /// Words and totals, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], u64)> {
        let listed = self.stretches.iter().flat_map(|stretch| self.lists[stretch.list].among(stretch.places.clone()));
        listed.chain(self.tables.iter())
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
            let Some(after) = rest.get(length..) else {
                return Err(serde::de::Error::custom("a word is longer than the letters that are left"));
            };
            totals.add_run(Run { text: rest, letters: length, count: total });
            rest = after;
        }
        if rest.is_empty() { Ok(totals) } else { Err(serde::de::Error::custom("letters that belong to no word")) }
    }
}
