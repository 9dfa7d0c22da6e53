//! Word totals in sorted lists, used while words arrive in order. Nothing is hashed.

use super::key::Key;
use super::list::List;
use super::run::Run;
use std::cmp::Ordering;
use std::ops::Range;

/// Word totals in order, as stretches of lists.
///
/// The words of each partition are a stretch. Adding totals only puts stretches in order and leaves the lists in place.
/// So the totals of the partitions of a sorted file are added without copying a word.
#[derive(Clone, Default)]
pub(super) struct Sorted {
    /// The lists. Each list increases. A word that is in no stretch is dropped.
    lists: Vec<List>,
    /// The stretches in order. None is empty, and the words increase within and across stretches. Between
    /// [`Sorted::begin`] and [`Sorted::end`] the last stretch grows and may be out of order.
    stretches: Vec<Stretch>,
    /// The number of dropped words: words of the lists that are no longer in a stretch.
    dropped: usize,
    /// The key of the last word, if a greater word can be appended to the last list and stretch. Otherwise the largest
    /// key.
    last: Key,
    /// The possible positions of the next word.
    next: Next,
    /// `true` if the total of a word exceeded `u64`.
    pub(super) overflowed: bool,
}

/// A part of a list.
#[derive(Clone)]
struct Stretch {
    list: usize,
    places: Range<usize>,
}

/// The possible positions of the next word.
#[derive(Clone, Copy, Default, PartialEq)]
enum Next {
    /// A word that continues the last stretch.
    #[default]
    Continues,
    /// The first word of a partition. With `own_stretch`, the word begins a new stretch even if it continues the last
    /// one.
    First { own_stretch: bool },
}

/// The length below which a stretch is copied to the end of a list instead of kept.
const SHORT: usize = 256;

/// The number of dropped words that is tolerated.
const FEW: usize = 4096;

/// The number of lists up to which sorting takes no measurable time, even if the lists arrive in reverse order.
const MANY: usize = 1024;

impl Sorted {
    /// Makes totals without words.
    pub(super) fn empty(overflowed: bool) -> Self {
        Sorted { overflowed, ..Sorted::default() }
    }

    /// Adds runs while they can stay in order. Returns the first run that cannot.
    #[inline]
    pub(super) fn add_runs<'a>(&mut self, runs: &mut impl Iterator<Item = Run<'a>>) -> Option<Run<'a>> {
        loop {
            let (run, key) = self.add_increasing(runs)?;
            if !self.add_by_word(run, key) {
                return Some(run);
            }
        }
    }

    /// Appends runs to the last list while their keys prove the order. Returns the first run for which the key does
    /// not.
    #[inline]
    fn add_increasing<'a>(&mut self, runs: &mut impl Iterator<Item = Run<'a>>) -> Option<(Run<'a>, Key)> {
        let mut last = self.last;
        let mut end = self.lists.last_mut().zip(self.stretches.last_mut());
        let other = runs.find_map(|run| {
            let key = Key::of(run);
            match &mut end {
                Some((list, stretch)) if key.is_after(last) => {
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

    /// Adds a word whose key does not prove the order. Returns `true` if the words can stay in order.
    #[cold]
    fn add_by_word(&mut self, run: Run, key: Key) -> bool {
        let last = self.stretches.last();
        let next = std::mem::take(&mut self.next);
        match last.map_or(Ordering::Greater, |last| run.word().cmp(self.ends(last).1)) {
            Ordering::Less if next != Next::Continues && self.lists.len() < MANY => {
                self.stretches.push(Stretch { list: self.lists.len(), places: 0..1 });
                self.lists.push(List::default());
                self.lists.last_mut().expect("it was pushed").push(run);
            }
            Ordering::Less => return false,
            Ordering::Equal => {
                let last = last.expect("its last word was compared");
                self.overflowed |= self.lists[last.list].raise(last.places.end - 1, run.count);
            }
            Ordering::Greater => {
                let continues = self.last_can_grow() && next != Next::First { own_stretch: true };
                if self.lists.is_empty() {
                    self.lists.push(List::default());
                }
                let (number, list) = self.lists.iter_mut().enumerate().next_back().expect("there is one now");
                list.push(run);
                match self.stretches.last_mut().filter(|_| continues) {
                    Some(last) => last.places.end += 1,
                    None => self.stretches.push(Stretch { list: number, places: list.len() - 1..list.len() }),
                }
            }
        }
        if self.last_can_grow() {
            self.last = key;
        }
        true
    }

    /// Returns `true` if the last stretch is the end of the last list.
    fn last_can_grow(&self) -> bool {
        self.stretches.last().is_some_and(|last| last.list + 1 == self.lists.len() && self.is_end(last))
    }

    /// Returns `true` if a stretch is the end of its list.
    fn is_end(&self, stretch: &Stretch) -> bool {
        stretch.places.end == self.lists[stretch.list].len()
    }

    /// Returns the first and the last word of a stretch.
    fn ends(&self, stretch: &Stretch) -> (&[u8], &[u8]) {
        let list = &self.lists[stretch.list];
        (list.word(stretch.places.start), list.word(stretch.places.end - 1))
    }

    /// Begins a partition, whose words may come before existing words.
    pub(super) fn begin(&mut self) {
        let own_stretch = self.stretches.last().is_some_and(|last| last.places.len() >= SHORT);
        self.next = Next::First { own_stretch };
        self.last = Key::default();
    }

    /// Ends a partition: moves its stretch to the right place. Returns `false` if the words cannot stay in order and
    /// must move into tables.
    pub(super) fn end(&mut self) -> bool {
        self.next = Next::Continues;
        if let [.., before, last] = &self.stretches[..]
            && self.ends(before).1 >= self.ends(last).0
        {
            self.last = Key::default();
            let last = self.stretches.pop();
            return self.place_all(last.into_iter());
        }
        true
    }

    /// Adds all of `other`. Returns `false` if the words cannot stay in order and must move into tables.
    pub(super) fn absorb(&mut self, other: Sorted) -> bool {
        self.last = Key::default();
        self.overflowed |= other.overflowed;
        if let ([list], [stretch]) = (&other.lists[..], &other.stretches[..])
            && self.append(list, stretch)
        {
            return true;
        }
        let before = self.lists.len();
        self.lists.extend(other.lists);
        self.dropped += other.dropped;
        let moved = other.stretches.into_iter().map(|stretch| Stretch { list: stretch.list + before, ..stretch });
        self.place_all(moved)
    }

    /// Copies a short stretch to the end of a list if that keeps the order.
    fn append(&mut self, from: &List, stretch: &Stretch) -> bool {
        let Some(last) = self.stretches.last() else { return false };
        let (_, end) = self.ends(last);
        let belongs = end < from.word(stretch.places.start) && self.is_end(last);
        if stretch.places.len() >= SHORT || !belongs {
            return false;
        }
        let last = self.stretches.last_mut().expect("its end was compared");
        self.lists[last.list].extend(from, stretch.places.clone());
        last.places.end += stretch.places.len();
        true
    }

    /// Moves stretches to the right places. If that would move too many others, leaves them in any order and returns
    /// `false`.
    fn place_all(&mut self, mut stretches: impl Iterator<Item = Stretch>) -> bool {
        while let Some(stretch) = stretches.next() {
            if let Err(stretch) = self.place(stretch) {
                self.stretches.push(stretch);
                self.stretches.extend(stretches);
                return false;
            }
        }
        // The second test is slower, because `len` adds up all stretches.
        if self.dropped > FEW && self.dropped > self.len() {
            self.copy_all();
        }
        true
    }

    /// Moves a stretch of one of the lists to the right place. Returns the stretch if that would move too many others.
    fn place(&mut self, mut stretch: Stretch) -> Result<(), Stretch> {
        let (first, last) = self.ends(&stretch);
        // The stretches that overlap this one.
        let (from, until) = match self.stretches.last() {
            // Nearly always the stretch comes after all others.
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
        // A word with lines on both sides of a cut is in both stretches. One stretch drops the word.
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
            // Inserting a few words into many, again and again, would move the many words every time.
            return Err(stretch);
        }
        self.merge(from..until, &stretch);
        Ok(())
    }

    /// Merges neighbouring stretches and `other` into one.
    fn merge(&mut self, neighbours: Range<usize>, other: &Stretch) {
        let from = neighbours.start;
        let mut merged = self.stretches[from].clone();
        if !self.is_end(&merged) || merged.list == other.list {
            // The list continues after this stretch, so the stretch moves to a list of its own, where it can grow.
            let own = self.lists[merged.list].copied(merged.places.clone());
            self.dropped += own.len();
            merged = Stretch { list: self.lists.len(), places: 0..own.len() };
            self.lists.push(own);
        }
        let mut list = std::mem::take(&mut self.lists[merged.list]);
        let added = self.lists[other.list].copied(other.places.clone());
        // The words before all new words stay in place.
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

    /// Copies all stretches into one list. This frees the memory of dropped words.
    fn copy_all(&mut self) {
        let mut whole = List::default();
        for Stretch { list, places } in self.stretches.drain(..) {
            whole.extend(&self.lists[list], places);
        }
        self.stretches.push(Stretch { list: 0, places: 0..whole.len() });
        self.lists = vec![whole];
        self.dropped = 0;
    }

    /// Iterates over the stretches, each with its list.
    fn parts(&self) -> impl Iterator<Item = (&List, Range<usize>)> {
        self.stretches.iter().map(|stretch| (&self.lists[stretch.list], stretch.places.clone()))
    }

    /// Iterates over words and totals as runs, which other totals can add.
    pub(super) fn runs(&self) -> impl Iterator<Item = Run<'_>> {
        self.parts().flat_map(|(list, places)| list.runs(places))
    }

    /// Iterates over words and totals in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u8], u64)> {
        self.parts().flat_map(|(list, places)| list.among(places))
    }

    /// The number of words.
    pub(super) fn len(&self) -> usize {
        self.stretches.iter().map(|stretch| stretch.places.len()).sum()
    }

    /// Returns `true` if there is no word.
    pub(super) fn is_empty(&self) -> bool {
        self.stretches.is_empty()
    }

    /// The number of bytes in use.
    pub(super) fn size(&self) -> usize {
        self.lists.iter().map(List::size).sum()
    }

    /// The sum of all totals.
    pub(super) fn occurrences(&self) -> u128 {
        self.parts().map(|(list, places)| list.occurrences(places)).sum()
    }

    /// The total of one word.
    pub(super) fn total(&self, word: &[u8]) -> Option<u64> {
        let Stretch { list, places } =
            self.stretches.get(self.stretches.partition_point(|stretch| self.ends(stretch).1 < word))?;
        let list = &self.lists[*list];
        let place = list.first_not_below(places.start, word);
        (list.word(place) == word).then(|| list.total(place))
    }
}
