//! Line by line, sixteen bytes at a time: what every processor can do, and what the vector paths leave over.

use super::sixteen;
use crate::bytes;
use crate::words::{Run, WordTotals};
use memchr::{memchr, memchr2};

/// So many runs are added at once, for that is cheaper where words are looked for.
const MANY: usize = 256;

/// Adds the lines of `piece` to `totals`.
///
/// Where a line ends is known only when its numbers have been looked at, and until then the next one has to wait. So both
/// halves of the piece are worked through at the same time, line by line in turn: while one waits, the other goes on.
///
/// # Errors
/// Where the first malformed line begins.
pub(super) fn add(piece: &[u8], totals: &mut WordTotals) -> Result<(), usize> {
    let half = piece.len() / 2;
    let middle = memchr(b'\n', &piece[half..]).map_or(piece.len(), |feed| half + feed + 1);
    let mut first = Lines::new(piece, 0, middle);
    let mut second = Lines::new(piece, middle, piece.len());
    // Words are to come in the order of the text.
    let (mut sooner, mut later) = (Vec::with_capacity(MANY), Vec::new());
    while first.left() && second.left() {
        first.next(|run| sooner.push(run))?;
        if sooner.len() == MANY {
            totals.add_runs(sooner.drain(..));
        }
        // A malformed line is met again below, unless the first half has one too.
        if second.next(|run| later.push(run)).is_err() {
            break;
        }
    }
    totals.add_runs(sooner);
    first.rest(totals)?;
    totals.add_runs(later);
    second.rest(totals)
}

/// Adds at most `most` lines, the first of which begins at `begin`, and says where the next one does.
///
/// # Errors
/// Where the first malformed line begins.
#[cfg(target_arch = "x86_64")]
pub(super) fn lines(text: &[u8], begin: usize, most: usize, totals: &mut WordTotals) -> Result<usize, usize> {
    let mut lines = Lines::new(text, begin, text.len());
    let mut done = 0;
    while lines.left() && done < most {
        lines.next(|run| totals.add_run(run))?;
        done += 1;
    }
    totals.add_runs(lines.going_on.run());
    Ok(lines.begin)
}

/// The lines of a text from one place to another, one after the other.
struct Lines<'a> {
    text: &'a [u8],
    begin: usize,
    end: usize,
    /// That of the line before.
    going_on: GoingOn<'a>,
}

impl<'a> Lines<'a> {
    fn new(text: &'a [u8], begin: usize, end: usize) -> Self {
        Lines { text, begin, end, going_on: GoingOn::NONE }
    }

    /// Whether there are lines left.
    #[inline(always)]
    fn left(&self) -> bool {
        self.begin < self.end
    }

    /// Takes the next line. When it has another word, the run before has ended.
    #[inline(always)]
    fn next(&mut self, ended: impl FnMut(Run<'a>)) -> Result<(), usize> {
        if let Some((count, length)) = self.usual()
            && let Some(sum) = self.going_on.sum.checked_add(count)
        {
            self.going_on.sum = sum;
            self.begin += length;
            return Ok(());
        }
        self.any(ended)
    }

    /// The count of the next line and its length, if it has the word of the line before and is as most lines are. Of 64
    /// bytes all places are known to be there, which would otherwise be questions.
    #[inline(always)]
    fn usual(&self) -> Option<(u64, usize)> {
        let line: &[u8; 64] = self.text.get(self.begin..)?.first_chunk()?;
        let letters = self.going_on.letters;
        if letters >= 32 || !self.going_on.begins(line) {
            return None;
        }
        let (count, length) = short_numbers(line[letters + 1..].first_chunk()?)?;
        Some((count, letters + 1 + length))
    }

    /// Takes the next line, whatever it is.
    fn any(&mut self, mut ended: impl FnMut(Run<'a>)) -> Result<(), usize> {
        let line = &self.text[self.begin..];
        if !self.going_on.has(line) {
            let length = word(line).ok_or(self.begin)?;
            let before = std::mem::replace(&mut self.going_on, GoingOn::new(line, length));
            before.run().into_iter().for_each(&mut ended);
        }
        let (count, next) = numbers(self.text, self.begin + self.going_on.letters + 1).ok_or(self.begin)?;
        self.begin = next;
        match self.going_on.sum.checked_add(count) {
            Some(sum) => self.going_on.sum = sum,
            // What does not fit goes to the totals at once: they know how to say so.
            None => {
                self.going_on.run().into_iter().for_each(ended);
                self.going_on.sum = count;
            }
        }
        Ok(())
    }

    /// Adds what is left to the totals.
    fn rest(mut self, totals: &mut WordTotals) -> Result<(), usize> {
        while self.left() {
            self.next(|run| totals.add_run(run))?;
        }
        totals.add_runs(self.going_on.run());
        Ok(())
    }
}

/// A run that may go on.
#[derive(Clone, Copy)]
struct GoingOn<'a> {
    /// What begins with the first of these lines.
    text: &'a [u8],
    /// How many letters the word has.
    letters: usize,
    /// The first 16 bytes of the word and its tab, with zeros behind them, and which bytes they are.
    word: [u8; 16],
    kept: [u8; 16],
    sum: u64,
}

impl<'a> GoingOn<'a> {
    /// No line's: where no byte is kept all are zeros, and this word has other bytes.
    const NONE: GoingOn<'static> = GoingOn { text: &[], letters: 0, word: [1; 16], kept: [0; 16], sum: 0 };

    #[inline]
    fn new(text: &'a [u8], letters: usize) -> Self {
        // The word and its tab: those behind them are cleared.
        let kept = u128::MAX >> (8 * 15_usize.saturating_sub(letters));
        let begin = text.first_chunk().copied().unwrap_or_else(|| {
            let mut begin = [0; 16];
            begin[..text.len()].copy_from_slice(text);
            begin
        });
        let word = u128::from_le_bytes(begin) & kept;
        GoingOn { text, letters, word: word.to_le_bytes(), kept: kept.to_le_bytes(), sum: 0 }
    }

    /// Whether a line has this run's word, which has at most 31 letters: its first sixteen bytes and, of a longer word and
    /// its tab, the last sixteen.
    #[inline(always)]
    fn begins(&self, line: &[u8; 64]) -> bool {
        let begin = line.first_chunk().expect("16 of 64 bytes");
        sixteen::are(begin, &self.kept, &self.word)
            && (self.letters < 16 || bytes_at(line, self.letters - 15) == bytes_at(self.text, self.letters - 15))
    }

    /// Whether a line has this run's word.
    #[inline]
    fn has(&self, line: &[u8]) -> bool {
        match line.first_chunk() {
            Some(begin) => sixteen::are(begin, &self.kept, &self.word) && (self.letters < 16 || self.has_all(line)),
            None => self.letters > 0 && self.has_all(line),
        }
    }

    /// The same, looking at every letter.
    fn has_all(&self, line: &[u8]) -> bool {
        line.strip_prefix(&self.text[..self.letters]).is_some_and(|rest| rest.first() == Some(&b'\t'))
    }

    /// What it is so far; nothing if no line has begun it.
    #[inline]
    fn run(&self) -> Option<Run<'a>> {
        (self.letters > 0).then_some(Run { text: self.text, letters: self.letters, count: self.sum })
    }
}

/// The length of a line's word.
#[inline]
fn word(line: &[u8]) -> Option<usize> {
    let length = memchr2(b'\t', b'\n', line)?;
    (length > 0 && line[length] == b'\t').then_some(length)
}

/// The match count of the line whose year begins at `year`, and where the next line begins.
///
/// Nearly every year has four digits. That is asked as a question, whose answer the processor foresees, and not added up
/// from lengths, for which it would have to wait before it could look at the next line. The same goes for numbers that
/// end within 16 bytes from the begin of the year or of the count.
#[inline(always)]
fn numbers(text: &[u8], year: usize) -> Option<(u64, usize)> {
    let short = bytes_at(text, year).and_then(short_numbers).map(|(count, length)| (count, year + length));
    short.or_else(|| long_numbers(text, year))
}

/// The match count of a line, given what begins with its year, and their length with the line feed: if the numbers are of
/// the usual lengths.
#[inline(always)]
fn short_numbers(bytes: &[u8; 16]) -> Option<(u64, usize)> {
    let ends = sixteen::no_digits(bytes);
    if sixteen::first(ends) != 4 || sixteen::byte(bytes, 4) != b'\t' {
        return None;
    }
    let (tab, feed) = ends_in(bytes, ends & !sixteen::before(5), 5)?;
    Some((number(eight(bytes, 5), tab - 5), feed + 1))
}

/// The same, if the numbers are longer, or odd.
#[cold]
fn long_numbers(text: &[u8], year: usize) -> Option<(u64, usize)> {
    let count = year + 5;
    if bytes_at(text, year).is_some_and(|bytes| sixteen::first(sixteen::no_digits(bytes)) == 4 && bytes[4] == b'\t')
        && let Some(bytes) = bytes_at(text, count)
        && let Some((tab @ ..=8, feed)) = ends_in(bytes, sixteen::no_digits(bytes), 0)
    {
        return Some((number(eight(bytes, 0), tab), count + feed + 1));
    }
    let (count, length) = bytes::numbers(text.get(year..)?)?;
    Some((count, year + length))
}

/// Where the first two ends of fields are, given those of a count that begins at `begin` and its volumes. `None` if there
/// are no such two, or one of the fields is empty.
#[inline(always)]
fn ends_in(bytes: &[u8; 16], ends: sixteen::Places, begin: usize) -> Option<(usize, usize)> {
    let tab = sixteen::first(ends);
    let feed = sixteen::first(ends & ends.wrapping_sub(1));
    let right = tab > begin
        && feed > tab + 1
        && feed < 16
        && sixteen::byte(bytes, tab) == b'\t'
        && sixteen::byte(bytes, feed) == b'\n';
    right.then_some((tab, feed))
}

/// Sixteen bytes.
#[inline(always)]
fn bytes_at(text: &[u8], at: usize) -> Option<&[u8; 16]> {
    text.get(at..)?.first_chunk()
}

/// Eight of sixteen bytes; the first is the lowest.
#[inline(always)]
fn eight(bytes: &[u8; 16], at: usize) -> u64 {
    u64::from_le_bytes(*bytes[at..].first_chunk().expect("eight bytes from one of the first nine places"))
}

/// The number in the first `length` of eight bytes, 1 to 8 of them: neighbouring digits are put together, then
/// neighbouring pairs, then the two fours.
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
