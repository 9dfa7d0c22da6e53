//! Words one behind the other, each with its total.

use super::prefetch::prefetch;
use super::{Run, room};
use std::ops::Range;

/// Words and totals in the order in which they came. A new word costs no allocation of its own: 16 bytes and its letters.
#[derive(Clone, Default)]
pub(super) struct List {
    letters: Vec<u8>,
    words: Vec<Word>,
}

#[derive(Clone, Copy)]
struct Word {
    /// Where its letters end. They begin where those of the word before end.
    end: usize,
    total: u64,
}

impl List {
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.words.len()
    }

    /// Bytes in use.
    pub(super) fn bytes(&self) -> usize {
        self.letters.len() + size_of::<Word>() * self.words.len()
    }

    #[inline]
    pub(super) fn word(&self, place: usize) -> &[u8] {
        &self.letters[self.start(place)..self.words[place].end]
    }

    #[inline]
    pub(super) fn total(&self, place: usize) -> u64 {
        self.words[place].total
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u8], u64)> {
        self.among(0..self.len())
    }

    /// Words and totals of a stretch.
    pub(super) fn among(&self, places: Range<usize>) -> impl Iterator<Item = (&[u8], u64)> {
        places.map(|place| (self.word(place), self.total(place)))
    }

    /// The same, to be added elsewhere.
    pub(super) fn runs(&self, places: Range<usize>) -> impl Iterator<Item = Run<'_>> {
        places.map(|place| {
            let start = self.start(place);
            Run { text: &self.letters[start..], letters: self.words[place].end - start, count: self.total(place) }
        })
    }

    /// Asks for where a word ends and its total.
    #[inline]
    pub(super) fn prefetch_word(&self, place: usize) {
        prefetch(&self.words[place]);
    }

    /// Asks for a word's letters.
    #[inline]
    pub(super) fn prefetch_letters(&self, place: usize) {
        if let Some(letter) = self.letters.get(self.start(place)) {
            prefetch(letter);
        }
    }

    /// A stretch as a list of its own.
    pub(super) fn copied(&self, places: Range<usize>) -> List {
        let mut list = List::default();
        list.extend(self, places);
        list
    }

    /// Appends a run's word. Where there is more text, 32 bytes are copied and those too many dropped: that is one
    /// instruction, and copying a number that varies is a call and a wrong guess.
    #[inline]
    pub(super) fn push(&mut self, Run { text, letters, count: total }: Run) {
        let end = self.letters.len() + letters;
        if self.letters.capacity() < end + 32 || self.words.len() == self.words.capacity() {
            self.make_room(letters + 32);
        }
        match text.first_chunk::<32>() {
            Some(more) if letters <= 32 => {
                self.letters.extend_from_slice(more);
                self.letters.truncate(end);
            }
            _ => self.letters.extend_from_slice(&text[..letters]),
        }
        self.words.push(Word { end, total });
    }

    /// Room for another word.
    #[cold]
    fn make_room(&mut self, letters: usize) {
        room::make(&mut self.letters, letters);
        room::make(&mut self.words, 1);
    }

    /// Adds to a word's total; whether that went beyond `u64`.
    #[inline]
    pub(super) fn raise(&mut self, place: usize, count: u64) -> bool {
        let word = &mut self.words[place];
        let (sum, over) = word.total.overflowing_add(count);
        word.total = sum;
        over
    }

    #[inline]
    fn start(&self, place: usize) -> usize {
        if place == 0 { 0 } else { self.words[place - 1].end }
    }

    /// The first place from `from` on whose word is not less than `word`, in a list that increases: found in steps that
    /// double, for it is often near.
    pub(super) fn first_not_below(&self, from: usize, word: &[u8]) -> usize {
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
    pub(super) fn extend(&mut self, other: &List, places: Range<usize>) {
        if places.is_empty() {
            return;
        }
        let (start, end) = (other.start(places.start), other.words[places.end - 1].end);
        let here = self.letters.len();
        self.letters.extend_from_slice(&other.letters[start..end]);
        self.words.extend(other.words[places].iter().map(|word| Word { end: word.end - start + here, ..*word }));
    }

    /// Cuts the list in two; this one keeps the words before `from`.
    pub(super) fn split_off(&mut self, from: usize) -> List {
        let start = self.start(from);
        let letters = self.letters.split_off(start);
        let mut words = self.words.split_off(from);
        words.iter_mut().for_each(|word| word.end -= start);
        List { letters, words }
    }

    /// Appends what two lists have together, all three of which increase; whether a total went beyond `u64`.
    ///
    /// What lies between two words of the other list is copied at once, so that lists of alternating stretches cost a
    /// few comparisons for each stretch, not one for each word.
    pub(super) fn merge(&mut self, left: &List, right: &List) -> bool {
        let (mut mine, mut theirs, mut overflowed) = (0, 0, false);
        while mine < left.len() && theirs < right.len() {
            let until = left.first_not_below(mine, right.word(theirs));
            self.extend(left, mine..until);
            mine = until;
            if mine == left.len() {
                break;
            }
            let until = right.first_not_below(theirs, left.word(mine));
            self.extend(right, theirs..until);
            theirs = until;
            if theirs < right.len() && left.word(mine) == right.word(theirs) {
                self.extend(left, mine..mine + 1);
                overflowed |= self.raise(self.len() - 1, right.total(theirs));
                mine += 1;
                theirs += 1;
            }
        }
        self.extend(left, mine..left.len());
        self.extend(right, theirs..right.len());
        overflowed
    }
}
