//! Numbered results: the result for each item with the index of the item in the input.

use crate::digest::Digest;
use std::io::{Result, Write};

/// The index and the result of each item, in any order.
pub(crate) type Numbered = Vec<(u64, u64)>;

/// Computes a digest of all results. Their order does not matter.
pub(crate) fn digest(results: &[(u64, u64)]) -> String {
    let mut digest = Digest::default();
    for (index, result) in results {
        digest.add(&[index.to_le_bytes(), result.to_le_bytes()].concat());
    }
    digest.finish()
}

/// Returns the results in input order, without indexes.
pub(crate) fn in_order(results: &[(u64, u64)]) -> impl Iterator<Item = u64> {
    let mut sorted = results.to_vec();
    sorted.sort_unstable();
    sorted.into_iter().map(|(_, result)| result)
}

/// Writes the results in input order, one per line.
pub(crate) fn write(results: &[(u64, u64)], out: &mut dyn Write) -> Result<()> {
    in_order(results).try_for_each(|result| writeln!(out, "{result}"))
}
