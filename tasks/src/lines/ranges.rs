//! Cuts the file into partitions, which are ranges of whole lines.

use super::input::{Input, PIECE};
use memchr::{memchr, memchr_iter};
use std::num::NonZeroUsize;
use strategies::{Error, Result};

/// The number of bytes that are read to find the end of a line.
const WINDOW: usize = 4 * 1024;

/// The progress of cutting a file.
pub(crate) struct Ranges {
    begin: u64,
    /// The length of a range in bytes: the wanted number of lines times the mean length of a line.
    step: u64,
    /// The bytes read last, kept with their offset because neighbouring cuts are often close.
    window: Vec<u8>,
    window_at: u64,
}

impl Ranges {
    /// Prepares ranges of about `lines` lines.
    ///
    /// Counting every line would mean that one thread reads the whole file while all workers wait. Instead, 16 evenly
    /// spread samples give the mean length of a line. A range has the average number of bytes for `lines` lines,
    /// extended to the next line feed.
    pub(crate) fn new(input: &Input, lines: NonZeroUsize) -> Result<Self> {
        const SAMPLES: u64 = 16;
        const SAMPLE: u64 = 16 * 1024;
        let mut sample = vec![0; SAMPLE as usize];
        let (mut bytes, mut feeds) = (0, 0);
        let spacing = (input.length() / SAMPLES).max(SAMPLE);
        for at in (0..SAMPLES).map(|number| number * spacing).take_while(|at| *at < input.length()) {
            let read = input.read_some(&mut sample, at)?;
            bytes += read as u64;
            feeds += memchr_iter(b'\n', &sample[..read]).count() as u64;
        }
        let step = u128::from(bytes) * lines.get() as u128 / u128::from(feeds.max(1));
        let step = u64::try_from(step).unwrap_or(u64::MAX).max(1);
        Ok(Ranges { begin: 0, step, window: Vec::new(), window_at: 0 })
    }

    /// Returns the next range, or `None` at the end of the file.
    pub(crate) fn next(&mut self, input: &Input) -> Result<Option<(u64, u64)>> {
        if self.begin >= input.length() {
            return Ok(None);
        }
        // The last byte of the range may itself be the line feed.
        let last = self.begin.saturating_add(self.step - 1).min(input.length());
        let range = (self.begin, self.after_line(input, last)?);
        self.begin = range.1;
        Ok(Some(range))
    }

    /// Returns the end of the line that contains the byte at `at`.
    fn after_line(&mut self, input: &Input, mut at: u64) -> Result<u64> {
        let far = at.saturating_add(input.longest_line() as u64);
        // A large window covers the ends of many small ranges. For a large range a small window at its end is enough.
        let mut wanted = if self.step < WINDOW as u64 { PIECE } else { WINDOW };
        while at < input.length() {
            if at < self.window_at || at >= self.window_at + self.window.len() as u64 {
                self.window.resize(wanted, 0);
                let read = input.read_some(&mut self.window, at)?;
                self.window.truncate(read);
                self.window_at = at;
                if read == 0 {
                    return Err(input.shorter());
                }
                // Reads twice as much in the next round, because a line may be longer than any window.
                wanted = (2 * wanted).min(PIECE);
            }
            let from = usize::try_from(at - self.window_at).map_err(Error::task)?;
            match memchr(b'\n', &self.window[from..]) {
                // For a growing file, the length at its opening counts.
                Some(feed) => return Ok((at + feed as u64 + 1).min(input.length())),
                None => at = self.window_at + self.window.len() as u64,
            }
            // The line is too long. The work on this range will refuse the line, unless it refuses an earlier one.
            if at > far {
                break;
            }
        }
        Ok(input.length())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Read;
    use super::*;
    use datasets::input::Kind;
    use std::io::Write;

    #[test]
    fn a_file_that_grows_is_cut_at_its_old_length() {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(b"first\t1\t1\t1\nlast").expect("room for it");
        for read in [Read::Map, Read::Pread] {
            let input = Input::open(Kind::Grams, file.path().to_owned(), read).expect("it is there");
            let mut ranges = Ranges::new(&input, NonZeroUsize::MIN).expect("it is read");
            file.write_all(b" of all\t2\t2\t2\nmore\t3\t3\t3\n").expect("room for it");
            let mut end = 0;
            while let Some(range) = ranges.next(&input).expect("it is read") {
                assert_eq!(range.0, end, "{read:?}");
                end = range.1;
                input.mark_read(range);
            }
            assert_eq!(end, input.length(), "{read:?}");
        }
    }
}
