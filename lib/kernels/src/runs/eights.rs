//! What the vector paths share: windows, stretches, groups of eight lines, runs.

use super::alike::Word;
use super::marks::{Begins, Proof, STRETCH};
use super::portable;
use crate::prefetch::prefetch;
use crate::words::{Run, WordTotals};

/// How many bytes from the begin of a line or a count on a path may read.
pub(super) const BEYOND: usize = 32;

/// A window: places in it fit into 16 bits.
const WINDOW: usize = 64 * 1024 - 64;

/// How far ahead memory is asked for. A processor that sees bytes being read in order asks for the next ones by itself; but
/// here it sees a stretch read, then for some time nothing. What it is worth stands in `runs`.
const AHEAD: usize = 3 * 1024;

/// The shortest field, with the byte that ends it.
pub(super) const SHORTEST: u16 = 2;

/// The longest word and its tab, year, count and volumes, with the byte that ends each: what eight lines at a time can be.
/// 19 digits fit into a number whatever they are, and a count has to fit into eight bytes.
pub(super) const LONGEST: [u16; 4] = [32, 20, 9, 20];

/// What a path does with its vectors. A value of such a type is the proof that the processor has them, and AVX2 too.
pub(super) trait Vectors: Copy {
    /// Eight counts, or sums of such.
    type Counts: Copy;

    /// Goes on with the proof over the 64 bytes of the text that begin at `at`, and notes where fields begin.
    fn mark(self, bytes: &[u8; 64], at: usize, proof: Proof, begins: &mut Begins) -> Proof;

    /// No counts yet.
    fn none(self) -> Self::Counts;

    /// The counts of eight lines, given by where their fields begin. `None` if one of the eight has a field that is empty
    /// or too long.
    fn counts(self, text: &[u8], begins: &[u16; 33]) -> Option<Self::Counts>;

    /// With eight counts added.
    fn plus(self, sums: Self::Counts, counts: Self::Counts) -> Self::Counts;

    /// The sum of eight.
    fn sum(self, counts: Self::Counts) -> u64;

    /// Of eight lines, those that begin a run: where their fields begin and what all counts before each add up to, one behind
    /// the other. `which` has a bit for each that does. What is behind the last of them may be anything.
    fn begun(
        self,
        begins: &[u16; 33],
        which: u8,
        before: u64,
        counts: Self::Counts,
        into: (&mut [Begin; 8], &mut [u64; 8]),
    );
}

/// Where the fields of a run's first line begin.
pub(super) type Begin = [u16; 4];

/// Adds the lines of `piece` to `totals`, eight at a time. What is left over, or odd, is done line by line.
///
/// # Errors
/// Where the first malformed line begins.
#[inline(always)]
pub(super) fn add<V: Vectors>(vectors: V, piece: &[u8], totals: &mut WordTotals) -> Result<(), usize> {
    let (mut begin, mut by_line) = (0, 8);
    let mut room = Room { begins: Begins::new(), begun: Begun { begins: [[0; 4]; MOST], before: [0; MOST] } };
    while begin < piece.len() {
        let done = window(vectors, &piece[begin..], totals, &mut room);
        begin += done;
        if done > 0 {
            by_line = 8;
        } else {
            begin = portable::lines(piece, begin, by_line, totals)?;
            // Where all lines are odd, windows are not opened in vain for every eight of them.
            by_line = (2 * by_line).min(1024);
        }
    }
    Ok(())
}

/// What windows write before they read it: 8 KiB that would be filled with zeros for each, and moved, were they their own.
struct Room {
    begins: Begins,
    begun: Begun,
}

/// Adds lines from the begin of `text` on, and says how many bytes they are: none when the first lines are odd or wrong,
/// or when there are too few.
#[inline(always)]
fn window<V: Vectors>(vectors: V, text: &[u8], totals: &mut WordTotals, room: &mut Room) -> usize {
    let limit = text.len().saturating_sub(BEYOND).min(WINDOW) / 64;
    let Room { begins, begun } = room;
    let mut proof = Proof::new();
    begins.restart();
    let mut runs = Runs { text, totals, begun, number: 0 };
    let (mut word, mut sums) = (Word::none(vectors), vectors.none());
    // Where the lines that are not done begin.
    let (mut at, mut begin) = (0, 0);
    for stretch in text.as_chunks().0[..limit].chunks(STRETCH / 64) {
        for bytes in stretch {
            if let Some(ahead) = text.get(at + AHEAD) {
                prefetch(ahead);
            }
            proof = vectors.mark(bytes, at, proof, begins);
            at += 64;
        }
        if !proof.holds() {
            break;
        }
        let mut done = 0;
        let mut odd = false;
        while done + 8 <= proof.lines() {
            let eight = begins.eight(done);
            // Asked first, so that a wrong guess is noticed early.
            let same = word.all_have(text, eight);
            let Some(counts) = vectors.counts(text, eight) else {
                odd = true;
                break;
            };
            if !same {
                let which = word.change(text, eight);
                runs.begin(vectors, eight, which, sums, counts);
            }
            sums = vectors.plus(sums, counts);
            done += 8;
        }
        begin = begins.line(done)[0];
        if odd {
            break;
        }
        proof.forget(done);
        begins.forget(done);
    }
    runs.end(vectors.sum(sums));
    begin
}

/// The most runs that have begun at a time.
const MOST: usize = 256;

/// Runs of neighbouring lines with the same word, by their first lines.
struct Begun {
    begins: [Begin; MOST],
    /// What all counts before each add up to. So what its own add up to is known when the next one begins, as a difference.
    before: [u64; MOST],
}

/// Runs that have begun, the last of which may go on. They go to the totals many at a time.
struct Runs<'a> {
    text: &'a [u8],
    totals: &'a mut WordTotals,
    begun: &'a mut Begun,
    number: usize,
}

impl Runs<'_> {
    /// Notes which of eight lines begin a run, a bit for each.
    #[inline(always)]
    fn begin<V: Vectors>(&mut self, vectors: V, begins: &[u16; 33], which: u8, sums: V::Counts, counts: V::Counts) {
        if self.number + 8 >= MOST {
            self.add();
        }
        let first = self.begun.begins[self.number..].first_chunk_mut().expect("room for eight");
        let before = self.begun.before[self.number..].first_chunk_mut().expect("room for eight");
        vectors.begun(begins, which, vectors.sum(sums), counts, (first, before));
        self.number += which.count_ones() as usize;
    }

    /// Adds all runs but the last, which may go on, to the totals.
    #[inline(never)]
    fn add(&mut self) {
        let Begun { begins, before } = &mut self.begun;
        self.totals.add_runs(before[..self.number].windows(2).zip(&begins[..]).map(|(before, begin)| {
            let [start, year, ..] = begin.map(usize::from);
            Run { text: &self.text[start..], letters: year - start - 1, count: before[1] - before[0] }
        }));
        if let Some(last) = self.number.checked_sub(1) {
            (begins[0], before[0]) = (begins[last], before[last]);
            self.number = 1;
        }
    }

    /// Adds all runs to the totals, given what all counts add up to.
    fn end(mut self, all: u64) {
        self.begun.before[self.number] = all;
        self.number += 1;
        self.add();
    }
}
