//! Four lines of text, in the spirit of those with which the book explains MapReduce: Matthew Fowler, *Python Concurrency
//! with asyncio* (Manning, 2022), listing 6.6.
//!
//! Single blanks separate words. Words that differ in case or in an apostrophe are different words.

use crate::error::Error;
use std::path::{Path, PathBuf};

/// The four lines of text. They have one length, so that a partition of one line is exactly that.
pub const LINES: [&str; 4] = [
    "We count what we can count",
    "You count what you do like",
    "They can't count what I do",
    "What I can't see we ignore",
];

/// The number of occurrences of each word in [`LINES`], sorted by the bytes of the word.
pub const TOTALS: [(&str, u64); 15] = [
    ("I", 2),
    ("They", 1),
    ("We", 1),
    ("What", 1),
    ("You", 1),
    ("can", 1),
    ("can't", 2),
    ("count", 4),
    ("do", 2),
    ("ignore", 1),
    ("like", 1),
    ("see", 1),
    ("we", 2),
    ("what", 3),
    ("you", 1),
];

/// The name of the file with [`LINES`].
pub const FILE: &str = "four-lines.txt";

/// Returns the file with [`LINES`] in `folder`, and writes it if it is missing or differs.
///
/// # Errors
/// When the file cannot be written.
pub fn file(folder: &Path) -> Result<PathBuf, Error> {
    let path = folder.join(FILE);
    let text: String = LINES.iter().flat_map(|line| [line, "\n"]).collect();
    if std::fs::read(&path).is_ok_and(|earlier| earlier == text.as_bytes()) {
        return Ok(path);
    }
    let made = std::fs::create_dir_all(folder).and_then(|()| system::atomic_file::write(&path, text.as_bytes()));
    made.map_err(|cause| Error::file("write", &path, cause))?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn the_totals_match_the_lines() {
        let mut totals = BTreeMap::new();
        for word in LINES.iter().flat_map(|line| line.split(' ')) {
            *totals.entry(word).or_insert(0) += 1;
        }
        assert!(totals.into_iter().eq(TOTALS));
    }
}
