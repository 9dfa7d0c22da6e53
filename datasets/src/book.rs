//! The word count with which the book explains MapReduce: Matthew Fowler, *Python Concurrency with asyncio* (Manning, 2022),
//! chapter 6.
//!
//! Spaces separate words. Words that differ in case or in an apostrophe are different words.

/// The four lines of text.
pub const BOOK_LINES: [&str; 4] =
    ["I know what I know", "I know that I know", "I don't know that much", "They don't know much"];

/// The number of occurrences of each word in [`BOOK_LINES`], sorted by the bytes of the word.
pub const BOOK_TOTALS: [(&str, u64); 7] =
    [("I", 5), ("They", 1), ("don't", 2), ("know", 6), ("much", 2), ("that", 2), ("what", 1)];

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn the_totals_match_the_lines() {
        let mut totals = BTreeMap::new();
        for word in BOOK_LINES.iter().flat_map(|line| line.split(' ')) {
            *totals.entry(word).or_insert(0) += 1;
        }
        assert!(totals.into_iter().eq(BOOK_TOTALS));
    }
}
