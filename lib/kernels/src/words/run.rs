//! A run: the unit that a kernel adds to the totals.

/// Neighbouring lines with the same word: the word and the sum of the counts.
///
/// If `text` continues after the word, the list copies a few more bytes and drops them. This avoids an unpredictable
/// branch on the length of the word.
#[derive(Clone, Copy, Default)]
pub struct Run<'a> {
    /// A text that begins with the word.
    pub text: &'a [u8],
    /// The length of the word in bytes.
    pub len: usize,
    /// The number to add to the total of the word.
    pub count: u64,
}

impl<'a> Run<'a> {
    /// Makes a run of a word without any text after the word.
    pub fn of(word: &'a [u8], count: u64) -> Self {
        Run { text: word, len: word.len(), count }
    }

    /// The word.
    #[inline]
    pub fn word(&self) -> &'a [u8] {
        &self.text[..self.len]
    }
}
