//! The words of a file, each with spelling, total and number of lines. They fill the requested size.

use super::lemma::{Lemma, Lemmas};
use super::spellings::{Spelled, Spellings};
use super::text;
use super::years::{History, MOST_LINES, number_of_lines};
use crate::random::{Random, mix};

/// One ngram, which is a form of a lemma with or without a tag.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word {
    spelled: Spelled,
    pub(super) history: History,
}

/// All words of one file, sorted by bytes.
pub(super) struct Vocabulary {
    spellings: Spellings,
    words: Vec<Word>,
}

impl Vocabulary {
    /// Draws words until their lines fill `bytes`. The last word gets only the lines that fit.
    pub(super) fn draw(seed: u64, bytes: u64) -> Self {
        let mut draft = Draft::new(seed, bytes);
        let mut lemmas = Lemmas::new(seed);
        while draft.has_room() {
            draft.add(lemmas.next());
        }

        let Self { spellings, mut words } = draft.vocabulary;
        words.sort_unstable_by(|a, b| spellings.order(a.spelled, b.spelled));
        let spellings = spellings.arranged(words.iter_mut().map(|word| &mut word.spelled));
        Self { spellings, words }
    }

    pub(super) fn in_order(&self) -> impl Iterator<Item = &Word> {
        self.words.iter()
    }

    pub(super) fn spelling(&self, word: &Word) -> &[u8] {
        self.spellings.of(word.spelled)
    }

    pub(super) fn len(&self) -> usize {
        self.words.len()
    }
}

/// A vocabulary that is being drawn.
struct Draft {
    vocabulary: Vocabulary,
    random: Random,
    /// The largest number of lines per word. It is small for small files, which would otherwise have a single word.
    most_lines: u16,
    /// The number of bytes left to fill. Zero after a line did not fit.
    room: u64,
}

impl Draft {
    fn new(seed: u64, bytes: u64) -> Self {
        Self {
            vocabulary: Vocabulary { spellings: Spellings::default(), words: Vec::new() },
            random: Random::new(mix(seed ^ 2)),
            most_lines: (bytes / 4000).clamp(3, u64::from(MOST_LINES)) as u16,
            room: bytes,
        }
    }

    fn has_room(&self) -> bool {
        self.room > 0 || self.vocabulary.words.is_empty()
    }

    /// Adds every form of `lemma`, each with its tags.
    fn add(&mut self, lemma: &Lemma) {
        let mut spelling = Vec::new();
        for (form, total) in lemma.forms(lemma.total(), &mut self.random) {
            spelling.clear();
            lemma.spell(form, &mut spelling);
            self.add_word(&spelling, total);
            let untagged = spelling.len();
            let tags: Vec<&str> = TAGS.iter().filter(|tag| self.random.chance(tag.1)).map(|tag| tag.0).collect();
            for tag in tags {
                // The untagged total includes all tagged ones.
                let tagged = total * (1 + self.random.below(256)) / 256;
                spelling.truncate(untagged);
                spelling.push(b'_');
                spelling.extend_from_slice(tag.as_bytes());
                self.add_word(&spelling, tagged);
            }
        }
    }

    fn add_word(&mut self, spelling: &[u8], total: u64) {
        // The real file omits words with a total below 40.
        let total = total.max(40);
        let lines = number_of_lines(total, &mut self.random).min(self.most_lines);
        let seed = self.random.next();
        if !self.has_room() {
            return;
        }

        let mut history = History { total, seed, lines, full_lines: lines };
        // A file of any size has at least one line.
        let mut must_fit = self.vocabulary.words.is_empty();
        let mut fitting = 0;
        for line in history.lines() {
            let length = text::length(spelling.len(), &line);
            if length > self.room && !must_fit {
                self.room = 0;
                break;
            }
            self.room = self.room.saturating_sub(length);
            (fitting, must_fit) = (fitting + 1, false);
        }
        if fitting > 0 {
            history.lines = fitting;
            let spelled = self.vocabulary.spellings.add(|spellings| spellings.extend_from_slice(spelling));
            self.vocabulary.words.push(Word { spelled, history });
        }
    }
}

/// The part-of-speech tags, each with its number of forms per thousand.
#[rustfmt::skip]
const TAGS: [(&str, u64); 12] = [
    ("NOUN", 720), ("ADJ", 280), ("VERB", 270), ("X", 100), ("ADV", 80),
    (".", 10), ("PRON", 5), ("ADP", 5), ("DET", 5), ("CONJ", 4), ("NUM", 4), ("PRT", 4),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_is_drawn_twice() {
        let vocabulary = Vocabulary::draw(1, 20_000_000);
        let spellings: Vec<&[u8]> = vocabulary.in_order().map(|word| vocabulary.spelling(word)).collect();
        assert!(spellings.is_sorted_by(|a, b| a < b));
    }
}
