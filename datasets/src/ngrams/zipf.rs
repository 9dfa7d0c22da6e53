//! Generates files for experiments, with a given number of words. The frequency of a word is a power of its rank.
//!
//! The number of lines of the word of rank r is proportional to r^-s (G. K. Zipf, 1935). The exponent s is 0 for
//! equally frequent words and about 1 for natural language. The frequencies are not random. Each word gets its share of
//! lines, rounded and at least one, so that the file has all words. Lines differ mainly in the word. The years of each
//! word increase from the first year to the last, and counts have three digits.

use std::io::{self, Write};

use super::lemma::Lemmas;
use super::spellings::{Spelled, Spellings};
use super::text::{LineWriter, Summary};
use super::years::{FIRST, Line, YEARS};
use crate::random::{Random, mix};

/// The bytes of a line without its word: three TABs and an LF, a year, three digits of matches and two of volumes.
const BESIDE: u64 = 4 + 4 + 3 + 2;

/// The number of words and the exponent of their frequencies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Zipf {
    /// The number of distinct words.
    pub words: u64,
    /// The exponent in hundredths. 100 gives frequencies of 1, 1/2, 1/3, and so on.
    pub hundredths: u32,
}

/// The words of a file, each with its number of lines.
pub(super) struct Spread {
    spellings: Spellings,
    words: Vec<(Spelled, u64)>,
    seed: u64,
}

impl Spread {
    /// Draws the words, and distributes the lines that fit into `bytes`.
    ///
    /// # Errors
    /// When `bytes` is too small for one line of each word.
    pub(super) fn draw(seed: u64, bytes: u64, zipf: Zipf) -> io::Result<Self> {
        let refuse = |least: u64| {
            let words = zipf.words;
            let reason = format!("{words} words need at least {least} bytes; ask for more bytes or fewer words");
            io::Error::new(io::ErrorKind::InvalidInput, reason)
        };
        // A lower bound for any words. It rejects far too many words before drawing them.
        let shortest = zipf.words.saturating_mul(1 + BESIDE);
        if shortest > bytes {
            return Err(refuse(shortest));
        }
        let (spellings, drawn) = draw_words(seed, zipf.words.max(1));
        // The shares are contiguous and by rank, because the search below adds them up repeatedly.
        let shares: Vec<u64> = shares(drawn.len(), zipf.hundredths);
        let lengths: Vec<u8> = drawn.iter().map(|word| word.length() as u8).collect();
        let lines = |of_the_first: u64, share: u64| lines(of_the_first, share).max(1);
        let line = |length: &u8| u64::from(*length) + BESIDE;
        // Computes the bytes of the first words. This cannot overflow, because the search starts close to `bytes`.
        let length = |of_the_first: u64, words: usize| -> u64 {
            let words = shares[..words].iter().zip(&lengths[..words]);
            words.map(|(share, length)| lines(of_the_first, *share) * line(length)).sum()
        };
        let least: u64 = lengths.iter().map(line).sum();
        if least > bytes {
            return Err(refuse(least));
        }
        // Searches the largest number of lines of the first word that leaves room for the others, in units of 2^-16
        // lines. The upper end is the solution without rounding, with half a line less for each word.
        let weight: u128 =
            shares.iter().zip(&lengths).map(|(share, length)| u128::from(*share) * u128::from(line(length))).sum();
        let halves = u128::from(least) / 2 + 1;
        let most = (((u128::from(bytes) + halves) << 60) / (weight >> 4).max(1)).min(u128::from(bytes) << 16);
        let (mut low, mut high) = (0, u64::try_from(most).unwrap_or(u64::MAX));
        // The last words have one line each, however many the first word has. The search excludes these words.
        let (mut asked, mut of_others) = (shares.len(), 0);
        while low < high {
            while asked > 0 && lines(high, shares[asked - 1]) == 1 {
                asked -= 1;
                of_others += line(&lengths[asked]);
            }
            let middle = low + (high - low).div_ceil(2);
            if of_others + length(middle, asked) <= bytes { low = middle } else { high = middle - 1 }
        }
        let mut room = bytes - of_others - length(low, asked);
        // The remaining space is too small for one more line of each word.
        let with_lines = |(word, share): (Spelled, &u64)| {
            let (lines, line) = (lines(low, *share), line(&(word.length() as u8)));
            let Some(less) = room.checked_sub(line) else { return (word, lines) };
            room = less;
            (word, lines + 1)
        };
        let mut words: Vec<(Spelled, u64)> = drawn.into_iter().zip(&shares).map(with_lines).collect();
        words.sort_unstable_by(|(one, _), (other, _)| spellings.order(*one, *other));
        let spellings = spellings.arranged(words.iter_mut().map(|(word, _)| word));
        Ok(Spread { spellings, words, seed })
    }

    /// Writes the lines, sorted by word and year.
    pub(super) fn write(&self, out: &mut dyn Write, progress: &mut dyn FnMut(u64)) -> io::Result<Summary> {
        let mut writer = LineWriter::new(out, progress);
        let mut random = Random::new(mix(self.seed ^ 5));
        for (word, lines) in &self.words {
            writer.begin_word(self.spellings.of(*word));
            // The years increase by equal steps. A step is a number of whole years, plus one when the remainders add up
            // to one.
            let steps = lines.saturating_sub(1).max(1);
            let (step, rest) = ((YEARS as u64 - 1) / steps, (YEARS as u64 - 1) % steps);
            let (mut year, mut over) = (FIRST as u64, 0);
            for _ in 0..*lines {
                let bits = random.next();
                let (matches, volumes) =
                    (100 + (bits & 0xffff) * 900 / 0x1_0000, 10 + (bits >> 16 & 0xffff) * 90 / 0x1_0000);
                writer.write(&Line { year: year as u16, matches, volumes })?;
                over += rest;
                let one_more = over >= steps;
                over -= if one_more { steps } else { 0 };
                year += step + u64::from(one_more);
            }
        }
        let (bytes, lines) = writer.finish()?;
        Ok(Summary { bytes, lines, words: self.words.len() as u64 })
    }
}

/// Draws `number` words in the order of rank. The first is `Aardvark`, the example of the book.
fn draw_words(seed: u64, number: u64) -> (Spellings, Vec<Spelled>) {
    let mut random = Random::new(mix(seed ^ 4));
    let mut lemmas = Lemmas::new(seed);
    let (mut spellings, mut words) = (Spellings::default(), Vec::with_capacity(number as usize));
    while (words.len() as u64) < number {
        let lemma = lemmas.next();
        let room = number as usize - words.len();
        for (form, _) in lemma.forms(0, &mut random).take(room) {
            words.push(spellings.add(|spellings| lemma.spell(form, spellings)));
        }
    }
    (spellings, words)
}

/// Returns a share of the lines of the first word, rounded to a whole number.
fn lines(of_the_first: u64, share: u64) -> u64 {
    ((u128::from(of_the_first) * u128::from(share) + (1 << 63)) >> 64) as u64
}

/// Returns, for each rank, the lines of a word divided by the lines of the first word, times 2^48.
///
/// The powers come from a software library. Powers of processors and operating systems differ in the last bits, so
/// files would differ too. The library is slow, but computes only one rank in four, because the power of a product is
/// the product of powers.
fn shares(ranks: usize, hundredths: u32) -> Vec<u64> {
    const ALL: f64 = (1_u64 << 48) as f64;
    let mut powers = vec![1.0; ranks];
    for rank in 2..=ranks {
        let factor = [2, 3, 5, 7].into_iter().find(|factor| rank.is_multiple_of(*factor) && rank > *factor);
        powers[rank - 1] = match factor {
            Some(factor) => powers[factor - 1] * powers[rank / factor - 1],
            None => libm::pow(rank as f64, -f64::from(hundredths) / 100.0),
        };
    }
    powers.into_iter().map(|power| (power * ALL) as u64).collect()
}
