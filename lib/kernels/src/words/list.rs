//! A list of words, each with its total.

use super::reserve::reserve;
use super::run::Run;
use crate::prefetch::prefetch;
use std::collections::BTreeMap;
use std::ops::Range;

/// Words and totals in insertion order. A new word needs no allocation of its own. It takes its own bytes and 8 more.
///
/// The first use of memory is expensive, so ends and totals have 32 bits each. Numbers from `LARGE` on are stored in
/// separate maps. Only a test uses a smaller `LARGE`.
#[derive(Clone, Default)]
pub(super) struct List<const LARGE: u32 = { u32::MAX }> {
    bytes: Vec<u8>,
    words: Vec<Word>,
    large_ends: BTreeMap<usize, usize>,
    large_totals: BTreeMap<usize, u64>,
}

#[derive(Clone, Copy)]
struct Word {
    /// The end of the bytes of the word, or `LARGE`. The bytes begin at the end of the previous word.
    end: u32,
    /// The total of the word, or `LARGE`.
    total: u32,
}

impl<const LARGE: u32> List<LARGE> {
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.words.len()
    }

    /// The number of bytes in use.
    pub(super) fn size(&self) -> usize {
        let large = size_of::<[usize; 2]>() * self.large_ends.len() + size_of::<[u64; 2]>() * self.large_totals.len();
        self.bytes.len() + size_of::<Word>() * self.words.len() + large
    }

    #[inline]
    pub(super) fn word(&self, place: usize) -> &[u8] {
        &self.bytes[self.start(place)..self.end(place)]
    }

    #[inline]
    pub(super) fn total(&self, place: usize) -> u64 {
        let total = self.words[place].total;
        if total < LARGE { total.into() } else { self.large_totals[&place] }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u8], u64)> {
        self.among(0..self.len())
    }

    /// Returns the sum of the totals of a stretch. Correct only if no total exceeded `u64`.
    pub(super) fn occurrences(&self, places: Range<usize>) -> u128 {
        let large =
            self.large_totals.range(places.clone()).map(|(_, total)| u128::from(total.saturating_sub(LARGE.into())));
        // Fewer than 2^32 numbers of 32 bits fit into 64.
        let sum: u64 = self.words[places].iter().map(|word| u64::from(word.total)).sum();
        u128::from(sum) + large.sum::<u128>()
    }

    /// Iterates over the words and totals of a stretch.
    pub(super) fn among(&self, places: Range<usize>) -> impl Iterator<Item = (&[u8], u64)> {
        places.map(|place| (self.word(place), self.total(place)))
    }

    /// Iterates over a stretch as runs, which other totals can add.
    pub(super) fn runs(&self, places: Range<usize>) -> impl Iterator<Item = Run<'_>> {
        places.map(|place| {
            let start = self.start(place);
            Run { text: &self.bytes[start..], len: self.end(place) - start, count: self.total(place) }
        })
    }

    /// Prefetches the end and the total of a word.
    #[inline]
    pub(super) fn prefetch_word(&self, place: usize) {
        prefetch(&self.words[place]);
    }

    /// Prefetches the bytes of a word.
    #[inline]
    pub(super) fn prefetch_bytes(&self, place: usize) {
        if let Some(byte) = self.bytes.get(self.start(place)) {
            prefetch(byte);
        }
    }

    /// Returns a copy of a stretch.
    pub(super) fn copied(&self, places: Range<usize>) -> Self {
        let mut list = Self::default();
        list.extend(self, places);
        list
    }

    /// Appends the word of a run. If the text is long enough, copies 32 bytes and drops the excess. That takes one
    /// instruction, while a copy of variable length takes a call and a mispredicted branch.
    #[inline]
    pub(super) fn push(&mut self, Run { text, len, count: total }: Run) {
        let end = self.bytes.len() + len;
        if self.bytes.capacity() < end + 32 || self.words.len() == self.words.capacity() {
            self.reserve(len + 32);
        }
        match text.first_chunk::<32>() {
            Some(more) if len <= 32 => {
                self.bytes.extend_from_slice(more);
                self.bytes.truncate(end);
            }
            _ => self.bytes.extend_from_slice(&text[..len]),
        }
        self.push_end(end, total);
    }

    /// Appends a word whose bytes are already in the list.
    #[inline]
    fn push_end(&mut self, end: usize, total: u64) {
        if end < LARGE as usize && total < LARGE.into() {
            self.words.push(Word { end: end as u32, total: total as u32 });
        } else {
            self.push_large(end, total);
        }
    }

    #[cold]
    fn push_large(&mut self, end: usize, total: u64) {
        let place = self.len();
        if end >= LARGE as usize {
            self.large_ends.insert(place, end);
        }
        if total >= LARGE.into() {
            self.large_totals.insert(place, total);
        }
        self.words.push(Word { end: end.min(LARGE as usize) as u32, total: total.min(LARGE.into()) as u32 });
    }

    /// Reserves space for another word.
    #[cold]
    fn reserve(&mut self, bytes: usize) {
        reserve(&mut self.bytes, bytes);
        reserve(&mut self.words, 1);
    }

    /// Adds to the total of a word. Returns `true` if the total exceeded `u64`.
    #[inline]
    pub(super) fn raise(&mut self, place: usize, count: u64) -> bool {
        let total = &mut self.words[place].total;
        match u64::from(*total).checked_add(count) {
            Some(sum) if sum < LARGE.into() => *total = sum as u32,
            _ => return self.raise_large(place, count),
        }
        false
    }

    /// As `raise`, for a total that is or becomes large.
    #[cold]
    fn raise_large(&mut self, place: usize, count: u64) -> bool {
        let (sum, over) = self.total(place).overflowing_add(count);
        self.words[place].total = LARGE;
        self.large_totals.insert(place, sum);
        over
    }

    #[inline]
    fn start(&self, place: usize) -> usize {
        if place == 0 { 0 } else { self.end(place - 1) }
    }

    #[inline]
    fn end(&self, place: usize) -> usize {
        let end = self.words[place].end;
        if end < LARGE { end as usize } else { self.large_ends[&place] }
    }

    /// Returns the index, from `from` on, of the first word that is not less than `word`. The list must increase. The
    /// search doubles its steps, because the index is often near `from`.
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
    pub(super) fn extend(&mut self, other: &Self, places: Range<usize>) {
        if places.is_empty() {
            return;
        }
        let (start, end) = (other.start(places.start), other.end(places.end - 1));
        let here = self.bytes.len();
        self.bytes.extend_from_slice(&other.bytes[start..end]);
        self.words.reserve(places.len());
        places.for_each(|place| self.push_end(other.end(place) - start + here, other.total(place)));
    }

    /// Splits the list. `self` keeps the words before `from`, and the result has the others.
    pub(super) fn split_off(&mut self, from: usize) -> Self {
        let off = self.copied(from..self.len());
        self.bytes.truncate(self.start(from));
        self.words.truncate(from);
        self.large_ends.split_off(&from);
        self.large_totals.split_off(&from);
        off
    }

    /// Appends the union of two lists. All three lists must increase. Returns `true` if a total exceeded `u64`.
    ///
    /// All words between two words of the other list are copied at once. So lists of alternating stretches cost a few
    /// comparisons per stretch, not one per word.
    pub(super) fn merge(&mut self, left: &Self, right: &Self) -> bool {
        let (mut at_left, mut at_right, mut overflowed) = (0, 0, false);
        while at_left < left.len() && at_right < right.len() {
            let until = left.first_not_below(at_left, right.word(at_right));
            self.extend(left, at_left..until);
            at_left = until;
            if at_left == left.len() {
                break;
            }
            let until = right.first_not_below(at_right, left.word(at_left));
            self.extend(right, at_right..until);
            at_right = until;
            if at_right < right.len() && left.word(at_left) == right.word(at_right) {
                self.extend(left, at_left..at_left + 1);
                overflowed |= self.raise(self.len() - 1, right.total(at_right));
                at_left += 1;
                at_right += 1;
            }
        }
        self.extend(left, at_left..left.len());
        self.extend(right, at_right..right.len());
        overflowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// In this test numbers are large from 9 on, so that a few words have both kinds.
    type Few = List<9>;

    fn list(words: &[(Vec<u8>, u64)]) -> Few {
        let mut list = Few::default();
        words.iter().for_each(|(word, total)| list.push(Run::of(word, *total)));
        list
    }

    fn content(list: &Few) -> Vec<(Vec<u8>, u64)> {
        list.iter().map(|(word, total)| (word.to_vec(), total)).collect()
    }

    /// Increasing words with totals around `LARGE` and around the largest `u64`.
    fn words() -> impl Strategy<Value = Vec<(Vec<u8>, u64)>> {
        let total = prop_oneof![0..20_u64, u64::MAX - 10..=u64::MAX];
        proptest::collection::btree_map(proptest::collection::vec(b'a'..b'd', 1..6), total, 0..20)
            .prop_map(|words| words.into_iter().collect())
    }

    proptest! {
        /// A list with large ends and totals has the same content as a plain vector of words.
        #[test]
        fn a_list_with_large_numbers_behaves_like_a_vector(words in words(), more in words(), cut in 0..=20_usize, adds in 0..20_u64) {
            let mut plain = words.clone();
            let mut list = list(&plain);
            prop_assert_eq!(content(&list), plain.clone());
            let sum: u128 = plain.iter().map(|(_, total)| u128::from(*total)).sum();
            prop_assert_eq!(list.occurrences(0..plain.len()), sum);

            for (place, (_, total)) in plain.iter_mut().enumerate() {
                let (sum, over) = total.overflowing_add(adds);
                prop_assert_eq!(list.raise(place, adds), over);
                *total = sum;
            }
            prop_assert_eq!(content(&list), plain.clone());

            let cut = cut.min(plain.len());
            prop_assert_eq!(content(&list.copied(cut..plain.len())), plain[cut..].to_vec());
            let (off, plain_off) = (list.split_off(cut), plain.split_off(cut));
            prop_assert_eq!(content(&off), plain_off.clone());
            prop_assert_eq!(content(&list), plain.clone());
            list.extend(&off, 0..off.len());
            plain.extend(plain_off);
            prop_assert_eq!(content(&list), plain.clone());

            let other = self::list(&more);
            let mut merged = Few::default();
            let over = merged.merge(&list, &other);
            let (mut sums, mut plain_over) = (std::collections::BTreeMap::new(), false);
            for (word, total) in plain.into_iter().chain(more) {
                let sum = sums.entry(word).or_insert(0_u64);
                let (next, over) = sum.overflowing_add(total);
                *sum = next;
                plain_over |= over;
            }
            prop_assert_eq!(over, plain_over);
            prop_assert_eq!(content(&merged), sums.into_iter().collect::<Vec<_>>());
        }
    }
}
