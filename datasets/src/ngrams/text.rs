//! Writes lines into one large buffer, with digits from a table.

use std::io::{self, Write};

use super::years::Line;

/// The bytes of a line without word, `match_count` and `volume_count`: four digits, three TABs, LF.
const FIXED: usize = 4 + 3 + 1;
/// The digits of the largest `u64`, and one byte that a table entry may write past the number.
const NUMBER: usize = 20 + 1;
/// The length up to which a word with its TAB is copied as a block of fixed size, without a call or a loop.
const SHORT: usize = 32;
/// The size of the buffer. It amortises a system call and fits into the second-level cache.
const BUFFER: usize = 1 << 20;

/// The sizes of a written file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The length in bytes.
    pub bytes: u64,
    /// The number of lines.
    pub lines: u64,
    /// The number of distinct ngrams. `word_totals` calls them words.
    pub words: u64,
}

/// Collects lines in a buffer and writes the buffer when it is full.
pub(super) struct LineWriter<'a> {
    buffer: Vec<u8>,
    filled: usize,
    /// The word and its TAB, padded with zeros to [`SHORT`] bytes. The rest of the line overwrites the zeros.
    head: Vec<u8>,
    head_length: usize,
    written: u64,
    lines: u64,
    out: &'a mut dyn Write,
    progress: &'a mut dyn FnMut(u64),
}

impl<'a> LineWriter<'a> {
    pub(super) fn new(out: &'a mut dyn Write, progress: &'a mut dyn FnMut(u64)) -> Self {
        Self {
            buffer: vec![0; BUFFER],
            filled: 0,
            head: Vec::new(),
            head_length: 0,
            written: 0,
            lines: 0,
            out,
            progress,
        }
    }

    /// Begins a word. The following lines belong to this word.
    pub(super) fn begin_word(&mut self, word: &[u8]) {
        self.head.clear();
        self.head.extend_from_slice(word);
        self.head.push(b'\t');
        self.head_length = self.head.len();
        self.head.resize(self.head_length.max(SHORT), 0);
    }

    /// Writes one line of the current word.
    #[inline]
    pub(super) fn write(&mut self, line: &Line) -> io::Result<()> {
        self.make_room(self.head.len() + FIXED + 2 * NUMBER)?;
        let buffer = &mut self.buffer[..];
        let mut at = self.filled;
        if let Ok(block) = <&[u8; SHORT]>::try_from(&self.head[..]) {
            buffer[at..at + SHORT].copy_from_slice(block);
        } else {
            buffer[at..at + self.head.len()].copy_from_slice(&self.head);
        }
        at += self.head_length;
        at = write_number(buffer, at, u64::from(line.year));
        buffer[at] = b'\t';
        at = write_number(buffer, at + 1, line.matches);
        buffer[at] = b'\t';
        at = write_number(buffer, at + 1, line.volumes);
        buffer[at] = b'\n';
        self.filled = at + 1;
        self.lines += 1;
        Ok(())
    }

    /// Writes an existing line with its LF.
    pub(super) fn copy(&mut self, line: &[u8]) -> io::Result<()> {
        self.make_room(line.len())?;
        self.buffer[self.filled..self.filled + line.len()].copy_from_slice(line);
        self.filled += line.len();
        self.lines += 1;
        Ok(())
    }

    /// Writes the rest of the buffer. Returns the numbers of bytes and lines.
    pub(super) fn finish(mut self) -> io::Result<(u64, u64)> {
        self.write_out()?;
        self.out.flush()?;
        Ok((self.written, self.lines))
    }

    #[inline]
    fn make_room(&mut self, bytes: usize) -> io::Result<()> {
        if self.buffer.len() - self.filled < bytes { self.write_out() } else { Ok(()) }
    }

    #[cold]
    fn write_out(&mut self) -> io::Result<()> {
        self.out.write_all(&self.buffer[..self.filled])?;
        self.written += self.filled as u64;
        self.filled = 0;
        (self.progress)(self.written);
        Ok(())
    }
}

/// Returns the length in bytes of a line, for a word of `word` bytes.
pub(super) fn length(word: usize, line: &Line) -> u64 {
    word as u64 + FIXED as u64 + digits(line.matches) + digits(line.volumes)
}

fn digits(number: u64) -> u64 {
    u64::from(number.checked_ilog10().unwrap_or(0)) + 1
}

/// Writes `number` at `at`, and possibly one byte past it. Returns the end of the digits.
#[inline]
fn write_number(buffer: &mut [u8], at: usize, number: u64) -> usize {
    if number < 1000 {
        let [a, b, c, digits] = UNPADDED[number as usize];
        buffer[at..at + 3].copy_from_slice(&[a, b, c]);
        at + usize::from(digits)
    } else {
        let at = write_number(buffer, at, number / 1000);
        buffer[at..at + 3].copy_from_slice(&PADDED[(number % 1000) as usize]);
        at + 3
    }
}

/// The numbers below 1000 as three digits.
static PADDED: [[u8; 3]; 1000] = {
    let mut table = [[0; 3]; 1000];
    let mut number = 0;
    while number < table.len() {
        table[number] = [b'0' + (number / 100) as u8, b'0' + (number / 10 % 10) as u8, b'0' + (number % 10) as u8];
        number += 1;
    }
    table
};

/// The numbers below 1000 as one to three digits, with the number of digits.
static UNPADDED: [[u8; 4]; 1000] = {
    let mut table = [[0; 4]; 1000];
    let mut number = 0;
    while number < table.len() {
        let [a, b, c] = PADDED[number];
        table[number] = match number {
            0..10 => [c, 0, 0, 1],
            10..100 => [b, c, 0, 2],
            _ => [a, b, c, 3],
        };
        number += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_the_standard_library_writes_them() {
        let around_powers = (0..20).flat_map(|power| {
            let ten = 10_u64.pow(power);
            [ten - 1, ten, ten + 1, ten.saturating_mul(7)]
        });
        for number in around_powers.chain([u64::MAX]) {
            let mut buffer = [0; NUMBER];
            let end = write_number(&mut buffer, 0, number);
            assert_eq!(buffer[..end], *number.to_string().as_bytes());
            assert_eq!(digits(number), end as u64);
        }
    }

    #[test]
    fn lines_of_any_length_survive_a_full_buffer() {
        let mut out = Vec::new();
        let mut expected = Vec::new();
        let mut told = 0;
        let mut progress = |written| told = written;
        let mut lines = LineWriter::new(&mut out, &mut progress);
        for round in 0..40_000_u64 {
            let word = "w".repeat((round % 70) as usize);
            let line = Line { year: 2008, matches: round * round, volumes: round };
            lines.begin_word(word.as_bytes());
            lines.write(&line).unwrap();
            let text = format!("{word}\t2008\t{}\t{round}\n", round * round);
            assert_eq!(length(word.len(), &line), text.len() as u64);
            expected.extend_from_slice(text.as_bytes());
        }
        assert_eq!(lines.finish().unwrap(), (expected.len() as u64, 40_000));
        assert!(out == expected);
        assert_eq!(told, expected.len() as u64);
    }
}
