//! Line by line in plain Rust, eight bytes at a time: what every processor can do, and what the vector paths leave over.

use crate::word_totals::bytes;
use crate::words::WordTotals;
use memchr::memchr2;

/// Adds the lines of `piece` to `totals`.
///
/// # Errors
/// Where the first malformed line begins.
pub(super) fn add(piece: &[u8], totals: &mut WordTotals) -> Result<(), usize> {
    lines(piece, 0, usize::MAX, totals).map(|_| ())
}

/// Adds at most `most` lines, the first of which begins at `begin`, and says where the next one does.
///
/// # Errors
/// Where the first malformed line begins.
pub(super) fn lines(text: &[u8], mut begin: usize, most: usize, totals: &mut WordTotals) -> Result<usize, usize> {
    let mut run: Option<Run> = None;
    for _ in 0..most {
        if begin >= text.len() {
            break;
        }
        let length = match &mut run {
            Some(run) if run.has(&text[begin..]) => run.letters,
            run => {
                let length = word(&text[begin..]).ok_or(begin)?;
                let before = run.replace(Run::new(&text[begin..], length));
                before.inspect(|before| before.end(totals));
                length
            }
        };
        let (count, next) = numbers(text, begin + length + 1).ok_or(begin)?;
        run.as_mut().expect("a line belongs to a run").add(count, totals);
        begin = next;
    }
    run.inspect(|run| run.end(totals));
    Ok(begin)
}

/// Neighbouring lines with the same word.
struct Run<'a> {
    /// What begins with the first of these lines.
    text: &'a [u8],
    /// How many letters the word has.
    letters: usize,
    /// The word and its tab as a number, if they are 16 bytes or less, and which bits of the number they are.
    short: Option<(u128, u128)>,
    sum: u64,
}

impl<'a> Run<'a> {
    #[inline]
    fn new(text: &'a [u8], letters: usize) -> Self {
        let word = &text[..letters];
        let short = (word.len() < 16).then(|| {
            let mut bytes = [0; 16];
            bytes[..word.len()].copy_from_slice(word);
            bytes[word.len()] = b'\t';
            (u128::from_le_bytes(bytes), u128::MAX >> (8 * (15 - word.len())))
        });
        Run { text, letters, short, sum: 0 }
    }

    /// Whether a line has this run's word.
    #[inline]
    fn has(&self, line: &[u8]) -> bool {
        match (self.short, line.first_chunk()) {
            (Some((word, bits)), Some(begin)) => (u128::from_le_bytes(*begin) ^ word) & bits == 0,
            _ => line.strip_prefix(&self.text[..self.letters]).is_some_and(|rest| rest.first() == Some(&b'\t')),
        }
    }

    /// What does not fit goes to the totals at once: they know how to say so.
    #[inline]
    fn add(&mut self, count: u64, totals: &mut WordTotals) {
        self.sum = self.sum.checked_add(count).unwrap_or_else(|| {
            self.end(totals);
            count
        });
    }

    #[inline]
    fn end(&self, totals: &mut WordTotals) {
        totals.add_run_at(self.text, self.letters, self.sum);
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
/// from lengths, for which it would have to wait before it could look at the next line. The same goes for a count and
/// volumes that fit into eight bytes.
#[inline]
fn numbers(text: &[u8], year: usize) -> Option<(u64, usize)> {
    short_numbers(text, year).or_else(|| {
        let (count, length) = bytes::numbers(text.get(year..)?)?;
        Some((count, year + length))
    })
}

/// The same, if the numbers are of the usual lengths.
#[inline]
fn short_numbers(text: &[u8], year: usize) -> Option<(u64, usize)> {
    let first = eight(text, year)?;
    if no_digits(first) << 24 != 0x80 << 56 || byte(first, 4) != b'\t' {
        return None;
    }
    let count = year + 5;
    let second = eight(text, count)?;
    let ends = no_digits(second);
    let tab = first_byte(ends);
    if tab == 0 || tab == 8 || byte(second, tab) != b'\t' {
        return None;
    }
    let feed = first_byte(ends & (ends - 1));
    if feed < 8 {
        let right = feed > tab + 1 && byte(second, feed) == b'\n';
        return right.then(|| (number(second, tab), count + feed + 1));
    }
    let volumes = count + tab + 1;
    let third = eight(text, volumes)?;
    let feed = first_byte(no_digits(third));
    let right = (1..8).contains(&feed) && byte(third, feed) == b'\n';
    right.then(|| (number(second, tab), volumes + feed + 1))
}

/// Eight bytes; the first is the lowest.
#[inline]
fn eight(text: &[u8], at: usize) -> Option<u64> {
    text.get(at..)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
}

#[inline]
fn byte(bytes: u64, place: usize) -> u8 {
    (bytes >> (8 * place)) as u8
}

/// The highest bit of each byte that is no digit.
#[inline]
fn no_digits(bytes: u64) -> u64 {
    let values = bytes ^ each(b'0');
    // From ten on, a byte with this added reaches its highest bit. The highest bit itself is kept out of the sum, so that
    // no byte carries into the next.
    (((values & each(0x7f)) + each(0x80 - 10)) | values) & each(0x80)
}

/// The place of the first byte whose highest bit is set; 8 when there is none.
#[inline]
fn first_byte(bits: u64) -> usize {
    (bits.trailing_zeros() / 8) as usize
}

/// The number in the first `length` of eight bytes, 1 to 8 of them: neighbouring digits are put together, then
/// neighbouring pairs, then the two fours.
#[inline]
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
