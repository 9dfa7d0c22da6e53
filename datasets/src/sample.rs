//! A small 1-gram file kept in git, with the answer that an independent tool gave; see `sample/README.md`.

/// The lines, sorted: about 80 KB, made by [`crate::ngrams`], and some difficult ones made by hand.
pub const LINES: &[u8] = include_bytes!("../sample/1grams.tsv");

/// What a word count of [`LINES`] must give: lines of word TAB total, sorted by the bytes of the word.
pub const EXPECTED: &str = include_str!("../sample/expected.tsv");

/// The words of [`EXPECTED`] with their totals.
pub fn expected() -> impl Iterator<Item = (&'static str, u64)> {
    EXPECTED.lines().map(|line| {
        let (word, total) = line.split_once('\t').expect("each expected line has one TAB");
        (word, total.parse().expect("each expected total is a number"))
    })
}
