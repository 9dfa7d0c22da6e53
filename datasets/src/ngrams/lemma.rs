//! An endless supply of different words that begin with *a*, both real and invented.

use std::collections::HashSet;

use foldhash::fast::FixedState;

use super::spellings::prefix;
use crate::random::{Random, mix};

/// A word without its forms, in lower case. It begins with `a`.
pub(super) struct Lemma {
    spelling: String,
    total: Total,
}

/// The number of occurrences of the most frequent form of a lemma.
#[derive(Clone, Copy)]
enum Total {
    /// The total of a real word. All forms of a real word appear.
    Real(u64),
    /// The random bits of the total of an invented word. The total is computed on demand, because not every file uses
    /// it.
    Drawn(u64),
}

/// The form in which a lemma is spelled.
#[derive(Clone, Copy)]
pub(super) enum Form {
    /// The first letter is a capital.
    Capitalised,
    /// All letters are small.
    Small,
    /// All letters are capitals.
    Capitals,
}

impl Lemma {
    /// Returns the number of occurrences of the most frequent form.
    pub(super) fn total(&self) -> u64 {
        match self.total {
            Total::Real(total) => total,
            Total::Drawn(bits) => pareto(bits),
        }
    }

    /// Returns the forms that appear, at least one, each with its part of `total`.
    pub(super) fn forms(&self, total: u64, random: &mut Random) -> impl Iterator<Item = (Form, u64)> + use<> {
        let all = matches!(self.total, Total::Real(_));
        let [small, capitalised, capitals] = [620, 580, 170].map(|thousandths| random.chance(thousandths) || all);
        let small = small || !(capitalised || capitals);
        // A capitalised single letter already consists of capitals only.
        let capitals = capitals && self.spelling.chars().skip(1).any(|letter| capital(letter) != letter);

        // A rarer form has 16/256 to 79/256 of the total of the other.
        let mut parts = |is_rarer: bool| if is_rarer { 16 + random.below(64) } else { 256 };
        let of_capitalised = total * parts(small) / 256;
        let of_capitals = of_capitalised * parts(small || capitalised) / 256;
        // `Aardvark`, the example of the book, is the first word, so that files of any size contain it.
        [
            capitalised.then_some((Form::Capitalised, of_capitalised)),
            small.then_some((Form::Small, total)),
            capitals.then_some((Form::Capitals, of_capitals)),
        ]
        .into_iter()
        .flatten()
    }

    /// Appends a form to `spellings`.
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

/// An endless iterator over different lemmas. Real and invented lemmas alternate, then all are invented.
pub(super) struct Lemmas {
    random: Random,
    drawn: usize,
    /// The hashes of all spellings so far. A spelling whose hash is already in the set is drawn again.
    seen: HashSet<u64, FixedState>,
    last: Lemma,
}

impl Lemmas {
    pub(super) fn new(seed: u64) -> Self {
        let last = Lemma { spelling: String::new(), total: Total::Real(0) };
        Self { random: Random::new(mix(seed ^ 1)), drawn: 0, seen: HashSet::default(), last }
    }

    pub(super) fn next(&mut self) -> &Lemma {
        let Self { random, drawn, seen, last } = self;
        let real = REAL.get(*drawn / 2).filter(|_| drawn.is_multiple_of(2));
        *drawn += 1;
        last.spelling.clear();
        if let Some((spelling, total)) = real {
            last.spelling.push_str(spelling);
            last.total = Total::Real(*total);
            seen.insert(hash(spelling));
            return last;
        }
        last.spelling.push('a');
        invent(random, &mut last.spelling);
        while !seen.insert(hash(&last.spelling)) {
            // This loop always ends, because there are always unused longer spellings.
            invent(random, &mut last.spelling);
        }
        last.total = Total::Drawn(random.next());
        last
    }
}

fn hash(spelling: &str) -> u64 {
    let (eights, _) = spelling.as_bytes().as_chunks::<8>();
    let all = eights.iter().map(|eight| u64::from_le_bytes(*eight));
    // The last eight bytes, which may overlap the chunk before. For a shorter spelling, all bytes.
    let last =
        spelling.as_bytes().last_chunk().map_or_else(|| prefix(spelling.as_bytes()), |last| u64::from_le_bytes(*last));
    // The length distinguishes a spelling from the same spelling with zeros appended.
    all.chain(std::iter::once(last)).fold(spelling.len() as u64, |hash, eight| mix(hash ^ eight))
}

/// Draws a heavy-tailed total: 58 · u^(-1.25) for a uniform u, computed in integers.
fn pareto(bits: u64) -> u64 {
    // u in 32 binary places, at least 2^-20: the largest total is 1.9e9.
    let u = (bits >> 32).max(1 << 12);
    let fourth_root = ((u << 32).isqrt() << 32).isqrt();
    (58 << 32) / ((u * fourth_root) >> 32)
}

/// Appends one to four invented syllables of English letters. A few spellings also get an unusual part.
fn invent(random: &mut Random, spelling: &mut String) {
    static ONSETS: [Piece; 40] = Piece::of_each([
        "b", "c", "c", "d", "d", "f", "g", "h", "k", "l", "l", "l", "m", "m", "n", "n", "n", "p", "p", "r", "r", "r",
        "s", "s", "s", "t", "t", "t", "v", "w", "z", "ch", "gr", "pl", "pr", "sh", "st", "th", "tr", "qu",
    ]);
    static VOWELS: [Piece; 20] = Piece::of_each([
        "a", "a", "a", "a", "e", "e", "e", "e", "e", "i", "i", "i", "i", "o", "o", "o", "u", "u", "ea", "io",
    ]);
    static ENDS: [Piece; 12] = Piece::of_each(["", "", "", "", "", "", "l", "n", "n", "r", "s", "t"]);
    const SYLLABLES: [u64; 10] = [1, 1, 2, 2, 2, 2, 3, 3, 3, 4];

    // The buffer holds four syllables of five letters, one unusual part, and the padding of the last piece.
    let (mut bytes, mut length) = ([0; 32], 0);
    let mut push = |piece: Piece| {
        bytes[length..length + 4].copy_from_slice(&piece.bytes);
        length += piece.length;
    };
    let syllables = random.pick(&SYLLABLES);
    let odd_after = random.below(syllables);
    for syllable in 0..syllables {
        push(random.pick(&ONSETS));
        push(random.pick(&VOWELS));
        push(random.pick(&ENDS));
        if syllable == odd_after {
            match random.below(1000) {
                0..20 => push(Piece::of(random.pick(&NON_ASCII).0.encode_utf8(&mut [0; 4]))),
                20..40 => push(Piece::of("'")),
                40..47 => push(Piece::of(random.pick(&["0", "1", "2", "7", "9"]))),
                47..55 => push(Piece::of(".")),
                _ => (),
            }
        }
    }
    spelling.push_str(str::from_utf8(&bytes[..length]).expect("pieces are UTF-8"));
}

/// A piece of up to four bytes. Copying always copies four, because copying a variable number takes a function call.
#[derive(Clone, Copy)]
struct Piece {
    bytes: [u8; 4],
    length: usize,
}

impl Piece {
    const fn of(text: &str) -> Self {
        let (mut bytes, mut at) = ([0; 4], 0);
        while at < text.len() {
            bytes[at] = text.as_bytes()[at];
            at += 1;
        }
        Self { bytes, length: text.len() }
    }

    const fn of_each<const N: usize>(texts: [&str; N]) -> [Self; N] {
        let (mut pieces, mut at) = ([Self::of(""); N], 0);
        while at < N {
            pieces[at] = Self::of(texts[at]);
            at += 1;
        }
        pieces
    }
}

/// Letters outside ASCII with their capitals. A letter without a capital is paired with itself. The table of the
/// standard library would change with each version of Unicode.
#[rustfmt::skip]
const NON_ASCII: [(char, char); 18] = [
    ('à', 'À'), ('â', 'Â'), ('ä', 'Ä'), ('ç', 'Ç'), ('è', 'È'), ('é', 'É'), ('ñ', 'Ñ'), ('ö', 'Ö'), ('ø', 'Ø'),
    ('ü', 'Ü'), ('æ', 'Æ'), ('œ', 'Œ'), ('α', 'Α'), ('λ', 'Λ'), ('ж', 'Ж'), ('я', 'Я'), ('ﬁ', 'ﬁ'), ('東', '東'),
];

fn capital(letter: char) -> char {
    if letter.is_ascii() {
        return letter.to_ascii_uppercase();
    }
    NON_ASCII.iter().find(|(small, _)| *small == letter).map_or(letter, |(_, capital)| *capital)
}

/// Real words that begin with *a*, with plausible totals. Three rare words come first. So even the smallest file has
/// `Aardvark`, an apostrophe and a letter outside ASCII. The most frequent words follow.
#[rustfmt::skip]
const REAL: [(&str, u64); 40] = [
    ("aardvark", 60_000), ("attaché", 500_000), ("a'priori", 9_000), ("and", 12_000_000_000), ("a", 9_100_000_000),
    ("as", 3_300_000_000), ("at", 2_300_000_000), ("are", 2_200_000_000), ("an", 1_600_000_000),
    ("all", 1_200_000_000), ("any", 700_000_000), ("about", 600_000_000), ("after", 500_000_000),
    ("also", 480_000_000), ("am", 300_000_000), ("among", 270_000_000), ("against", 260_000_000),
    ("again", 250_000_000), ("another", 240_000_000), ("american", 180_000_000), ("always", 150_000_000),
    ("although", 130_000_000), ("almost", 120_000_000), ("according", 110_000_000), ("act", 100_000_000),
    ("action", 95_000_000), ("age", 80_000_000), ("age's", 90_000), ("air", 75_000_000), ("army", 60_000_000),
    ("art", 55_000_000), ("april", 50_000_000), ("august", 45_000_000), ("author", 44_000_000),
    ("average", 40_000_000), ("apple", 9_000_000), ("abacus", 220_000), ("abbé", 400_000), ("a.m.", 3_000_000),
    ("aperçu", 70_000),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_small_letter_has_one_capital() {
        let capitals: HashSet<char> = NON_ASCII.iter().map(|(_, capital)| *capital).collect();
        assert_eq!(capitals.len(), NON_ASCII.len());
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
