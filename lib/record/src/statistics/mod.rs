//! Medians, intervals and verdicts over times that vary from process to process.
//!
//! Samples come in blocks. Each block measures every cell once, in a process of its own. Two samples of one block and
//! cell share a process, with its address layout and thread placement. They are therefore more alike than samples of
//! different blocks, and intervals over pooled samples would be too narrow. Here the unit of evidence is the process:
//! it contributes one number, the median of its samples. T. Kalibera and R. Jones, "Rigorous Benchmarking in Reasonable
//! Time", ISMM 2013, show why the process must be repeated.
//!
//! ```text
//! how long?            interval   a median and its interval, of a cell's time or of a ratio paired by block
//! which is slower?     verdict    the fastest candidate, and groups of candidates that tie
//!                      rank       two sets of processes that share no block, such as two runs
//! is it one number?    modes      processes of two kinds
//!                      outliers   samples far from the others, never dropped
//! is it warm?          warm_up    whether the first timed sample is still slower
//! is it enough?        precision  which cells need more blocks
//! do these hold?       noise      random times with a known truth, for the simulations in `tests/proofs`
//! ```
//!
//! Some limits are found by simulation, with fixed seeds. The same blocks always give the same result.

mod interval;
mod modes;
mod noise;
mod outliers;
mod precision;
mod rank;
mod verdict;
mod warm_up;

pub use interval::{Estimate, Interval, pooled_ratio, ratio, reach, time};
pub use modes::{BLOCKS_FOR_MODES, Mode, Modes, gap_limits, modes};
pub use noise::{Noise, Shape, normal};
pub use outliers::{Outlier, outliers};
pub use precision::{Need, TARGET, Want, half_width, wanting};
pub use rank::{holm, rank_test, shift, smallest_p_value};
pub use verdict::{Comparison, Verdict, against_the_fastest, fastest, tie_groups};
pub use warm_up::{Process, WarmUp, warm_up};

use std::collections::BTreeMap;

/// The times of one cell by block number, in nanoseconds. The times of a block are those of one process.
pub type Blocks = BTreeMap<u32, Vec<f64>>;

/// The probability that an interval covers the truth, or that a verdict is right.
pub const LEVEL: f64 = 0.95;

/// The fewest blocks that give an interval. Two processes cannot show how much processes differ.
pub const BLOCKS_FOR_AN_INTERVAL: usize = 3;

/// The fewest blocks that give a verdict. [`reach`] limits the probability that an interval covers the true median: 75
/// % for three blocks, 94 % for five. Five blocks come close to [`LEVEL`], so the report may name the fastest.
pub const BLOCKS_FOR_A_VERDICT: usize = 5;

/// The smallest relative difference that matters. A candidate that is slower by less is never called slower. Only the
/// estimate must reach the margin. If the whole interval had to, six blocks would not find a difference of 5 %.
pub const MARGIN: f64 = 0.02;

/// The middle value, or the mean of the two middle values. `None` without values.
pub fn median(values: &[f64]) -> Option<f64> {
    middle(&mut values.to_vec())
}

/// [`median`] without the copy; reorders `values`.
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

/// The median of each process's samples, in nanoseconds. A block without a sample has no process.
pub fn processes(blocks: &Blocks) -> Vec<f64> {
    blocks.values().filter_map(|samples| median(samples)).collect()
}

/// The logarithm of `over` divided by `under`, with the number of each block that has both.
///
/// Within a block both were measured at nearly the same time. Anything that slowed the whole machine therefore cancels.
/// The logarithms of 2 and of 1/2 are equally far from zero.
pub fn log_ratios(over: &Blocks, under: &Blocks) -> impl Iterator<Item = (u32, f64)> {
    let ratio =
        |(block, samples): (&u32, &Vec<f64>)| Some((*block, (median(samples)? / median(under.get(block)?)?).ln()));
    over.iter().filter_map(ratio)
}

/// Blocks for tests, from the samples of each block.
#[cfg(test)]
fn blocks(values: &[&[f64]]) -> Blocks {
    (0..).zip(values.iter().map(|samples| samples.to_vec())).collect()
}

/// Blocks for tests, each with one sample of `ns`.
#[cfg(test)]
fn always(ns: f64, blocks: u32) -> Blocks {
    (0..blocks).map(|block| (block, vec![ns])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_or_the_mean_of_the_two_middle_ones() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[7.0]), Some(7.0));
        assert_eq!(median(&[9.0, 1.0, 5.0]), Some(5.0));
        assert_eq!(median(&[9.0, 1.0, 5.0, 6.0]), Some(5.5));
    }

    #[test]
    fn a_process_counts_once_however_many_samples_it_has() {
        assert_eq!(processes(&blocks(&[&[1.0, 2.0, 90.0], &[], &[3.0]])), [2.0, 3.0]);
    }
}
