//! Shuffles lines in two steps that both stay within the cache.
//!
//! The first step appends each line to a random pile. The second step shuffles each pile (Fisher and Yates) and writes
//! the piles one after another. All orders are equally likely, as in one shuffle of all lines. One shuffle would wait
//! for memory at each line and take more than three times as long on 200 MB.

use std::io::{self, Write};

use memchr::memchr_iter;

use super::text::LineWriter;
use crate::random::{Random, mix};

/// The approximate size of a pile in bytes. A pile fits into the second-level cache of most machines.
const PILE: u64 = 1 << 19;
/// The largest number of piles. Appending to more piles would miss the cache, so larger files have larger piles.
const MOST_PILES: u64 = 1 << 10;

/// Receives sorted lines and writes them shuffled.
pub(super) struct Shuffle {
    piles: Vec<Vec<u8>>,
    random: Random,
}

impl Shuffle {
    /// Makes a shuffle for about `bytes` bytes.
    pub(super) fn new(seed: u64, bytes: u64) -> Self {
        let piles = (bytes / PILE).clamp(1, MOST_PILES);
        let room = bytes / piles;
        let pile = || Vec::with_capacity(usize::try_from(room + room / 16).unwrap_or(0));
        Self { piles: (0..piles).map(|_| pile()).collect(), random: Random::new(mix(seed ^ 3)) }
    }

    /// Writes the lines to `out`. Passes the number of bytes written to `progress`.
    pub(super) fn finish(mut self, out: &mut dyn Write, progress: &mut dyn FnMut(u64)) -> io::Result<()> {
        let mut writer = LineWriter::new(out, progress);
        for pile in self.piles {
            let mut lines: Vec<&[u8]> = lines(&pile).collect();
            for last in (1..lines.len()).rev() {
                lines.swap(last, self.random.below(last as u64 + 1) as usize);
            }
            for line in lines {
                writer.copy(line)?;
            }
        }
        writer.finish().map(|_| ())
    }
}

impl Write for Shuffle {
    /// Receives whole lines, as [`LineWriter`] writes them.
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        for line in lines(text) {
            let pile = self.random.below(self.piles.len() as u64) as usize;
            self.piles[pile].extend_from_slice(line);
        }
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns the lines of `text`, each with its LF.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut start = 0;
    memchr_iter(b'\n', text).map(move |end| {
        let line = &text[start..=end];
        start = end + 1;
        line
    })
}
