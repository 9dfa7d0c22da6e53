//! What a kernel adds to the totals.

/// Neighbouring lines with the same word: the text that begins with the word, and the sum of their counts.
///
/// If the text goes on after the word, a few bytes of it are copied and dropped. That avoids a branch on the word's length,
/// which no processor predicts.
#[derive(Clone, Copy, Default)]
pub struct Run<'a> {
    /// A text that begins with the word.
    pub text: &'a [u8],
    /// The length of the word in bytes.
    pub len: usize,
    /// What is added to the word's total.
    pub count: u64,
}

impl<'a> Run<'a> {
    /// A word without any text after it.
    pub fn of(word: &'a [u8], count: u64) -> Self {
        Run { text: word, len: word.len(), count }
    }

    /// The word.
    #[inline]
    pub fn word(&self) -> &'a [u8] {
        &self.text[..self.len]
    }
}
