//! The loop of all vector paths: windows, stretches, batches of eight lines, runs.

use super::field_index::{Begins, Proof, STRETCH};
use super::portable;
use super::same_word::Word;
use super::vectors::{BEYOND, Begin, Vectors};
use crate::prefetch::prefetch;
use crate::words::{Run, WordTotals};

/// The size of a window, whose places fit into 16 bits.
const WINDOW: usize = 64 * 1024 - 64;

/// How far ahead memory is prefetched. A processor that sees bytes read in order prefetches by itself; but here it sees a
/// stretch read, then nothing for some time. The module `runs` has the measured gain.
const AHEAD: usize = 3 * 1024;

/// Declares a vector path: a type whose values prove that the processor has the features, and the kernel `add`.
///
/// The features are given twice, for the compiler and for the check at run time, because an attribute needs a literal.
macro_rules! vector_path {
    ($name:ident, $features:literal, [$($feature:tt),+]) => {
        /// Proves that the processor has the instructions of this path.
        #[derive(Clone, Copy)]
        pub(super) struct $name(());

        impl $name {
            pub(super) fn detect() -> Option<Self> {
                ($(is_x86_feature_detected!($feature))&&+).then_some($name(()))
            }
        }

        /// Adds the lines of `piece` to `totals`.
        ///
        /// # Errors
        /// Where the first malformed line begins.
        pub(super) fn add(piece: &[u8], totals: &mut WordTotals) -> Result<(), usize> {
            #[target_feature(enable = $features)]
            fn add(vectors: $name, piece: &[u8], totals: &mut WordTotals) -> Result<(), usize> {
                batch8::add(vectors, piece, totals)
            }
            match $name::detect() {
                // SAFETY: the processor has these features.
                Some(vectors) => unsafe { add(vectors, piece, totals) },
                None => portable::add(piece, totals),
            }
        }
    };
}
pub(super) use vector_path;

/// Adds the lines of `piece` to `totals`, eight at a time. Lines that are left over or unusual are added one by one.
///
/// # Errors
/// Where the first malformed line begins.
#[inline(always)]
pub(super) fn add<V: Vectors>(vectors: V, piece: &[u8], totals: &mut WordTotals) -> Result<(), usize> {
    let (mut begin, mut by_line) = (0, 8);
    let mut scratch = Scratch { begins: Begins::new(), begun: Begun { begins: [[0; 4]; MOST], before: [0; MOST] } };
    while begin < piece.len() {
        let done = window(vectors, &piece[begin..], totals, &mut scratch);
        begin += done;
        if done > 0 {
            by_line = 8;
        } else {
            begin = portable::lines(piece, begin, by_line, totals)?;
            // If all lines are unusual, a window is not tried in vain for every eight of them.
            by_line = (2 * by_line).min(1024);
        }
    }
    Ok(())
}

/// Memory that a window writes before it reads it: 8 KiB that would be cleared and moved for each window if it had its own.
struct Scratch {
    begins: Begins,
    begun: Begun,
}

/// Adds lines from the begin of `text` on and returns their length in bytes: 0 if the first lines are unusual or malformed,
/// or if there are too few.
#[inline(always)]
fn window<V: Vectors>(vectors: V, text: &[u8], totals: &mut WordTotals, scratch: &mut Scratch) -> usize {
    let limit = text.len().saturating_sub(BEYOND).min(WINDOW) / 64;
    let Scratch { begins, begun } = scratch;
    let mut proof = Proof::new();
    begins.restart();
    let mut runs = Runs { text, totals, begun, number: 0 };
    let (mut word, mut sums) = (Word::none(vectors), vectors.none());
    // Where the next 64 bytes and the next line begin.
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
        let mut unusual = false;
        while done + 8 <= proof.lines() {
            let eight = begins.eight(done);
            // Compared first, so that a misprediction is noticed early.
            let same = word.all_have(text, eight);
            let Some(counts) = vectors.counts(text, eight) else {
                unusual = true;
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
        if unusual {
            break;
        }
        proof.forget(done);
        begins.forget(done);
    }
    runs.end(vectors.sum(sums));
    begin
}

/// The most runs that begin before they go to the totals.
const MOST: usize = 256;

/// Runs of neighbouring lines with the same word, by their first lines.
struct Begun {
    begins: [Begin; MOST],
    /// The sum of all counts before each run. A run's own sum is the difference to the next one.
    before: [u64; MOST],
}

/// Runs that have begun; the last one may continue. They go to the totals many at a time.
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
        let first = self.begun.begins[self.number..].first_chunk_mut().expect("space for eight");
        let before = self.begun.before[self.number..].first_chunk_mut().expect("space for eight");
        vectors.begun(begins, which, vectors.sum(sums), counts, (first, before));
        self.number += which.count_ones() as usize;
    }

    /// Adds all runs to the totals but the last, which may continue.
    #[inline(never)]
    fn add(&mut self) {
        let Begun { begins, before } = &mut self.begun;
        self.totals.add_runs(before[..self.number].windows(2).zip(&begins[..]).map(|(before, begin)| {
            let [start, year, ..] = begin.map(usize::from);
            Run { text: &self.text[start..], len: year - start - 1, count: before[1] - before[0] }
        }));
        if let Some(last) = self.number.checked_sub(1) {
            (begins[0], before[0]) = (begins[last], before[last]);
            self.number = 1;
        }
    }

    /// Adds all runs to the totals, given the sum of all counts.
    fn end(mut self, all: u64) {
        self.begun.before[self.number] = all;
        self.number += 1;
        self.add();
    }
}
