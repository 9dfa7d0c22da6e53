//! Medians, intervals and verdicts over times that vary from process to process.
//!
//! Samples come in blocks. Each block measures every cell once, in a process of its own. So two samples of one block and
//! cell share a process (its address layout, its thread placement) and are more alike than two of different blocks.
//! Intervals over pooled samples are too narrow. So the unit here is the process: each gives one number, the median of
//! its samples, and only processes count as evidence. T. Kalibera and R. Jones, "Rigorous Benchmarking in Reasonable
//! Time", ISMM 2013, show why the process must be repeated.
//!
//! ```text
//! how long?            interval   a median and its interval, for a cell and for a ratio paired by block
//! which is slower?     verdict    the fastest, those that tie with it, groups of ties
//! is it one number?    modes      processes of two kinds
//!                      outliers   samples far from the others, never dropped
//! is it warm?          warm_up    whether the first timed sample is still slower
//! is it enough?        precision  which cells need more blocks
//! is all this true?    noise      random times with a known truth, for the simulations in `tests/proofs`
//! ```
//!
//! The same blocks always give the same answer, although some limits are found by simulation.

mod interval;
mod modes;
mod noise;
mod outliers;
mod precision;
mod verdict;
mod warm_up;

pub use interval::{Estimate, Interval, ratio, reach, time};
pub use modes::{BLOCKS_FOR_MODES, Mode, Modes, modes};
pub use noise::{Noise, Shape, normal};
pub use outliers::{Outlier, outliers};
pub use precision::{Need, TARGET, Want, half_width, wanting};
pub use verdict::{Comparison, Verdict, against_the_fastest, fastest, tie_groups};
pub use warm_up::{Process, WarmUp, warm_up};

use std::collections::BTreeMap;

/// The samples of one cell by block: the block's number and its process's times, in nanoseconds.
pub type Blocks = BTreeMap<u32, Vec<f64>>;

/// The probability that an interval covers the truth, or that a verdict is right.
pub const LEVEL: f64 = 0.95;

/// The fewest blocks that give an interval: two processes cannot show how much processes differ.
pub const BLOCKS_FOR_AN_INTERVAL: usize = 3;

/// The fewest blocks that give a verdict. No interval of a median is surer than [`reach`]: 75 % for three blocks, 94 %
/// for five. From five blocks on an interval comes close to what it claims, and the report may name the fastest.
pub const BLOCKS_FOR_A_VERDICT: usize = 5;

/// The least difference that matters: nothing is called slower by less, however sure it is. The estimate must reach it
/// and not the whole interval, because then six blocks would not find 5 %.
pub const MARGIN: f64 = 0.02;

/// The middle value, or the mean of the two middle ones; `None` for no values at all.
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

/// The median of each process's samples, in nanoseconds. Blocks without a sample have no process.
pub fn processes(blocks: &Blocks) -> Vec<f64> {
    blocks.values().filter_map(|samples| median(samples)).collect()
}

/// The logarithms of the ratios of `over` to `under`, one for each block that has both.
///
/// Both were measured at nearly the same time, so anything that slowed the whole machine cancels. Logarithms make
/// "twice" and "half" equally far from "the same".
fn log_ratios(over: &Blocks, under: &Blocks) -> Vec<f64> {
    over.iter().filter_map(|(block, samples)| Some((median(samples)? / median(under.get(block)?)?).ln())).collect()
}

/// Blocks for tests, from a list of samples for each.
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
