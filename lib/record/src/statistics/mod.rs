//! Medians, intervals and verdicts: what may be said about times that vary from process to process.
//!
//! Samples come in blocks. In each block every cell is measured once, in a process of its own, so two samples of one
//! block and cell share a process (its address layout, its thread placement) and are more alike than two of different
//! blocks. Whoever forgets that and pools all samples gets intervals that are too narrow. So the process is the unit
//! here: each gives one number, the median of its samples, and only processes count as evidence. See T. Kalibera and
//! R. Jones, "Rigorous Benchmarking in Reasonable Time", ISMM 2013, for why the process is what must be repeated.
//!
//! ```text
//! how long?            interval   a median and its interval, for a cell and for a ratio paired by block
//! who is slower?       verdict    the fastest, those that tie with it, groups of ties
//! is it one number?    modes      processes of two kinds;  outliers: samples far from the others, never dropped
//! is it warm?          warm_up    whether the first timed sample is still slower
//! is it enough?        precision  which cells need more blocks
//! is all this true?    simulation sessions with a known truth, and how often the above finds it;  promises
//! ```
//!
//! Nothing here is random to its caller: the same blocks always give the same answer.

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

/// The samples of one cell by block: the block's number and the times its process measured, in nanoseconds.
pub type Blocks = BTreeMap<u32, Vec<f64>>;

/// How sure an interval or a verdict tries to be.
pub const LEVEL: f64 = 0.95;

/// Fewer blocks than this give no interval: two processes cannot show how much processes differ.
pub const BLOCKS_FOR_AN_INTERVAL: usize = 3;

/// Fewer blocks than this give no verdict. No interval of a median is surer than [`reach`] says, whatever it is called:
/// 75 % for three blocks, 94 % for five. So five blocks is where an interval comes close to what it claims, and where
/// the page may begin to name the fastest.
pub const BLOCKS_FOR_A_VERDICT: usize = 5;

/// How much slower something must look to be called slower: a smaller difference, however sure, decides nothing that
/// matters. This is a bar for the best guess and not for the whole interval, for then six blocks would not find 5 %.
pub const MARGIN: f64 = 0.02;

/// The middle value, or the mean of the two middle ones; `None` for no values at all.
pub fn median(values: &[f64]) -> Option<f64> {
    middle(&mut values.to_vec())
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

/// One number for each process: the median of its samples, in nanoseconds. Blocks without a sample have no process.
pub fn processes(blocks: &Blocks) -> Vec<f64> {
    blocks.values().filter_map(|samples| median(samples)).collect()
}

/// The logarithms of the ratios of `over` to `under`, one for each block that has both.
///
/// Within a block both were measured close to each other in time, so what slowed the whole machine slowed both, and
/// cancels. Logarithms make "twice" and "half" equally far from "the same".
fn log_ratios(over: &Blocks, under: &Blocks) -> Vec<f64> {
    over.iter().filter_map(|(block, samples)| Some((median(samples)? / median(under.get(block)?)?).ln())).collect()
}

/// Blocks for tests: one list of samples each.
#[cfg(test)]
fn blocks(values: &[&[f64]]) -> Blocks {
    (0..).zip(values.iter().map(|samples| samples.to_vec())).collect()
}

/// Blocks for tests that all took the same.
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
