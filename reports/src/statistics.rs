//! Medians, intervals and paired ratios: what may be said about times that vary from process to process.
//!
//! Samples come in blocks. In each block every cell is measured once, in a process of its own, so two samples of one
//! block and cell share a process (its address layout, its thread placement) and are more alike than two of different
//! blocks. Whoever forgets that and pools all samples gets intervals that are too narrow; so everything here is
//! resampled in two levels, first processes and then samples inside them. See T. Kalibera and R. Jones, "Rigorous
//! Benchmarking in Reasonable Time", ISMM 2013, for why the process is the unit that must be repeated, and
//! A. C. Davison and D. V. Hinkley, "Bootstrap Methods and their Application", 1997, section 3.8, for the resampling.

use fastrand::Rng;
use std::collections::BTreeMap;

/// The samples of one cell by block: the block's number and the times its process measured, in nanoseconds.
pub type Blocks = BTreeMap<u32, Vec<f64>>;

/// How sure an interval tries to be.
pub const LEVEL: f64 = 0.95;

/// How many times the data are resampled. The outermost 2.5 % of 2 000 are 50 values, enough for three digits of
/// which the last one is noise.
pub const RESAMPLES: usize = 2_000;

/// Fewer blocks than this give no interval: two processes cannot show how much processes differ.
pub const BLOCKS_FOR_AN_INTERVAL: usize = 3;

/// Fewer blocks than this give no verdict. A percentile interval of a median hardly reaches beyond the smallest and the
/// largest block, and these have the true median between them with probability [`reach`]: 75 % for three blocks, 94 %
/// for five. So five blocks is where an interval comes close to what it claims, and where the page may begin to name
/// the fastest. The tests of this module simulate it.
pub const BLOCKS_FOR_A_VERDICT: usize = 5;

/// How much slower something must be, for certain, to be called slower: differences below this depend on the weather.
pub const MARGIN: f64 = 0.02;

/// Any number will do, as long as it is always the same.
const SEED: u64 = 0x676f_6c64_696c_6f63;

/// From `low` to `high`, both included.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// A value and how far it can be trusted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The best single guess.
    pub value: f64,
    /// Where the true value is expected; `None` with fewer than [`BLOCKS_FOR_AN_INTERVAL`] blocks.
    pub interval: Option<Interval>,
}

/// The middle value, or the mean of the two middle ones; `None` for no values at all.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut values = values.to_vec();
    middle(&mut values)
}

/// [`median`] without the copy: leaves `values` in another order.
fn middle(values: &mut [f64]) -> Option<f64> {
    let half = values.len().checked_sub(1)? / 2;
    let even = values.len().is_multiple_of(2);
    let (_, lower, above) = values.select_nth_unstable_by(half, f64::total_cmp);
    let lower = *lower;
    if !even {
        return Some(lower);
    }
    let upper = above.iter().copied().min_by(f64::total_cmp)?;
    Some(f64::midpoint(lower, upper))
}

/// The probability that the true median lies between the smallest and the largest of `blocks` measured ones:
/// all of them lie on one side of it with probability `2 · 2^-blocks`. (The sign test's argument, exact for any
/// continuous distribution: W. J. Conover, "Practical Nonparametric Statistics", chapter 3.)
pub fn reach(blocks: usize) -> f64 {
    let exponent = i32::try_from(blocks).unwrap_or(i32::MAX).saturating_sub(1);
    1.0 - 0.5_f64.powi(exponent)
}

/// The median of all samples, with a percentile interval of the two-level bootstrap.
///
/// `level` is the probability the interval aims at, such as [`LEVEL`]. `None` if there is no sample.
pub fn time(blocks: &Blocks, level: f64) -> Option<Estimate> {
    let processes: Vec<&[f64]> = blocks.values().filter(|samples| !samples.is_empty()).map(Vec::as_slice).collect();
    let value = median(&processes.concat())?;

    let mut drawn = Vec::new();
    let interval = bootstrap(processes.len(), level, |random| {
        drawn.clear();
        for _ in 0..processes.len() {
            resample(processes[random.usize(..processes.len())], &mut drawn, random);
        }
        middle(&mut drawn).expect("every process has samples")
    });
    Some(Estimate { value, interval })
}

/// How many times as long `over` takes as `under`, paired by block.
///
/// Within a block both were measured close to each other in time, so what slowed the whole machine slowed both, and
/// cancels. Each block gives the logarithm of its ratio of medians; the estimate is the median of these, and the
/// interval resamples blocks, then samples on either side. Logarithms make "twice" and "half" equally far from 1.
/// `None` if no block has both.
pub fn ratio(over: &Blocks, under: &Blocks, level: f64) -> Option<Estimate> {
    let pairs: Vec<(&[f64], &[f64])> = over
        .iter()
        .filter_map(|(block, over)| Some((over.as_slice(), under.get(block)?.as_slice())))
        .filter(|(over, under)| !over.is_empty() && !under.is_empty())
        .collect();
    let logarithms: Vec<f64> =
        pairs.iter().filter_map(|(over, under)| Some((median(over)? / median(under)?).ln())).collect();
    let value = median(&logarithms)?.exp();

    let (mut above, mut below, mut drawn) = (Vec::new(), Vec::new(), Vec::new());
    let interval = bootstrap(pairs.len(), level, |random| {
        drawn.clear();
        for _ in 0..pairs.len() {
            let (over, under) = pairs[random.usize(..pairs.len())];
            above.clear();
            below.clear();
            resample(over, &mut above, random);
            resample(under, &mut below, random);
            let [over, under] = [&mut above, &mut below].map(|samples| middle(samples).expect("no block is empty"));
            drawn.push((over / under).ln());
        }
        middle(&mut drawn).expect("there are blocks").exp()
    });
    Some(Estimate { value, interval })
}

/// The names that cannot be told from the fastest, in the order given.
///
/// The fastest is the one with the smallest median time. Another ties with it unless the interval of their paired
/// ratio lies above 1 + [`MARGIN`] as a whole. All are compared with one, so the intervals share what uncertainty
/// there is: each aims at `1 - (1 - LEVEL) / comparisons` (Bonferroni). A comparison with fewer than
/// [`BLOCKS_FOR_A_VERDICT`] blocks in common cannot separate. To tie is not to be equal: it is not to be decided.
pub fn fastest<'a>(candidates: &[(&'a str, &Blocks)]) -> Vec<&'a str> {
    let best = candidates
        .iter()
        .filter_map(|(name, blocks)| Some((*name, *blocks, pooled(blocks)?)))
        .min_by(|one, other| one.2.total_cmp(&other.2));
    let Some((best, fastest, _)) = best else {
        return Vec::new();
    };
    let comparisons = candidates.len().saturating_sub(1).max(1);
    let level = 1.0 - (1.0 - LEVEL) / comparisons as f64;
    let slower = |blocks: &Blocks| {
        let common = blocks.keys().filter(|block| fastest.contains_key(block)).count();
        let above = ratio(blocks, fastest, level).and_then(|ratio| ratio.interval).map(|interval| interval.low);
        common >= BLOCKS_FOR_A_VERDICT && above.is_some_and(|low| low > 1.0 + MARGIN)
    };
    candidates.iter().filter(|(name, blocks)| *name == best || !slower(blocks)).map(|(name, _)| *name).collect()
}

/// The median of all samples of all blocks.
pub fn pooled(blocks: &Blocks) -> Option<f64> {
    median(&blocks.values().flatten().copied().collect::<Vec<_>>())
}

/// Adds as many of `samples` as there are, drawn with replacement.
fn resample(samples: &[f64], into: &mut Vec<f64>, random: &mut Rng) {
    into.extend((0..samples.len()).map(|_| samples[random.usize(..samples.len())]));
}

/// The percentile interval of a statistic over resampled data (B. Efron and R. J. Tibshirani, "An Introduction to the
/// Bootstrap", 1993, chapter 13), or `None` with too few blocks.
fn bootstrap(blocks: usize, level: f64, mut statistic: impl FnMut(&mut Rng) -> f64) -> Option<Interval> {
    if blocks < BLOCKS_FOR_AN_INTERVAL {
        return None;
    }
    let mut random = Rng::with_seed(SEED);
    let mut values: Vec<f64> = (0..RESAMPLES).map(|_| statistic(&mut random)).collect();
    values.sort_unstable_by(f64::total_cmp);
    let tail = ((1.0 - level) / 2.0 * RESAMPLES as f64) as usize;
    Some(Interval { low: values[tail], high: values[RESAMPLES - 1 - tail] })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{ProptestConfig, prop_assert, proptest};

    fn blocks(values: &[&[f64]]) -> Blocks {
        (0..).zip(values.iter().map(|samples| samples.to_vec())).collect()
    }

    fn always(ns: f64, blocks: u32) -> Blocks {
        (0..blocks).map(|block| (block, vec![ns])).collect()
    }

    /// Times around 100 with 3 % between processes and 1 % inside them.
    fn noisy(random: &mut Rng, blocks: u32, factor: f64) -> Blocks {
        let mut normal = || (0..12).map(|_| random.f64()).sum::<f64>() - 6.0;
        (0..blocks)
            .map(|block| {
                let process = 100.0 * factor * (1.0 + 0.03 * normal());
                (block, (0..2).map(|_| process * (1.0 + 0.01 * normal())).collect())
            })
            .collect()
    }

    #[test]
    fn the_median_is_the_middle_or_the_mean_of_the_two_middle_ones() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[7.0]), Some(7.0));
        assert_eq!(median(&[9.0, 1.0, 5.0]), Some(5.0));
        assert_eq!(median(&[9.0, 1.0, 5.0, 6.0]), Some(5.5));
    }

    #[test]
    fn an_interval_needs_three_blocks_and_stays_within_what_was_measured() {
        assert_eq!(time(&blocks(&[&[1.0, 2.0], &[3.0]]), LEVEL), Some(Estimate { value: 2.0, interval: None }));
        let three = time(&blocks(&[&[1.0], &[2.0], &[3.0]]), LEVEL).expect("there are samples");
        assert_eq!(three, Estimate { value: 2.0, interval: Some(Interval { low: 1.0, high: 3.0 }) });
        assert_eq!(time(&Blocks::new(), LEVEL), None);
    }

    #[test]
    fn a_ratio_cancels_what_slows_a_whole_block() {
        let over = blocks(&[&[20.0], &[40.0], &[80.0], &[160.0]]);
        let under = blocks(&[&[10.0], &[20.0], &[40.0], &[80.0]]);
        let ratio = ratio(&over, &under, LEVEL).expect("all blocks are shared");
        let interval = ratio.interval.expect("four blocks");
        for value in [ratio.value, interval.low, interval.high] {
            assert!((value - 2.0).abs() < 1e-12, "{value}");
        }
    }

    #[test]
    fn only_blocks_that_have_both_are_paired() {
        let over = Blocks::from([(0, vec![30.0]), (1, vec![1.0])]);
        let under = Blocks::from([(0, vec![10.0]), (2, vec![500.0])]);
        assert!((ratio(&over, &under, LEVEL).expect("block 0").value - 3.0).abs() < 1e-12);
        assert_eq!(ratio(&over, &Blocks::from([(7, vec![1.0])]), LEVEL), None);
    }

    #[test]
    fn five_blocks_reach_as_far_as_the_text_says() {
        assert!((reach(3) - 0.75).abs() < 1e-12);
        assert!((reach(BLOCKS_FOR_A_VERDICT) - 0.9375).abs() < 1e-12);
        assert!(reach(1) == 0.0 && reach(1_000) <= 1.0);
    }

    #[test]
    fn intervals_cover_the_truth_about_as_often_as_they_claim() {
        let mut random = Rng::with_seed(1);
        let runs = 300;
        for (count, at_least) in [(5, 0.85), (12, 0.89)] {
            let covered = (0..runs)
                .filter(|_| {
                    let interval =
                        time(&noisy(&mut random, count, 1.0), LEVEL).and_then(|it| it.interval).expect("blocks");
                    (interval.low..=interval.high).contains(&100.0)
                })
                .count();
            let share = covered as f64 / f64::from(runs);
            assert!((at_least..=0.995).contains(&share), "{count} blocks: {share}");
        }
    }

    #[test]
    fn the_same_code_under_two_names_ties() {
        let mut random = Rng::with_seed(2);
        let runs = 60;
        let ties = (0..runs)
            .filter(|_| {
                let [one, other] = [(); 2].map(|()| noisy(&mut random, 10, 1.0));
                fastest(&[("one", &one), ("other", &other)]).len() == 2
            })
            .count();
        assert!(ties >= 57, "{ties} of {runs}");
    }

    #[test]
    fn twelve_per_cent_more_is_found_out_with_twenty_blocks() {
        let mut random = Rng::with_seed(3);
        let runs = 40;
        let found = (0..runs)
            .filter(|_| {
                let (quick, slow) = (noisy(&mut random, 20, 1.0), noisy(&mut random, 20, 1.12));
                fastest(&[("slow", &slow), ("quick", &quick)]) == ["quick"]
            })
            .count();
        assert!(found >= 36, "{found} of {runs}");
    }

    #[test]
    fn a_difference_below_the_margin_is_a_tie_however_sure_it_is() {
        let quick = always(100.0, 8);
        let slow = always(101.9, 8);
        let slower = always(102.1, 8);
        assert_eq!(fastest(&[("quick", &quick), ("slow", &slow), ("slower", &slower)]), ["quick", "slow"]);
    }

    #[test]
    fn too_few_blocks_in_common_separate_nothing() {
        let quick = always(100.0, 4);
        let slow = always(900.0, 9);
        assert_eq!(fastest(&[("quick", &quick), ("slow", &slow)]), ["quick", "slow"]);
        assert_eq!(fastest(&[]), Vec::<&str>::new());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn intervals_hold_the_estimate_and_scale_with_the_unit(
            values in proptest::collection::vec(proptest::collection::vec(1.0..1e6_f64, 1..4), 3..8),
        ) {
            let data: Blocks = (0..).zip(values).collect();
            let estimate = time(&data, LEVEL).expect("there are samples");
            let interval = estimate.interval.expect("at least three blocks");
            prop_assert!(interval.low <= estimate.value && estimate.value <= interval.high);

            let twice = |times: &Vec<f64>| times.iter().map(|ns| ns * 2.0).collect();
            let doubled: Blocks = data.iter().map(|(block, times)| (*block, twice(times))).collect();
            let doubled_ratio = ratio(&doubled, &data, LEVEL).expect("all blocks are shared");
            prop_assert!((doubled_ratio.value - 2.0).abs() < 1e-9);
        }
    }
}
