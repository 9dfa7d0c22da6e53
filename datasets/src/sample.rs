//! A small 1-gram file in the repository, with the answer of an independent tool (see `sample/README.md`).

/// The sorted lines: about 80 KB from [`crate::ngrams`], and some difficult lines written by hand.
pub const LINES: &[u8] = include_bytes!("../sample/1grams.tsv");

/// The word totals of [`LINES`], as lines of word, TAB, total, sorted by the bytes of the word.
pub const EXPECTED: &str = include_str!("../sample/expected.tsv");

/// Iterates over the words of [`EXPECTED`] with their totals.
pub fn expected() -> impl Iterator<Item = (&'static str, u64)> {
    EXPECTED.lines().map(|line| {
        let (word, total) = line.split_once('\t').expect("each expected line has one TAB");
        (word, total.parse().expect("each expected total is a number"))
    })
}
