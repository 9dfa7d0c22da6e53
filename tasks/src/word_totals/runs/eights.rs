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

    /// Each of eight.
    fn each(self, counts: Self::Counts) -> [u64; 8];
}

/// Adds the lines of `piece` to `totals`, eight at a time. What is left over, or odd, is done line by line.
///
/// # Errors
/// Where the first malformed line begins.
#[inline(always)]
pub(super) fn add<V: Vectors>(vectors: V, piece: &[u8], totals: &mut WordTotals) -> Result<(), usize> {
    let (mut begin, mut by_line) = (0, 8);
    let mut room = Room { begins: Begins::new(), begun: [Begun::default(); MOST] };
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
    begun: [Begun; MOST],
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
            let Some(counts) = vectors.counts(text, eight) else {
                odd = true;
                break;
            };
            if !word.all_have(text, eight) {
                let begun = word.change(text, eight);
                runs.begin(eight, begun, vectors.each(sums).iter().sum(), vectors.each(counts));
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
    runs.end(vectors.each(sums).iter().sum());
    begin
}

/// The most runs that have begun at a time: a power of two, so that a place's bits can be cut off instead of being
/// questioned.
const MOST: usize = 256;

/// A run of neighbouring lines with the same word.
#[derive(Clone, Copy, Default)]
struct Begun {
    /// Where the fields of its first line begin.
    begins: [u16; 4],
    /// What all counts before it add up to. So what its own add up to is known when the next one begins, as a difference.
    before: u64,
}

/// Runs that have begun, the last of which may go on. They go to the totals many at a time.
struct Runs<'a> {
    text: &'a [u8],
    totals: &'a mut WordTotals,
    begun: &'a mut [Begun; MOST],
    number: usize,
}

impl Runs<'_> {
    /// Notes which of eight lines begin a run, a bit for each.
    ///
    /// Every line is noted, and the next one overwrites it if it begins none. So no branch asks where runs begin, which
    /// no processor foresees.
    #[inline(always)]
    fn begin(&mut self, begins: &[u16; 33], which: u8, mut before: u64, counts: [u64; 8]) {
        if self.number + 8 >= MOST {
            self.add();
        }
        for (line, (begins, count)) in begins.as_chunks().0.iter().zip(counts).enumerate() {
            self.begun[self.number % MOST] = Begun { begins: *begins, before };
            self.number += usize::from(which >> line & 1);
            before += count;
        }
    }

    /// Adds all runs but the last, which may go on, to the totals.
    #[inline(never)]
    fn add(&mut self) {
        self.totals.add_runs(self.begun[..self.number].windows(2).map(|pair| {
            let [start, year, ..] = pair[0].begins.map(usize::from);
            Run { text: &self.text[start..], letters: year - start - 1, count: pair[1].before - pair[0].before }
        }));
        if let Some(last) = self.number.checked_sub(1) {
            self.begun[0] = self.begun[last];
            self.number = 1;
        }
    }

    /// Adds all runs to the totals, given what all counts add up to.
    fn end(mut self, all: u64) {
        self.begun[self.number % MOST].before = all;
        self.number += 1;
        self.add();
    }
}
