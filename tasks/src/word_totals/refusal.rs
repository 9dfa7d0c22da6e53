//! The error for a file that the task rejects: the number of the line and the reason. Lines are counted only for this
//! error.

use super::TotalsOf;
use kernels::line;
use kernels::words::WordTotals;
use std::collections::HashMap;
use strategies::{Error, Result};

impl TotalsOf {
    /// Fails if the total of a word has overflowed `u64`, because the total is then wrong.
    ///
    /// # Errors
    /// When a total has overflowed. The error names the line.
    pub fn check(&self, totals: &WordTotals) -> Result<()> {
        if totals.overflowed() { Err(self.overflow()?) } else { Ok(()) }
    }

    /// Makes the error for a malformed line at `offset`. `from` has the bytes from that offset on.
    pub(super) fn malformed(&self, offset: u64, from: &[u8]) -> Error {
        let line = from.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let reason =
            line::reason(line).unwrap_or_else(|| "a kernel rejected this line for an unknown reason".to_owned());
        self.input.refuse(offset, &reason)
    }

    /// Makes the error for the first line, in file order, at which the total of a word overflows. Partials do not
    /// contain this line.
    pub(super) fn overflow(&self) -> Result<Error> {
        let mut totals: HashMap<Vec<u8>, u64> = HashMap::new();
        let mut refused = None;
        self.input.pieces((0, self.input.length()), |piece, at| {
            let mut begin = 0;
            while begin < piece.len() && refused.is_none() {
                let end = memchr::memchr(b'\n', &piece[begin..]).map_or(piece.len(), |end| begin + end);
                if let Ok((word, count)) = line::parse(&piece[begin..end]) {
                    let total = totals.entry(word.to_vec()).or_default();
                    match total.checked_add(count) {
                        Some(sum) => *total = sum,
                        None => refused = Some((at + begin as u64, line::shown(word))),
                    }
                }
                begin = end + 1;
            }
            Ok(())
        })?;
        let Some((offset, word)) = refused else {
            return Ok(Error::task(
                "a total exceeded u64, but not in a second reading; the file has changed, so run again",
            ));
        };
        Ok(self.input.refuse(offset, &format!("with this line the total of `{word}` is beyond {}", u64::MAX)))
    }
}
