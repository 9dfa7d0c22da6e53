//! The portable path: line by line, sixteen bytes at a time. It runs on every processor, and processes the lines that
//! the vector paths leave.

use super::simd128;
use crate::bytes;
use crate::words::{Run, WordTotals};
use memchr::{memchr, memchr2};

/// The number of runs that are added together, because looking up hashed words together is faster.
const MANY: usize = 256;

/// Adds the lines of `piece` to `totals`.
///
/// The end of a line is known only after its numbers are parsed. Until then the next line has to wait. Therefore this
/// function alternates between the two halves of the piece, line by line: while one half waits, the other proceeds.
///
/// # Errors
/// Returns the offset of the first malformed line.
pub(super) fn add(piece: &[u8], totals: &mut WordTotals) -> Result<(), usize> {
    let half = piece.len() / 2;
    let middle = memchr(b'\n', &piece[half..]).map_or(piece.len(), |feed| half + feed + 1);
    let mut first = Lines::new(piece, 0, middle);
    let mut second = Lines::new(piece, middle, piece.len());
    // Two buffers, so that runs are added in the order of the text.
    let (mut sooner, mut later) = (Vec::with_capacity(MANY), Vec::new());
    while first.left() && second.left() {
        first.next(|run| sooner.push(run))?;
        if sooner.len() == MANY {
            totals.add_runs(sooner.drain(..));
        }
        // The loop below finds a malformed line again. If the first half has a malformed line too, that one is
        // reported.
        if second.next(|run| later.push(run)).is_err() {
            break;
        }
    }
    totals.add_runs(sooner);
    first.rest(totals)?;
    totals.add_runs(later);
    second.rest(totals)
}

/// Adds at most `most` lines from `begin` on. Returns the offset of the next line.
///
/// # Errors
/// Returns the offset of the first malformed line.
#[cfg(target_arch = "x86_64")]
pub(super) fn lines(text: &[u8], begin: usize, most: usize, totals: &mut WordTotals) -> Result<usize, usize> {
    let mut lines = Lines::new(text, begin, text.len());
    let mut done = 0;
    while lines.left() && done < most {
        lines.next(|run| totals.add_run(run))?;
        done += 1;
    }
    totals.add_runs(lines.current_run.run());
    Ok(lines.begin)
}

/// A cursor over the lines of a text between two offsets.
struct Lines<'a> {
    text: &'a [u8],
    begin: usize,
    end: usize,
    /// The run of the line before.
    current_run: CurrentRun<'a>,
}

impl<'a> Lines<'a> {
    fn new(text: &'a [u8], begin: usize, end: usize) -> Self {
        Lines { text, begin, end, current_run: CurrentRun::NONE }
    }

    /// Returns `true` if lines remain.
    #[inline(always)]
    fn left(&self) -> bool {
        self.begin < self.end
    }

    /// Processes the next line. If the line has a different word, passes the finished run to `ended`.
    #[inline(always)]
    fn next(&mut self, ended: impl FnMut(Run<'a>)) -> Result<(), usize> {
        if let Some((count, length)) = self.usual()
            && let Some(sum) = self.current_run.sum.checked_add(count)
        {
            self.current_run.sum = sum;
            self.begin += length;
            return Ok(());
        }
        self.any(ended)
    }

    /// Returns the count and the length of the next line. `None` if the word differs from the line before or the
    /// numbers are unusual. Within a chunk of 64 bytes no offset needs a bounds check.
    #[inline(always)]
    fn usual(&self) -> Option<(u64, usize)> {
        let line: &[u8; 64] = self.text.get(self.begin..)?.first_chunk()?;
        let len = self.current_run.len;
        if len >= 32 || !self.current_run.begins(line) {
            return None;
        }
        let (count, length) = short_numbers(line[len + 1..].first_chunk()?)?;
        Some((count, len + 1 + length))
    }

    /// Processes the next line, usual or not.
    fn any(&mut self, mut ended: impl FnMut(Run<'a>)) -> Result<(), usize> {
        let line = &self.text[self.begin..];
        if !self.current_run.has(line) {
            let length = word(line).ok_or(self.begin)?;
            let before = std::mem::replace(&mut self.current_run, CurrentRun::new(line, length));
            before.run().into_iter().for_each(&mut ended);
        }
        let (count, next) = numbers(self.text, self.begin + self.current_run.len + 1).ok_or(self.begin)?;
        self.begin = next;
        match self.current_run.sum.checked_add(count) {
            Some(sum) => self.current_run.sum = sum,
            // On overflow the run goes to the totals now, and a new sum begins. The totals record the overflow.
            None => {
                self.current_run.run().into_iter().for_each(ended);
                self.current_run.sum = count;
            }
        }
        Ok(())
    }

    /// Adds the remaining lines to the totals.
    fn rest(mut self, totals: &mut WordTotals) -> Result<(), usize> {
        while self.left() {
            self.next(|run| totals.add_run(run))?;
        }
        totals.add_runs(self.current_run.run());
        Ok(())
    }
}

/// A run that may continue.
#[derive(Clone, Copy)]
struct CurrentRun<'a> {
    /// The text from the first line of the run on.
    text: &'a [u8],
    /// The length of the word in bytes.
    len: usize,
    /// The first 16 bytes of the word and its tab, padded with zeros. `kept` is the mask of these bytes.
    word: [u8; 16],
    kept: [u8; 16],
    sum: u64,
}

impl<'a> CurrentRun<'a> {
    /// A run that no line continues. Its mask clears all bytes of a line, and its word is not zero.
    const NONE: CurrentRun<'static> = CurrentRun { text: &[], len: 0, word: [1; 16], kept: [0; 16], sum: 0 };

    #[inline]
    fn new(text: &'a [u8], len: usize) -> Self {
        // Keeps the word and its tab, and clears the bytes after them.
        let kept = u128::MAX >> (8 * 15_usize.saturating_sub(len));
        let begin = text.first_chunk().copied().unwrap_or_else(|| {
            let mut begin = [0; 16];
            begin[..text.len()].copy_from_slice(text);
            begin
        });
        let word = u128::from_le_bytes(begin) & kept;
        CurrentRun { text, len, word: word.to_le_bytes(), kept: kept.to_le_bytes(), sum: 0 }
    }

    /// Returns `true` if the line has the word of this run, which must have at most 31 bytes. Compares the first 16
    /// bytes of the word and its tab. If they are longer, also compares the last 16.
    #[inline(always)]
    fn begins(&self, line: &[u8; 64]) -> bool {
        let begin = line.first_chunk().expect("16 of 64 bytes");
        simd128::equal(begin, &self.kept, &self.word)
            && (self.len < 16 || bytes_at(line, self.len - 15) == bytes_at(self.text, self.len - 15))
    }

    /// Returns `true` if the line has the word of this run.
    #[inline]
    fn has(&self, line: &[u8]) -> bool {
        match line.first_chunk() {
            Some(begin) => simd128::equal(begin, &self.kept, &self.word) && (self.len < 16 || self.has_all(line)),
            None => self.len > 0 && self.has_all(line),
        }
    }

    /// As `has`, for a word of any length: compares every byte.
    fn has_all(&self, line: &[u8]) -> bool {
        line.strip_prefix(&self.text[..self.len]).is_some_and(|rest| rest.first() == Some(&b'\t'))
    }

    /// Returns the run so far; `None` if it has no line.
    #[inline]
    fn run(&self) -> Option<Run<'a>> {
        (self.len > 0).then_some(Run { text: self.text, len: self.len, count: self.sum })
    }
}

/// Returns the length of the word of a line.
#[inline]
fn word(line: &[u8]) -> Option<usize> {
    let length = memchr2(b'\t', b'\n', line)?;
    (length > 0 && line[length] == b'\t').then_some(length)
}

/// Parses the numbers of the line whose year begins at `year`. Returns the match count and the offset of the next line.
///
/// Nearly every year has four digits. A branch checks this, because the processor predicts the branch, while a computed
/// length would delay the next line. For the same reason a branch checks that the numbers end within 16 bytes.
#[inline(always)]
fn numbers(text: &[u8], year: usize) -> Option<(u64, usize)> {
    let short = bytes_at(text, year).and_then(short_numbers).map(|(count, length)| (count, year + length));
    short.or_else(|| long_numbers(text, year))
}

/// Parses the bytes from the year of a line on. Returns the match count and the length of the numbers with the line
/// feed. `None` if the numbers do not have the usual lengths.
#[inline(always)]
fn short_numbers(bytes: &[u8; 16]) -> Option<(u64, usize)> {
    let ends = simd128::no_digits(bytes);
    if simd128::first(ends) != 4 || simd128::byte(bytes, 4) != b'\t' {
        return None;
    }
    let (tab, feed) = ends_in(bytes, ends & !simd128::before(5), 5)?;
    Some((number(eight(bytes, 5), tab - 5), feed + 1))
}

/// As `numbers`, for longer or unusual numbers.
#[cold]
fn long_numbers(text: &[u8], year: usize) -> Option<(u64, usize)> {
    let count = year + 5;
    if bytes_at(text, year).is_some_and(|bytes| simd128::first(simd128::no_digits(bytes)) == 4 && bytes[4] == b'\t')
        && let Some(bytes) = bytes_at(text, count)
        && let Some((tab @ ..=8, feed)) = ends_in(bytes, simd128::no_digits(bytes), 0)
    {
        return Some((number(eight(bytes, 0), tab), count + feed + 1));
    }
    let (count, length) = bytes::numbers(text.get(year..)?)?;
    Some((count, year + length))
}

/// Returns the ends of the count, which begins at `begin`, and of the volumes. `None` if an end is missing or one of
/// the two fields is empty.
#[inline(always)]
fn ends_in(bytes: &[u8; 16], ends: simd128::Places, begin: usize) -> Option<(usize, usize)> {
    let tab = simd128::first(ends);
    let feed = simd128::first(ends & ends.wrapping_sub(1));
    let right = tab > begin
        && feed > tab + 1
        && feed < 16
        && simd128::byte(bytes, tab) == b'\t'
        && simd128::byte(bytes, feed) == b'\n';
    right.then_some((tab, feed))
}

/// Sixteen bytes.
#[inline(always)]
fn bytes_at(text: &[u8], at: usize) -> Option<&[u8; 16]> {
    text.get(at..)?.first_chunk()
}

/// Returns eight of sixteen bytes as a little-endian number.
#[inline(always)]
fn eight(bytes: &[u8; 16], at: usize) -> u64 {
    u64::from_le_bytes(*bytes[at..].first_chunk().expect("eight bytes from one of the first nine places"))
}

/// Parses the first `length` (1 to 8) of eight bytes as digits. Combines neighbouring digits, then pairs, then the two
/// groups of four.
#[inline(always)]
pub(super) fn number(bytes: u64, length: usize) -> u64 {
    let digits = (bytes ^ each(b'0')) << (64 - 8 * length);
    let pairs = (digits * 10 + (digits >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs * 100 + (pairs >> 16)) & 0x0000_ffff_0000_ffff;
    (fours * 10_000 + (fours >> 32)) & 0xffff_ffff
}

#[inline]
const fn each(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}
