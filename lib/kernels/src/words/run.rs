//! What a kernel adds to the totals.

/// Neighbouring lines with the same word: the first letters of a text, and what their counts add up to. Where there is
/// more text, a few bytes of it are read and dropped: that saves the question how many letters there are, whose answer no
/// processor foresees.
#[derive(Clone, Copy, Default)]
pub struct Run<'a> {
    /// What begins with the word.
    pub text: &'a [u8],
    /// How many letters the word has.
    pub letters: usize,
    /// What is added to its total.
    pub count: u64,
}

impl<'a> Run<'a> {
    /// A word without a text behind it.
    pub fn of(word: &'a [u8], count: u64) -> Self {
        Run { text: word, letters: word.len(), count }
    }

    /// The word.
    #[inline]
    pub fn word(&self) -> &'a [u8] {
        &self.text[..self.letters]
    }
}
