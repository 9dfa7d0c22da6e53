//! The main loop of all vector paths. It divides the text into windows, stretches, batches of eight lines, and runs.

use super::field_index::{Begins, Proof, STRETCH};
use super::portable;
use super::same_word::Word;
use super::vectors::{BEYOND, Begin, Vectors};
use crate::prefetch::prefetch;
use crate::words::{Run, WordTotals};

/// The size of a window in bytes. Offsets in a window fit into 16 bits.
const WINDOW: usize = 64 * 1024 - 64;

/// The prefetch distance in bytes. A processor prefetches by itself if a program reads bytes steadily. This loop reads
/// a stretch, then nothing for some time. The module `runs` gives the measured gain.
const AHEAD: usize = 3 * 1024;

/// Declares a vector path: the kernel `add`, and a type whose values prove that the processor has the features.
///
/// The features appear twice, because an attribute needs a literal: once for the compiler, once for the check at run
/// time.
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
        /// Returns the offset of the first malformed line.
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

/// Adds the lines of `piece` to `totals`, eight at a time. Adds unusual lines and the remaining lines one by one.
///
/// # Errors
/// Returns the offset of the first malformed line.
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
            // Doubling this number limits the failed windows if all lines are unusual.
            by_line = (2 * by_line).min(1024);
        }
    }
    Ok(())
}

/// Buffers that all windows share. A window writes them before it reads them. Buffers for each window would be 8 KiB to
/// clear and move each time.
struct Scratch {
    begins: Begins,
    begun: Begun,
}

/// Adds lines from the start of `text` and returns their length in bytes. Returns 0 if the first lines are unusual or
/// malformed, or if there are too few lines.
#[inline(always)]
fn window<V: Vectors>(vectors: V, text: &[u8], totals: &mut WordTotals, scratch: &mut Scratch) -> usize {
    let limit = text.len().saturating_sub(BEYOND).min(WINDOW) / 64;
    let Scratch { begins, begun } = scratch;
    let mut proof = Proof::new();
    begins.restart();
    let mut runs = Runs { text, totals, begun, number: 0 };
    let (mut word, mut sums) = (Word::none(vectors), vectors.none());
    // The offsets of the next 64 bytes and of the next line.
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
            // The comparison comes first, so that the processor detects a misprediction early.
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

/// The largest number of runs that are collected before they are added to the totals.
const MOST: usize = 256;

/// The first lines of runs: neighbouring lines with the same word.
struct Begun {
    begins: [Begin; MOST],
    /// The sum of all counts before each run. The sum of one run is the difference to the next entry.
    before: [u64; MOST],
}

/// Collected runs. The last run may continue. All others are added to the totals together.
struct Runs<'a> {
    text: &'a [u8],
    totals: &'a mut WordTotals,
    begun: &'a mut Begun,
    number: usize,
}

impl Runs<'_> {
    /// Adds the runs that begin in eight lines. `which` has a bit for each line.
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

    /// Adds all runs except the last to the totals, because the last may continue.
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
