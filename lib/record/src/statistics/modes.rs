//! Two kinds of processes: the same cell is quick in some processes and slow in others.
//!
//! The placement of memory or threads at the start of a process can determine its speed for its whole life. Then there
//! is no single true time, and a median with a narrow interval would hide that.
//!
//! The sorted processes are split at the gap that is widest relative to the spread on either side. D. J. Ashman, C. M.
//! Bird and S. E. Zepf, "Detecting bimodality in astronomical datasets", The Astronomical Journal 108 (1994), use the
//! same quotient. A simulation gives the limit, which processes of one kind seldom exceed.
//!
//! A kind needs at least two processes, and a fifth of all. Fewer slow processes are outliers: one disturbance can slow
//! one of 14, and the median does not depend on it. Verdicts trim the same share.

use super::noise::exponential;
use super::{BLOCKS_FOR_A_VERDICT, Blocks, MARGIN, median};
use fastrand::Rng;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// The fewest blocks that can show two kinds. With four processes, a wide gap is too often chance.
pub const BLOCKS_FOR_MODES: usize = BLOCKS_FOR_A_VERDICT;

/// The fewest processes of a kind, whatever their share.
const FEWEST: usize = 2;

/// A kind has at least one in this number of processes.
const ONE_IN: usize = 5;

/// The rate of false detections of two kinds, with noise of an exponential distribution. Such noise produces wide gaps
/// most often; with a normal distribution, false detections are far rarer.
const RARELY: f64 = 0.0125;

/// The number of simulated sessions with one kind. 100 of them exceed the limit.
const SESSIONS: usize = 8_000;

/// The most processes in a simulation. More processes use the same limit, because wide gaps are even rarer then.
const PROCESSES: usize = 20;

/// Two kinds of processes of one cell.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Modes {
    /// The quick processes.
    pub quick: Mode,
    /// The slow processes.
    pub slow: Mode,
}

/// One kind of processes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Mode {
    /// The median time of these processes, in nanoseconds.
    pub ns: f64,
    /// The number of these processes.
    pub processes: usize,
}

/// Finds two kinds of processes. `None` if one kind explains the times, or with fewer than [`BLOCKS_FOR_MODES`] blocks.
pub fn modes(blocks: &Blocks) -> Option<Modes> {
    let mut times = super::processes(blocks);
    times.sort_unstable_by(f64::total_cmp);
    let cut = split(&times.iter().map(|ns| ns.ln()).collect::<Vec<_>>())?;
    let mode = |times: &[f64]| Some(Mode { ns: median(times)?, processes: times.len() });
    let (quick, slow) = times.split_at(cut);
    Some(Modes { quick: mode(quick)?, slow: mode(slow)? })
}

/// The number of quick processes, from sorted logarithms of times. `None` if there is only one kind.
pub(super) fn split(sorted: &[f64]) -> Option<usize> {
    if sorted.len() < BLOCKS_FOR_MODES {
        return None;
    }
    let (cut, gap, apart) = widest_gap(sorted)?;
    (gap >= MARGIN.ln_1p() && apart > by_chance(sorted.len())).then_some(cut)
}

/// The limits for the widest gap, for [`BLOCKS_FOR_MODES`] and more processes, up to `processes`. The last one also holds for
/// more processes. A program that finds two kinds elsewhere needs them.
pub fn gap_limits(processes: usize) -> Vec<f64> {
    (BLOCKS_FOR_MODES..=processes.min(PROCESSES)).map(by_chance).collect()
}

/// The place and width of the widest gap with enough processes on either side, and its width in standard deviations. The
/// deviation is that within the sides.
fn widest_gap(sorted: &[f64]) -> Option<(usize, f64, f64)> {
    // Sums over the first 0, 1, 2, … values, relative to the middle value so that squares lose no digits.
    let centre = sorted.get(sorted.len() / 2)?;
    let mut sums = vec![(0.0, 0.0)];
    for value in sorted.iter().map(|value| value - centre) {
        let (sum, squares) = sums[sums.len() - 1];
        sums.push((sum + value, squares + value * value));
    }
    let (all, all_squares) = sums[sorted.len()];
    let degrees = sorted.len().checked_sub(2).filter(|degrees| *degrees > 0)? as f64;
    let fewest = sorted.len().div_ceil(ONE_IN).max(FEWEST);
    let cuts = (fewest..=sorted.len().saturating_sub(fewest)).map(|cut| {
        let (sum, squares) = sums[cut];
        let (left, right) = (cut as f64, (sorted.len() - cut) as f64);
        let inside = squares - sum * sum / left + (all_squares - squares) - (all - sum).powi(2) / right;
        let gap = sorted[cut] - sorted[cut - 1];
        // If neither side has any spread, the quotient is infinite, or 0 without a gap.
        let apart = if gap > 0.0 { gap / (inside.max(0.0) / degrees).sqrt() } else { 0.0 };
        (cut, gap, apart)
    });
    cuts.max_by(|one, other| one.2.total_cmp(&other.2))
}

/// The limit for the widest gap, in standard deviations. With skewed noise, [`RARELY`] is the share of sessions above
/// it.
fn by_chance(processes: usize) -> f64 {
    static KNOWN: Mutex<BTreeMap<usize, f64>> = Mutex::new(BTreeMap::new());
    let processes = processes.min(PROCESSES);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    *known.entry(processes).or_insert_with(|| {
        let mut random = Rng::with_seed(processes as u64);
        let mut session = || {
            let mut values: Vec<f64> = (0..processes).map(|_| exponential(&mut random)).collect();
            values.sort_unstable_by(f64::total_cmp);
            widest_gap(&values).map_or(0.0, |(_, _, apart)| apart)
        };
        let mut seen: Vec<f64> = (0..SESSIONS).map(|_| session()).collect();
        seen.sort_unstable_by(f64::total_cmp);
        seen[((1.0 - RARELY) * SESSIONS as f64) as usize]
    })
}

#[cfg(test)]
mod tests {
    use super::super::always;
    use super::*;

    fn of(times: &[f64]) -> Blocks {
        (0..).zip(times.iter().map(|ns| vec![*ns])).collect()
    }

    #[test]
    fn two_kinds_are_reported_with_their_times_and_numbers() {
        let modes = modes(&of(&[30.0, 50.1, 30.2, 49.8, 30.1, 30.0])).expect("two kinds");
        assert_eq!(modes.quick, Mode { ns: 30.05, processes: 4 });
        assert_eq!(modes.slow.processes, 2);
        assert!((modes.slow.ns - 49.95).abs() < 1e-9);
    }

    #[test]
    fn a_kind_is_a_fifth_of_all_processes_and_one_or_two_of_fourteen_are_outliers() {
        let mut times = [30.0, 30.3, 29.8, 30.1, 30.4, 29.6, 30.0, 30.2, 29.9, 30.1, 30.0, 29.7, 30.2, 30.1];
        for slow in 0..3 {
            assert_eq!(modes(&of(&times)), None, "{slow} slow processes");
            times[slow] = 50.0 + slow as f64;
        }
        assert_eq!(modes(&of(&times)).map(|modes| modes.slow), Some(Mode { ns: 51.0, processes: 3 }));
        assert_eq!(modes(&of(&[30.0, 30.1, 29.9, 30.2, 50.0])), None);
        assert!(modes(&of(&[30.0, 30.1, 29.9, 50.1, 50.0])).is_some());
    }

    #[test]
    fn equal_evenly_spaced_and_few_times_are_of_one_kind() {
        assert_eq!(modes(&always(30.0, 10)), None);
        assert_eq!(modes(&of(&[30.0, 31.0, 32.0, 33.0, 34.0, 35.0])), None);
        assert_eq!(modes(&of(&[30.0, 30.0, 50.0, 50.0])), None);
        assert_eq!(modes(&Blocks::new()), None);
    }

    #[test]
    fn two_kinds_that_differ_by_less_than_the_margin_do_not_matter() {
        assert_eq!(modes(&of(&[30.0, 30.0, 30.0, 30.3, 30.3, 30.3])), None);
    }
}
