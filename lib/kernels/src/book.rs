//! The kernel of the book: splits every line into new strings and counts in a standard hash map.

use super::line;
use crate::words::{Run, WordTotals};
use std::collections::HashMap;

/// Adds the lines of `piece` to `totals`.
///
/// # Errors
/// Returns the offset of the first malformed line.
pub fn add(piece: &[u8], totals: &mut WordTotals) -> Result<(), usize> {
    let mut counts: HashMap<Vec<u8>, u64> = HashMap::new();
    let mut begin = 0;
    for line in piece.split_inclusive(|byte| *byte == b'\n') {
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        let mut fields: Vec<Vec<u8>> = text.split(|byte| *byte == b'\t').map(<[u8]>::to_vec).collect();
        let word = fields.remove(0);
        let count = line::count(&word, fields).map_err(|_| begin)?;
        let total = counts.entry(word).or_default();
        match total.checked_add(count) {
            Some(sum) => *total = sum,
            // If the sum would overflow, the count goes directly to `totals`, which record the overflow.
            None => totals.add(Run::of(text.split(|byte| *byte == b'\t').next().unwrap_or_default(), count)),
        }
        begin += line.len();
    }
    for (word, count) in counts {
        totals.add(Run::of(&word, count));
    }
    Ok(())
}
