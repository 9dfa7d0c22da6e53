//! A median and an interval that covers the true median.
//!
//! The ends of the interval are two of the sorted times of processes. They are chosen so that the true median lies
//! between them with the wanted probability. If no pair fits exactly, the ends are interpolated: T. P. Hettmansperger
//! and S. J. Sheather, "Confidence intervals based on interpolated order statistics", Statistics & Probability Letters
//! 4 (1986). The method assumes only that half of all processes are quicker than the median. It therefore holds for
//! every shape of noise.
//!
//! A bootstrap by process would compute nearly the same with random numbers. The median of resampled values is one of
//! the values, and the binomial distribution gives the probability of each (B. Efron, "The Jackknife, the Bootstrap and
//! Other Resampling Plans", 1982, section 10.3). With few blocks a bootstrap is worse. If it also resamples inside
//! processes, it counts their noise twice and covers too much; otherwise it covers too little. `just prove truth`
//! simulates six, ten and twenty blocks, and checks that the intervals here cover as often as they claim.

use super::modes::split;
use super::{BLOCKS_FOR_AN_INTERVAL, Blocks, log_ratios, median, processes};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// The numbers from `low` to `high`, both included.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Interval {
    /// Whether the interval contains `value`.
    pub fn contains(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }
}

/// An estimated value and its uncertainty.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Estimate {
    /// The best single estimate.
    pub value: f64,
    /// The interval that covers the true value. `None` with fewer than [`BLOCKS_FOR_AN_INTERVAL`] blocks. If processes
    /// are of two kinds (see [`super::modes`]), there is no single true value. The interval then goes from the quickest
    /// process to the slowest. A lone outlier is no kind of its own, so it does not widen the interval like that.
    pub interval: Option<Interval>,
}

impl Estimate {
    /// Returns `factor` times the estimate.
    pub fn times(self, factor: f64) -> Self {
        let scaled = |interval: Interval| Interval { low: interval.low * factor, high: interval.high * factor };
        Estimate { value: self.value * factor, interval: self.interval.map(scaled) }
    }
}

/// The time of the median process, in nanoseconds: the median over all processes of their median samples.
///
/// `level` is the probability that the interval covers the truth, such as [`super::LEVEL`]. `None` without samples.
pub fn time(blocks: &Blocks, level: f64) -> Option<Estimate> {
    estimate(processes(blocks), f64::ln, level)
}

/// The time of `over` divided by the time of `under`, paired by block: the median over blocks of the ratio.
///
/// Within a block both were measured at nearly the same time. Anything that slowed the whole machine therefore cancels.
/// `None` if no block has both.
pub fn ratio(over: &Blocks, under: &Blocks, level: f64) -> Option<Estimate> {
    pooled_ratio(over, &[under], level)
}

/// The time of `over` divided by that of a whole group: the median over blocks of one ratio a block, which is the
/// median of the ratios to the members of `group`.
///
/// A group of many members has a narrower interval than each of them, because a slow process of one member does not
/// move the median of its block. Only blocks that have every member count. In other blocks, the ratio would depend on
/// which members are missing. `None` if no block has all, or the group is empty.
pub fn pooled_ratio(over: &Blocks, group: &[&Blocks], level: f64) -> Option<Estimate> {
    let members: Vec<BTreeMap<u32, f64>> = group.iter().map(|under| log_ratios(over, under).collect()).collect();
    let pooled = members.first()?.keys().filter_map(|block| {
        let ratios: Option<Vec<f64>> = members.iter().map(|ratios| ratios.get(block).copied()).collect();
        median(&ratios?)
    });
    let Estimate { value, interval } = estimate(pooled.collect(), |logarithm| logarithm, level)?;
    let interval = interval.map(|Interval { low, high }| Interval { low: low.exp(), high: high.exp() });
    Some(Estimate { value: value.exp(), interval })
}

/// The probability that the true median lies between the smallest and the largest of `blocks` measured values.
///
/// All values lie on one side of the true median with probability `2 · 2^-blocks`. This is the argument of the sign
/// test, exact for any continuous distribution (W. J. Conover, "Practical Nonparametric Statistics", chapter 3).
pub fn reach(blocks: usize) -> f64 {
    let exponent = i32::try_from(blocks).unwrap_or(i32::MAX).saturating_sub(1);
    1.0 - 0.5_f64.powi(exponent)
}

/// The median of `values` with its interval. `logarithm` maps a value to its logarithm, to search for two kinds of
/// processes.
fn estimate(mut values: Vec<f64>, logarithm: fn(f64) -> f64, level: f64) -> Option<Estimate> {
    let value = median(&values)?;
    values.sort_unstable_by(f64::total_cmp);
    let two_kinds = split(&values.iter().map(|value| logarithm(*value)).collect::<Vec<_>>()).is_some();
    let interval = match values.as_slice() {
        [low, .., high] if two_kinds => Some(Interval { low: *low, high: *high }),
        few if few.len() < BLOCKS_FOR_AN_INTERVAL => None,
        sorted => Some(around_the_median(sorted, level)),
    };
    Some(Estimate { value, interval })
}

/// The interval of Hettmansperger and Sheather for the true median, computed from the values `sorted`. Returns the
/// whole range if even that covers the true median with a probability below `level`.
fn around_the_median(sorted: &[f64], level: f64) -> Interval {
    let count = sorted.len();
    let between = |depth: usize| (sorted[depth - 1], sorted[count - depth]);
    // `sure` is the probability that the true median lies between the values at `depth` from either end.
    let (mut depth, mut sure) = (1, reach(count));
    for (next, surer) in (2..=count / 2).zip(sureness(count).skip(1)) {
        if surer < level {
            let share = ((sure - level) / (sure - surer)).max(0.0);
            let (outer, inner) = ((count - depth) as f64 * share, depth as f64 * (1.0 - share));
            let inwards = outer / (outer + inner);
            let ((low, high), (next_low, next_high)) = (between(depth), between(next));
            return Interval { low: low + inwards * (next_low - low), high: high + inwards * (next_high - high) };
        }
        (depth, sure) = (next, surer);
    }
    let (low, high) = between(depth);
    Interval { low, high }
}

/// The probabilities that the true median lies between the values at depth 1, 2, … from either end: the binomial
/// distribution with p = 1/2, without its two tails.
fn sureness(count: usize) -> impl Iterator<Item = f64> {
    // Weights are relative to the middle one, because 2^-count may be too small for a float.
    let mut weights = vec![1.0; count / 2 + 1];
    for k in (0..count / 2).rev() {
        weights[k] = weights[k + 1] * (k + 1) as f64 / (count - k) as f64;
    }
    let middle_counts_once = if count.is_multiple_of(2) { 1.0 } else { 0.0 };
    let all = 2.0 * weights.iter().sum::<f64>() - middle_counts_once;
    let mut tail = 0.0;
    weights.into_iter().take(count / 2).map(move |weight| {
        tail += weight / all;
        1.0 - 2.0 * tail
    })
}

#[cfg(test)]
mod tests {
    use super::super::{BLOCKS_FOR_A_VERDICT, LEVEL, always, blocks};
    use super::*;
    use proptest::prelude::{ProptestConfig, prop_assert, proptest};

    #[test]
    fn an_interval_needs_three_blocks_and_stays_within_the_measured_range() {
        assert_eq!(time(&blocks(&[&[1.0, 3.0], &[4.0]]), LEVEL), Some(Estimate { value: 3.0, interval: None }));
        let three = time(&blocks(&[&[1.0], &[2.0], &[3.0]]), LEVEL).expect("there are samples");
        assert_eq!(three, Estimate { value: 2.0, interval: Some(Interval { low: 1.0, high: 3.0 }) });
        assert_eq!(time(&Blocks::new(), LEVEL), None);
    }

    #[test]
    fn the_interval_of_ten_values_agrees_with_the_textbook() {
        // Between the 2nd and the 9th: 97.85 %. Between the 3rd and the 8th: 89.06 %.
        let ten: Vec<f64> = (1..=10).map(f64::from).collect();
        let sure: Vec<f64> = sureness(10).collect();
        assert!((sure[1] - 0.978_5).abs() < 1e-4 && (sure[2] - 0.890_6).abs() < 1e-4, "{sure:?}");
        let interval = around_the_median(&ten, LEVEL);
        // (0.9785 - 0.95) / (0.9785 - 0.8906) = 0.3244; 8 · 0.3244 / (2 + 6 · 0.3244) = 0.6577.
        assert!((interval.low - 2.657_7).abs() < 1e-3 && (interval.high - 8.342_3).abs() < 1e-3, "{interval:?}");
    }

    #[test]
    fn thousands_of_blocks_still_have_an_interval() {
        let many: Vec<f64> = (0..5_000).map(f64::from).collect();
        let interval = around_the_median(&many, LEVEL);
        // The normal approximation: 2500 ± 1.96 · √5000 / 2.
        assert!((interval.high - interval.low - 138.6).abs() < 2.0, "{interval:?}");
    }

    #[test]
    fn a_slowdown_of_a_whole_block_cancels_in_the_ratio() {
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
    fn one_slow_process_of_fourteen_widens_no_interval() {
        let quick: Blocks = (0..14).map(|block| (block, vec![100.0 + f64::from(block)])).collect();
        let mut disturbed = quick.clone();
        disturbed.insert(13, vec![250.0]);
        assert_eq!(time(&disturbed, LEVEL), time(&quick, LEVEL));
    }

    #[test]
    fn a_group_is_as_fast_as_its_median_member_in_each_block_that_has_all() {
        let over = always(20.0, 5);
        let [quick, slow] = [10.0, 12.5].map(|ns| always(ns, 5));
        // The third member was disturbed in one block, and missed another.
        let mut third = always(11.0, 5);
        third.insert(2, vec![500.0]);
        let group = pooled_ratio(&over, &[&quick, &third, &slow], LEVEL).expect("blocks");
        assert!((group.value - 20.0 / 11.0).abs() < 1e-12, "{group:?}");
        third.retain(|block, _| *block < 3);
        let interval = pooled_ratio(&over, &[&third, &quick, &slow], LEVEL).and_then(|it| it.interval);
        assert!(interval.is_some_and(|it| (it.low - 20.0 / 12.5).abs() < 1e-12), "{interval:?}");
        assert_eq!(pooled_ratio(&over, &[&quick, &Blocks::new()], LEVEL), None);
        assert_eq!(pooled_ratio(&over, &[], LEVEL), None);
        assert_eq!(pooled_ratio(&over, &[&slow], LEVEL), ratio(&over, &slow, LEVEL));
    }

    #[test]
    fn reach_of_three_and_five_blocks_agrees_with_the_documentation() {
        assert!((reach(3) - 0.75).abs() < 1e-12);
        assert!((reach(BLOCKS_FOR_A_VERDICT) - 0.9375).abs() < 1e-12);
        assert!(reach(1) == 0.0 && reach(1_000) <= 1.0);
    }

    #[test]
    fn the_interval_of_two_kinds_of_processes_covers_both() {
        let eight_to_two = [30.0, 30.1, 29.9, 30.2, 30.0, 30.1, 29.8, 30.0, 49.9, 50.0];
        let blocks: Blocks = (0..).zip(eight_to_two.map(|ns| vec![ns])).collect();
        let interval = time(&blocks, LEVEL).and_then(|time| time.interval).expect("ten blocks");
        assert_eq!(interval, Interval { low: 29.8, high: 50.0 });
        let even: Blocks = (0..10).map(|block| (block, vec![10.0])).collect();
        let interval = ratio(&blocks, &even, LEVEL).and_then(|ratio| ratio.interval).expect("ten blocks");
        assert!((interval.high - 5.0).abs() < 1e-9, "{interval:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn intervals_contain_the_estimate_and_scale_with_the_unit(
            values in proptest::collection::vec(proptest::collection::vec(1.0..1e6_f64, 1..4), 3..12),
        ) {
            let data: Blocks = (0..).zip(values).collect();
            let estimate = time(&data, LEVEL).expect("there are samples");
            let interval = estimate.interval.expect("at least three blocks");
            prop_assert!(interval.contains(estimate.value));

            let twice = |times: &Vec<f64>| times.iter().map(|ns| ns * 2.0).collect();
            let doubled: Blocks = data.iter().map(|(block, times)| (*block, twice(times))).collect();
            let doubled_ratio = ratio(&doubled, &data, LEVEL).expect("all blocks are shared");
            prop_assert!((doubled_ratio.value - 2.0).abs() < 1e-9);
            let doubled_time = time(&doubled, LEVEL).and_then(|it| it.interval).expect("as many blocks");
            prop_assert!((doubled_time.high / interval.high - 2.0).abs() < 1e-9);
        }
    }
}
