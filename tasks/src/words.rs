//! Totals per word: what MapReduce's map yields and its reduce adds up.

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry as Slot;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::cmp::Ordering;
use std::hash::BuildHasher;
use std::ops::Range;

/// A total per distinct word. Words are bytes: a 1-gram file may hold any.
///
/// The words lie one behind the other in one buffer, so that a new word costs no allocation of its own: 16 bytes and its
/// letters. As long as they come in increasing order, as the runs of a sorted file do, the list alone is the result.
/// The table, 10 to 20 bytes a word more, is made when the first word comes that the end of the list cannot take.
#[derive(Clone, Default)]
pub struct WordTotals {
    letters: Vec<u8>,
    words: Vec<Word>,
    /// Finds words by hash. Either all of them, or none: then the words increase.
    table: HashTable<Place>,
    overflowed: bool,
}

#[derive(Clone, Copy)]
struct Word {
    /// Where its letters end. They begin where those of the word before end.
    end: usize,
    total: u64,
}

#[derive(Clone, Copy)]
struct Place {
    /// Half of the hash: enough to tell nearly all words apart without a look at their letters, and to let the table
    /// grow without hashing them again.
    hash: u32,
    word: u32,
}

impl Place {
    /// The table takes a place from the low bits and a tag from the high ones.
    fn spread(&self) -> u64 {
        u64::from(self.hash) << 32 | u64::from(self.hash)
    }
}

/// Fixed, so that the same input gives the same table every time.
const HASHER: FixedState = FixedState::with_seed(0);

fn hash(word: &[u8]) -> u32 {
    (HASHER.hash_one(word) >> 32) as u32
}

impl WordTotals {
    /// Adds `count` to the total of `word`.
    #[inline]
    pub fn add(&mut self, word: &[u8], count: u64) {
        if self.table.len() != self.words.len() {
            self.make_table();
        }
        let wanted = Place { hash: hash(word), word: 0 };
        let WordTotals { letters, words, table, overflowed } = self;
        let same = |place: &Place| place.hash == wanted.hash && letters_of(letters, words, place.word as usize) == word;
        match table.entry(wanted.spread(), same, Place::spread) {
            Slot::Occupied(slot) => words[slot.get().word as usize].raise(count, overflowed),
            Slot::Vacant(slot) => {
                let next = u32::try_from(words.len()).expect("fewer than 2^32 distinct words fit into memory");
                slot.insert(Place { word: next, ..wanted });
                self.push(word, count);
            }
        }
    }

    /// Adds `count` to the total of `word`, without hashing it while words come in increasing order or again.
    #[inline]
    pub fn add_run(&mut self, word: &[u8], count: u64) {
        if self.table.is_empty() {
            let last = self.words.len().checked_sub(1);
            match last.map_or(Ordering::Greater, |last| word.cmp(self.word(last))) {
                Ordering::Greater => return self.push(word, count),
                Ordering::Equal => {
                    let last = self.words.len() - 1;
                    return self.words[last].raise(count, &mut self.overflowed);
                }
                Ordering::Less => {}
            }
        }
        self.add(word, count);
    }

    #[inline]
    fn push(&mut self, word: &[u8], total: u64) {
        self.letters.extend_from_slice(word);
        self.words.push(Word { end: self.letters.len(), total });
    }

    #[cold]
    fn make_table(&mut self) {
        let WordTotals { letters, words, table, .. } = self;
        table.reserve(words.len(), Place::spread);
        for place in 0..words.len() {
            let word = u32::try_from(place).expect("fewer than 2^32 distinct words fit into memory");
            let place = Place { hash: hash(letters_of(letters, words, place)), word };
            table.insert_unique(place.spread(), place, Place::spread);
        }
    }

    /// Adds all of `other`'s totals.
    pub fn absorb(&mut self, other: WordTotals) {
        self.overflowed |= other.overflowed;
        if self.words.is_empty() {
            *self = WordTotals { overflowed: self.overflowed, ..other };
        } else if self.table.is_empty() && other.table.is_empty() && !other.is_empty() {
            self.merge(&other);
        } else {
            other.iter().for_each(|(word, total)| self.add(word, total));
        }
    }

    /// Adds the totals of `other`; the words of both increase.
    ///
    /// What lies between two words of the other list is copied at once, so that lists made from alternating partitions
    /// cost a few comparisons for each partition, not one for each word.
    fn merge(&mut self, other: &WordTotals) {
        let from = self.first_not_below(0, other.word(0));
        // A list of a few words that belongs far from the end of a long one, again and again, would move the long one
        // every time.
        if self.len() - from > 4096 + 64 * other.len() {
            return other.iter().for_each(|(word, total)| self.add(word, total));
        }
        let tail = self.split_off(from);
        let (mut mine, mut theirs) = (0, 0);
        while mine < tail.len() && theirs < other.len() {
            let until = tail.first_not_below(mine, other.word(theirs));
            self.extend(&tail, mine..until);
            mine = until;
            if mine == tail.len() {
                break;
            }
            let until = other.first_not_below(theirs, tail.word(mine));
            self.extend(other, theirs..until);
            theirs = until;
            if theirs < other.len() && tail.word(mine) == other.word(theirs) {
                self.extend(&tail, mine..mine + 1);
                self.add_run(other.word(theirs), other.words[theirs].total);
                mine += 1;
                theirs += 1;
            }
        }
        self.extend(&tail, mine..tail.len());
        self.extend(other, theirs..other.len());
    }

    /// The first place from `from` on whose word is not less than `word`, in a list that increases: found in steps that
    /// double, for it is often near.
    fn first_not_below(&self, from: usize, word: &[u8]) -> usize {
        let (mut low, mut step) = (from, 1);
        while low + step <= self.len() && self.word(low + step - 1) < word {
            low += step;
            step *= 2;
        }
        let mut high = (low + step).min(self.len());
        while low < high {
            let middle = low.midpoint(high);
            if self.word(middle) < word { low = middle + 1 } else { high = middle }
        }
        low
    }

    /// Appends a stretch of another list.
    fn extend(&mut self, other: &WordTotals, places: Range<usize>) {
        if places.is_empty() {
            return;
        }
        let (start, end) = (other.start(places.start), other.words[places.end - 1].end);
        let here = self.letters.len();
        self.letters.extend_from_slice(&other.letters[start..end]);
        self.words.extend(other.words[places].iter().map(|word| Word { end: word.end - start + here, ..*word }));
    }

    /// Cuts the list, which has no table.
    fn split_off(&mut self, from: usize) -> WordTotals {
        let start = self.start(from);
        let letters = self.letters.split_off(start);
        let mut words = self.words.split_off(from);
        words.iter_mut().for_each(|word| word.end -= start);
        WordTotals { letters, words, ..WordTotals::default() }
    }

    fn start(&self, place: usize) -> usize {
        start_of(&self.words, place)
    }

    fn word(&self, place: usize) -> &[u8] {
        letters_of(&self.letters, &self.words, place)
    }

    /// Whether some word's total went beyond `u64`; the totals are then worthless.
    pub fn overflowed(&self) -> bool {
        self.overflowed
    }

    /// How many distinct words there are.
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Whether there is no word.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// The total of one word.
    pub fn total(&self, word: &[u8]) -> Option<u64> {
        let place = if self.table.is_empty() {
            Some(self.first_not_below(0, word)).filter(|place| *place < self.len() && self.word(*place) == word)?
        } else {
            let wanted = Place { hash: hash(word), word: 0 };
            let same = |place: &Place| place.hash == wanted.hash && self.word(place.word as usize) == word;
            self.table.find(wanted.spread(), same)?.word as usize
        };
        Some(self.words[place].total)
    }

    /// Words and totals, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], u64)> {
        (0..self.len()).map(|place| (self.word(place), self.words[place].total))
    }

    /// Words and totals, sorted by the words' bytes.
    pub fn sorted(&self) -> Vec<(&[u8], u64)> {
        let mut sorted: Vec<_> = self.iter().collect();
        sorted.sort_unstable();
        sorted
    }
}

impl Word {
    #[inline]
    fn raise(&mut self, count: u64, overflowed: &mut bool) {
        let (sum, over) = self.total.overflowing_add(count);
        self.total = sum;
        *overflowed |= over;
    }
}

#[inline]
fn start_of(words: &[Word], place: usize) -> usize {
    if place == 0 { 0 } else { words[place - 1].end }
}

#[inline]
fn letters_of<'a>(letters: &'a [u8], words: &[Word], place: usize) -> &'a [u8] {
    &letters[start_of(words, place)..words[place].end]
}

/// On the wire: the letters, then each word's length and total.
impl Serialize for WordTotals {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let words: Vec<(usize, u64)> = self.iter().map(|(word, total)| (word.len(), total)).collect();
        (serde_bytes::Bytes::new(&self.letters), words, self.overflowed).serialize(serializer)
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
