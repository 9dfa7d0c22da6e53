//! The kernel that finds fields in place and copies only new words.

use crate::words::{Run, WordTotals};
use memchr::memchr;

/// Adds the lines of `piece` to `totals`.
///
/// # Errors
/// Returns the offset of the first malformed line.
pub fn add(piece: &[u8], totals: &mut WordTotals) -> Result<(), usize> {
    each_line(piece, |line| totals.add(line))
}

/// Passes the word and the count of each line of `piece` to `add`.
///
/// # Errors
/// Returns the offset of the first malformed line.
#[inline]
pub fn each_line<'a>(piece: &'a [u8], mut add: impl FnMut(Run<'a>)) -> Result<(), usize> {
    let mut begin = 0;
    while begin < piece.len() {
        let line = &piece[begin..];
        let (length, count, word) = first_line(line).ok_or(begin)?;
        add(Run { text: line, len: word, count });
        begin += length;
    }
    Ok(())
}

/// Returns the length of the first line with its line feed, its match count, and the length of its word.
#[inline]
fn first_line(text: &[u8]) -> Option<(usize, u64, usize)> {
    let word = memchr(b'\t', text)?;
    // A line feed before the first tab means that the line has no fields.
    if word == 0 || memchr(b'\n', &text[..word]).is_some() {
        return None;
    }
    let (count, length) = numbers(&text[word + 1..])?;
    Some((word + 1 + length, count, word))
}

/// Parses the numbers of a line. Returns the match count and the length of the numbers with the line feed.
#[inline]
pub(super) fn numbers(text: &[u8]) -> Option<(u64, usize)> {
    let (_, year) = digits(text, b'\t')?;
    let matches = year + 1;
    let (count, length) = digits(&text[matches..], b'\t')?;
    let volumes = matches + length + 1;
    let (_, length) = digits(&text[volumes..], b'\n')?;
    Some((count, volumes + length + 1))
}

/// Parses the digits before `end`. Returns the number and how many digits it has, at least one. The end of the text may
/// replace a line feed, because the last line of a file may lack it.
#[inline]
fn digits(text: &[u8], end: u8) -> Option<(u64, usize)> {
    let mut value = 0u64;
    let mut length = 0;
    loop {
        match text.get(length) {
            Some(digit @ b'0'..=b'9') => value = value.checked_mul(10)?.checked_add(u64::from(digit - b'0'))?,
            Some(byte) if *byte == end => break,
            None if end == b'\n' => break,
            _ => return None,
        }
        length += 1;
    }
    (length > 0).then_some((value, length))
}
