//! The lines of one word: the years, with the number of occurrences and of volumes in each.

use crate::random::Random;

/// The first and the last year of the real file (version 20120701).
pub(super) const FIRST: usize = 1505;
const LAST: usize = 2008;
pub(super) const YEARS: usize = LAST - FIRST + 1;
/// The largest number of lines of a word.
pub(super) const MOST_LINES: u16 = 200;
/// The number of patterns for the years of a word. Pattern `p` omits up to `p` years between two lines.
const PATTERNS: usize = 16;

/// The parameters that determine the lines of one word.
#[derive(Clone, Copy, Debug)]
pub(super) struct History {
    /// The approximate number of occurrences in all years together, at most 2^36.
    pub(super) total: u64,
    /// The seed of all random choices.
    pub(super) seed: u64,
    /// The number of lines of the word, at most [`MOST_LINES`].
    pub(super) lines: u16,
    /// The number of lines that the word would have in a file without a size limit.
    pub(super) full_lines: u16,
}

/// One line of a word.
pub(super) struct Line {
    pub(super) year: u16,
    pub(super) matches: u64,
    pub(super) volumes: u64,
}

/// Draws the number of lines of a word with this total, up to [`MOST_LINES`].
pub(super) fn number_of_lines(total: u64, random: &mut Random) -> u16 {
    /// The typical number by the binary logarithm of the total. Totals are at least 40, so the first five are unused.
    const BY_OCTAVE: [u16; 18] = [1, 2, 3, 5, 8, 24, 42, 62, 84, 106, 128, 148, 164, 176, 186, 194, 198, MOST_LINES];
    let octave = total.checked_ilog2().unwrap_or(0) as usize;
    let typical = u64::from(BY_OCTAVE[octave.min(BY_OCTAVE.len() - 1)]);
    // Draws from 0.5 to 1.5 times the typical number.
    let drawn = typical * (128 + random.below(257)) / 256;
    drawn.clamp(1, u64::from(MOST_LINES)) as u16
}

impl History {
    /// Returns the lines by year. Every call returns the same lines.
    pub(super) fn lines(&self) -> impl Iterator<Item = Line> + use<> {
        let mut random = Random::new(self.seed);
        let all = usize::from(self.full_lines);

        // Frequent words appear every year. Rare words appear in some years, and not always up to the last year.
        let patterns = (360 / all).clamp(1, PATTERNS) as u64;
        let offsets = &OFFSETS[random.below(patterns) as usize];
        let span = usize::from(offsets[all - 1]);
        let slack = if all < 100 { (YEARS - 1 - span).min(40) as u64 } else { 0 };
        let first = YEARS - 1 - span - random.below(slack + 1) as usize;

        // About the share `all / (span + 1)` of the books printed between the word's first and last year falls in its years.
        let printed: u64 = WEIGHTS[first..=first + span].iter().map(|&weight| u64::from(weight)).sum();
        let weight_of_years = (printed * all as u64 / (span as u64 + 1)).max(1);
        let total_per_weight = (self.total << 20) / weight_of_years;

        // Frequent words have a constant share of each year. Rare words come in bursts: their factor is the product of
        // two uniform numbers, which is often near zero and sometimes four times the mean.
        let calm = match self.total {
            0..10_000 => 0,
            10_000..1_000_000 => 1,
            _ => 2,
        };

        offsets[..usize::from(self.lines)].iter().map(move |&offset| {
            let year = first + usize::from(offset);
            let bits = random.next();
            let product = ((bits & 0xff) * (bits >> 8 & 0xff)) >> 6;
            let burst = 256 - (256 >> calm) + (product >> calm);
            let share = (total_per_weight * u64::from(WEIGHTS[year])) >> 8;
            let matches = ((share * burst) >> 20).max(1);
            Line { year: (FIRST + year) as u16, matches, volumes: volumes(matches, year, bits >> 16 & 0x3f) }
        })
    }
}

/// Returns about `matches` to the power of 0.87, reduced by up to a quarter, and at most the volumes of the year.
fn volumes(matches: u64, year: usize, less: u64) -> u64 {
    let typical = (matches * PER_MATCH[matches.ilog2() as usize]) >> 16;
    (typical - ((typical * less) >> 8)).clamp(1, VOLUMES_PER_WEIGHT * u64::from(WEIGHTS[year]))
}

/// The volumes per unit of weight. The last year has about two hundred thousand volumes.
const VOLUMES_PER_WEIGHT: u64 = 3;

/// The weight of each year: 2^16 for the last year, and 1000 / 1021 of the next year's weight for each earlier year.
static WEIGHTS: [u32; YEARS] = {
    let mut weights = [0; YEARS];
    // The computation has 16 additional bits, so that rounding errors do not add up.
    let mut weight = 1_u64 << 32;
    let mut year = YEARS;
    while year > 0 {
        year -= 1;
        let kept = (weight >> 16) as u32;
        weights[year] = if kept == 0 { 1 } else { kept };
        weight = weight * 1000 / 1021;
    }
    weights
};

/// The volumes per match by the binary logarithm of the matches: 2^16 · 2^(-0.13 · octave).
static PER_MATCH: [u64; 64] = {
    let mut table = [0; 64];
    let mut factor = 1_u64 << 32;
    let mut octave = 0;
    while octave < table.len() {
        table[octave] = factor >> 16;
        factor = factor * 9138 / 10_000;
        octave += 1;
    }
    table
};

/// For each pattern, the years of a word as offsets from its first year. In pattern `p`, gaps are from 1 to
/// `p + 1` years.
static OFFSETS: [[u16; MOST_LINES as usize]; PATTERNS] = {
    let mut offsets = [[0; MOST_LINES as usize]; PATTERNS];
    let mut random = Random::new(0);
    let mut pattern = 0;
    while pattern < PATTERNS {
        let mut line = 1;
        while line < MOST_LINES as usize {
            offsets[pattern][line] = offsets[pattern][line - 1] + 1 + random.below(pattern as u64 + 1) as u16;
            line += 1;
        }
        pattern += 1;
    }
    offsets
};

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(total: u64, lines: u16, seed: u64) -> impl Iterator<Item = Line> {
        History { total, seed, lines, full_lines: lines }.lines()
    }

    #[test]
    fn years_rise_and_stay_within_the_real_ones() {
        for lines_wanted in 1..=MOST_LINES {
            for seed in 0..50 {
                let years: Vec<usize> = lines(5000, lines_wanted, seed).map(|line| line.year.into()).collect();
                assert_eq!(years.len(), usize::from(lines_wanted));
                assert!(years.is_sorted_by(|a, b| a < b));
                assert!(FIRST <= years[0] && years[years.len() - 1] <= LAST);
            }
        }
    }

    #[test]
    fn a_word_never_has_more_volumes_than_matches_and_always_one_of_each() {
        for exponent in 0..35 {
            for line in lines(1 << exponent, 60, exponent) {
                assert!(1 <= line.volumes && line.volumes <= line.matches);
            }
        }
    }

    #[test]
    fn the_lines_of_a_word_add_up_to_about_its_total() {
        for total in [10_000, 1_000_000, 12_000_000_000] {
            let sum: u64 = (0..200).flat_map(|seed| lines(total, 150, seed)).map(|line| line.matches).sum();
            let mean = sum / 200;
            assert!(total * 9 / 10 < mean && mean < total * 11 / 10, "{mean} instead of {total}");
        }
    }

    #[test]
    fn the_longest_pattern_fits_the_years() {
        for all in 1..=usize::from(MOST_LINES) {
            let widest = (360 / all).clamp(1, PATTERNS) - 1;
            assert!((all - 1) * (widest + 1) < YEARS);
        }
    }
}
