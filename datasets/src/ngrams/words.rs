//! Which words a file holds: spelling, total and number of lines of each, enough to fill the wanted size.

use std::cmp::Ordering;
use std::collections::HashSet;

use foldhash::fast::FixedState;

use super::text;
use super::years::{History, MOST_LINES, number_of_lines};
use crate::random::{Random, mix};

/// One ngram: a form of a lemma, with or without a tag.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word {
    spelled: Spelled,
    pub(super) history: History,
}

/// Spellings one behind the other.
#[derive(Default)]
pub(super) struct Spellings(Vec<u8>);

/// Which of the spellings.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spelled {
    /// Its first eight bytes as a number, zeros after a shorter one: most comparisons end here.
    prefix: u64,
    /// Where it starts, times 256, plus its length: so that there is less to move when words are put in order.
    place: u64,
}

impl Spelled {
    fn start(self) -> usize {
        (self.place >> 8) as usize
    }

    /// In bytes.
    pub(super) fn length(self) -> usize {
        (self.place & 0xff) as usize
    }
}

impl Spellings {
    /// Adds one that `spell` puts behind the others.
    pub(super) fn add(&mut self, spell: impl FnOnce(&mut Vec<u8>)) -> Spelled {
        let start = self.0.len();
        spell(&mut self.0);
        let spelling = &self.0[start..];
        let length = u8::try_from(spelling.len()).expect("a lemma and a tag are shorter than 256 bytes");
        Spelled { prefix: prefix(spelling), place: (start as u64) << 8 | u64::from(length) }
    }

    pub(super) fn of(&self, spelled: Spelled) -> &[u8] {
        &self.0[spelled.start()..spelled.start() + spelled.length()]
    }

    /// The same in another order, in which they are then read from memory one behind the other.
    pub(super) fn arranged<'a>(&self, order: impl Iterator<Item = &'a mut Spelled>) -> Self {
        const BLOCK: usize = 32;
        let mut arranged = Vec::with_capacity(self.0.len() + BLOCK);
        for spelled in order {
            let start = arranged.len();
            match self.0[spelled.start()..].first_chunk::<BLOCK>() {
                // Most are shorter. A block is copied without asking how long each is, so none waits for the memory of another.
                Some(block) if spelled.length() <= BLOCK => {
                    arranged.extend_from_slice(block);
                    arranged.truncate(start + spelled.length());
                }
                _ => arranged.extend_from_slice(self.of(*spelled)),
            }
            spelled.place = (start as u64) << 8 | spelled.place & 0xff;
        }
        Self(arranged)
    }

    /// Which of two comes first, by bytes.
    pub(super) fn order(&self, one: Spelled, other: Spelled) -> Ordering {
        one.prefix.cmp(&other.prefix).then_with(|| self.of(one).cmp(self.of(other)))
    }
}

/// All words of one file, sorted by bytes.
pub(super) struct Vocabulary {
    spellings: Spellings,
    words: Vec<Word>,
}

impl Vocabulary {
    /// Draws words until their lines fill `bytes`; the last word drawn may lose lines to the limit.
    pub(super) fn draw(seed: u64, bytes: u64) -> Self {
        let mut filling = Filling::new(seed, bytes);
        let mut lemmas = Lemmas::new(seed);
        while filling.has_room() {
            filling.add(lemmas.next());
        }

        let Self { spellings, mut words } = filling.vocabulary;
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
struct Filling {
    vocabulary: Vocabulary,
    random: Random,
    /// Small files have few lines a word, or they would hold one word only.
    most_lines: u16,
    /// Bytes still to fill; zero once a line did not fit.
    room: u64,
}

impl Filling {
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
        let of_all = lemma.total.number();
        for (form, part) in lemma.forms(&mut self.random) {
            let total = part.of(of_all);
            spelling.clear();
            lemma.spell(form, &mut spelling);
            self.add_word(&spelling, total);
            let untagged = spelling.len();
            for tag in tags(&mut self.random) {
                // The untagged count holds all tagged ones.
                let tagged = total * (1 + self.random.below(256)) / 256;
                spelling.truncate(untagged);
                spelling.push(b'_');
                spelling.extend_from_slice(tag.as_bytes());
                self.add_word(&spelling, tagged);
            }
        }
    }

    fn add_word(&mut self, spelling: &[u8], total: u64) {
        // The real file leaves out words below this total.
        let total = total.max(40);
        let lines = number_of_lines(total, &mut self.random).min(self.most_lines);
        let seed = self.random.next();
        if !self.has_room() {
            return;
        }

        let mut history = History { total, seed, lines, full_lines: lines };
        let first_of_all = self.vocabulary.words.is_empty();
        let mut fitting = 0;
        for line in history.lines() {
            let length = text::length(spelling.len(), &line);
            if length > self.room && !(first_of_all && fitting == 0) {
                self.room = 0;
                break;
            }
            self.room = self.room.saturating_sub(length);
            fitting += 1;
        }
        if fitting > 0 {
            history.lines = fitting;
            let spelled = self.vocabulary.spellings.add(|spellings| spellings.extend_from_slice(spelling));
            self.vocabulary.words.push(Word { spelled, history });
        }
    }
}

fn prefix(spelling: &[u8]) -> u64 {
    // Copying so many bytes as it happens is a call; most have eight.
    let bytes = spelling.first_chunk().copied().unwrap_or_else(|| {
        let mut bytes = [0; 8];
        bytes[..spelling.len()].copy_from_slice(spelling);
        bytes
    });
    u64::from_be_bytes(bytes)
}

/// Tags of the parts of speech with which a form appears, each in so many of a thousand forms.
const TAGS: [(&str, u64); 12] = [
    ("NOUN", 720),
    ("ADJ", 280),
    ("VERB", 270),
    ("X", 100),
    ("ADV", 80),
    (".", 10),
    ("PRON", 5),
    ("ADP", 5),
    ("DET", 5),
    ("CONJ", 4),
    ("NUM", 4),
    ("PRT", 4),
];

fn tags(random: &mut Random) -> Vec<&'static str> {
    TAGS.iter().filter(|(_, thousandths)| random.chance(*thousandths)).map(|(tag, _)| *tag).collect()
}

/// A word before it takes its forms: in small letters, `a` first.
pub(super) struct Lemma {
    spelling: String,
    /// How often its most frequent form was printed.
    total: Total,
    /// Whether all forms appear, or some by chance.
    all_forms: bool,
}

/// A total that is worked out where it is asked for.
#[derive(Clone, Copy)]
enum Total {
    Known(u64),
    /// From these random bits.
    Drawn(u64),
}

impl Total {
    fn number(self) -> u64 {
        match self {
            Total::Known(total) => total,
            Total::Drawn(bits) => pareto(bits),
        }
    }
}

/// A form's part of the most frequent form's total: so many 256ths of so many 256ths of it.
#[derive(Clone, Copy)]
pub(super) struct Part([u64; 2]);

impl Part {
    const ALL: u64 = 256;

    fn of(self, total: u64) -> u64 {
        self.0.iter().fold(total, |total, part| total * part / Self::ALL)
    }
}

/// How a lemma is spelled.
#[derive(Clone, Copy)]
pub(super) enum Form {
    /// With a capital first
    Capitalised,
    /// In small letters
    Small,
    /// All in capitals
    Capitals,
}

impl Lemma {
    /// The forms that appear, at least one, each with its part of the total.
    pub(super) fn forms(&self, random: &mut Random) -> impl Iterator<Item = (Form, Part)> + use<> {
        let [small, capitalised, capitals] =
            [620, 580, 170].map(|thousandths| random.chance(thousandths) || self.all_forms);
        let small = small || !(capitalised || capitals);
        // A single letter capitalised is all capitals already.
        let capitals = capitals && self.spelling.chars().skip(1).any(|letter| capital(letter) != letter);

        let mut fewer = |than_others: bool| if than_others { 16 + random.below(64) } else { Part::ALL };
        let of_capitalised = fewer(small);
        let of_capitals = fewer(small || capitalised);
        // `Aardvark`, the word the book asks for, is the first of all: it is in files of any size.
        [
            capitalised.then_some((Form::Capitalised, Part([of_capitalised, Part::ALL]))),
            small.then_some((Form::Small, Part([Part::ALL; 2]))),
            capitals.then_some((Form::Capitals, Part([of_capitalised, of_capitals]))),
        ]
        .into_iter()
        .flatten()
    }

    /// Spells a form behind what is there.
    pub(super) fn spell(&self, form: Form, spellings: &mut Vec<u8>) {
        let capitals = match form {
            Form::Capitalised => 1,
            Form::Small => 0,
            Form::Capitals => usize::MAX,
        };
        let mut letters = self.spelling.chars();
        for letter in letters.by_ref().take(capitals) {
            spellings.extend_from_slice(capital(letter).encode_utf8(&mut [0; 4]).as_bytes());
        }
        spellings.extend_from_slice(letters.as_str().as_bytes());
    }
}

/// Endless lemmas, each once: real and invented ones by turns, then invented ones only.
pub(super) struct Lemmas {
    random: Random,
    real: std::slice::Iter<'static, (&'static str, u64)>,
    real_is_next: bool,
    /// Hashes of all spellings so far. Two spellings with one hash cost a redraw, nothing else.
    seen: HashSet<u64, FixedState>,
    last: Lemma,
}

impl Lemmas {
    pub(super) fn new(seed: u64) -> Self {
        let last = Lemma { spelling: String::new(), total: Total::Known(0), all_forms: false };
        Self {
            random: Random::new(mix(seed ^ 1)),
            real: REAL.iter(),
            real_is_next: true,
            seen: HashSet::default(),
            last,
        }
    }

    pub(super) fn next(&mut self) -> &Lemma {
        let Self { random, real, real_is_next, seen, last } = self;
        *real_is_next = !*real_is_next;
        last.spelling.clear();
        if !*real_is_next && let Some((spelling, total)) = real.next() {
            last.spelling.push_str(spelling);
            (last.total, last.all_forms) = (Total::Known(*total), true);
            seen.insert(hash(spelling));
            return last;
        }
        last.spelling.push('a');
        invent(random, &mut last.spelling);
        while !seen.insert(hash(&last.spelling)) {
            // Longer, not anew: short spellings run out, long ones never do.
            invent(random, &mut last.spelling);
        }
        (last.total, last.all_forms) = (Total::Drawn(random.next()), false);
        last
    }
}

fn hash(spelling: &str) -> u64 {
    let (eights, _) = spelling.as_bytes().as_chunks::<8>();
    let all = eights.iter().map(|eight| u64::from_le_bytes(*eight));
    // The last eight letters, some of which may be in the one before, or what there is.
    let last =
        spelling.as_bytes().last_chunk().map_or_else(|| prefix(spelling.as_bytes()), |last| u64::from_le_bytes(*last));
    // From the length on, which tells a spelling from one with zeros behind it.
    all.chain(std::iter::once(last)).fold(spelling.len() as u64, |hash, eight| mix(hash ^ eight))
}

/// A total with a heavy tail: 58 · u^(-1.25) for a uniform u, in steps that keep within integers.
fn pareto(bits: u64) -> u64 {
    // u in 32 binary places, never below 2^-20: the largest total is 1.9e9.
    let u = (bits >> 32).max(1 << 12);
    let fourth_root = ((u << 32).isqrt() << 32).isqrt();
    (58 << 32) / ((u * fourth_root) >> 32)
}

/// Goes on with one to four invented syllables, with English letters; few have an oddity.
fn invent(random: &mut Random, spelling: &mut String) {
    static ONSETS: [Letters; 40] = Letters::of_each([
        "b", "c", "c", "d", "d", "f", "g", "h", "k", "l", "l", "l", "m", "m", "n", "n", "n", "p", "p", "r", "r", "r",
        "s", "s", "s", "t", "t", "t", "v", "w", "z", "ch", "gr", "pl", "pr", "sh", "st", "th", "tr", "qu",
    ]);
    static VOWELS: [Letters; 20] = Letters::of_each([
        "a", "a", "a", "a", "e", "e", "e", "e", "e", "i", "i", "i", "i", "o", "o", "o", "u", "u", "ea", "io",
    ]);
    static ENDS: [Letters; 12] = Letters::of_each(["", "", "", "", "", "", "l", "n", "n", "r", "s", "t"]);
    const SYLLABLES: [u64; 10] = [1, 1, 2, 2, 2, 2, 3, 3, 3, 4];

    // Four syllables of five letters and one oddity at most, and what a part is longer than its letters.
    let (mut bytes, mut length) = ([0; 32], 0);
    let mut push = |letters: Letters| {
        bytes[length..length + 4].copy_from_slice(&letters.bytes);
        length += letters.length;
    };
    let syllables = random.pick(&SYLLABLES);
    let odd_after = random.below(syllables);
    for syllable in 0..syllables {
        push(random.pick(&ONSETS));
        push(random.pick(&VOWELS));
        push(random.pick(&ENDS));
        if syllable == odd_after {
            match random.below(1000) {
                0..20 => push(Letters::of(random.pick(&LETTERS).0.encode_utf8(&mut [0; 4]))),
                20..40 => push(Letters::of("'")),
                40..47 => push(Letters::of(random.pick(&["0", "1", "2", "7", "9"]))),
                47..55 => push(Letters::of(".")),
                _ => (),
            }
        }
    }
    spelling.push_str(str::from_utf8(&bytes[..length]).expect("letters one behind the other"));
}

/// Up to four bytes, of which all four are copied: copying a number that varies is a call.
#[derive(Clone, Copy)]
struct Letters {
    bytes: [u8; 4],
    length: usize,
}

impl Letters {
    const fn of(letters: &str) -> Self {
        let (mut bytes, mut place) = ([0; 4], 0);
        while place < letters.len() {
            bytes[place] = letters.as_bytes()[place];
            place += 1;
        }
        Self { bytes, length: letters.len() }
    }

    const fn of_each<const N: usize>(all: [&str; N]) -> [Self; N] {
        let (mut letters, mut place) = ([Self::of(""); N], 0);
        while place < N {
            letters[place] = Self::of(all[place]);
            place += 1;
        }
        letters
    }
}

/// Letters outside ASCII with their capitals, or themselves where there is none. A table of our own: the standard
/// library's follows each new version of Unicode.
const LETTERS: [(char, char); 18] = [
    ('à', 'À'),
    ('â', 'Â'),
    ('ä', 'Ä'),
    ('ç', 'Ç'),
    ('è', 'È'),
    ('é', 'É'),
    ('ñ', 'Ñ'),
    ('ö', 'Ö'),
    ('ø', 'Ø'),
    ('ü', 'Ü'),
    ('æ', 'Æ'),
    ('œ', 'Œ'),
    ('α', 'Α'),
    ('λ', 'Λ'),
    ('ж', 'Ж'),
    ('я', 'Я'),
    ('ﬁ', 'ﬁ'),
    ('東', '東'),
];

fn capital(letter: char) -> char {
    if letter.is_ascii() {
        return letter.to_ascii_uppercase();
    }
    LETTERS.iter().find(|(small, _)| *small == letter).map_or(letter, |(_, capital)| *capital)
}

/// Real words that begin with *a*, with totals of a plausible size. Three rare ones come first, so that the smallest
/// file has an apostrophe and a letter outside ASCII beside the `Aardvark`; then the most frequent ones.
const REAL: [(&str, u64); 40] = [
    ("aardvark", 60_000),
    ("attaché", 500_000),
    ("a'priori", 9_000),
    ("and", 12_000_000_000),
    ("a", 9_100_000_000),
    ("as", 3_300_000_000),
    ("at", 2_300_000_000),
    ("are", 2_200_000_000),
    ("an", 1_600_000_000),
    ("all", 1_200_000_000),
    ("any", 700_000_000),
    ("about", 600_000_000),
    ("after", 500_000_000),
    ("also", 480_000_000),
    ("am", 300_000_000),
    ("among", 270_000_000),
    ("against", 260_000_000),
    ("again", 250_000_000),
    ("another", 240_000_000),
    ("american", 180_000_000),
    ("always", 150_000_000),
    ("although", 130_000_000),
    ("almost", 120_000_000),
    ("according", 110_000_000),
    ("act", 100_000_000),
    ("action", 95_000_000),
    ("age", 80_000_000),
    ("age's", 90_000),
    ("air", 75_000_000),
    ("army", 60_000_000),
    ("art", 55_000_000),
    ("april", 50_000_000),
    ("august", 45_000_000),
    ("author", 44_000_000),
    ("average", 40_000_000),
    ("apple", 9_000_000),
    ("abacus", 220_000),
    ("abbé", 400_000),
    ("a.m.", 3_000_000),
    ("aperçu", 70_000),
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

    #[test]
    fn every_small_letter_has_one_capital() {
        let capitals: HashSet<char> = LETTERS.iter().map(|(_, capital)| *capital).collect();
        assert_eq!(capitals.len(), LETTERS.len());
        assert_eq!(capital('q'), 'Q');
    }

    #[test]
    fn totals_are_mostly_small_and_sometimes_huge() {
        let mut random = Random::new(1);
        let mut totals: Vec<u64> = (0..100_000).map(|_| pareto(random.next())).collect();
        totals.sort_unstable();
        // 58 · 2^1.25 is the median of the distribution.
        assert!((130..146).contains(&totals[50_000]), "{}", totals[50_000]);
        assert!(totals[0] >= 58 && totals[99_999] > 10_000_000);
    }
}
