//! Processes of two kinds: the same cell, quick in some processes and slow in others.
//!
//! Where memory or threads were put when a process started can decide how fast it is for as long as it lives. Then
//! there is no one true time, and a median with a narrow interval would hide it.
//!
//! The sorted processes are cut where the gap is widest compared with how much they differ on either side of it (the
//! cut that D. J. Ashman, C. M. Bird and S. E. Zepf, "Detecting bimodality in astronomical datasets", The Astronomical
//! Journal 108 (1994), judge by the same quotient). One process alone on its side counts too. What chance would show
//! is not in a table but simulated: processes of one kind seldom have such a gap.

use super::noise::exponential;
use super::{BLOCKS_FOR_A_VERDICT, Blocks, MARGIN, median};
use fastrand::Rng;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Fewer blocks than this are never said to be of two kinds: four processes lie apart by chance too often.
pub const BLOCKS_FOR_MODES: usize = BLOCKS_FOR_A_VERDICT;

/// How rarely one kind may be taken for two, if its noise is skewed as an exponential distribution is. That is where
/// single processes lie apart most easily; bell-shaped noise is taken for two kinds far less often.
const RARELY: f64 = 0.0125;

/// Sessions simulated to learn what chance shows: the rarest are 100.
const SESSIONS: usize = 8_000;

/// Beyond so many processes a wide gap gets rarer still; their limit is used for more.
const PROCESSES: usize = 20;

/// Two kinds of processes of one cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Modes {
    /// The quick ones.
    pub quick: Mode,
    /// The slow ones.
    pub slow: Mode,
}

/// One kind of processes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mode {
    /// Their median time, in nanoseconds.
    pub ns: f64,
    /// How many there were.
    pub processes: usize,
}

/// The two kinds of processes, if there are; `None` if one kind explains what was measured, or with fewer than
/// [`BLOCKS_FOR_MODES`] blocks.
pub fn modes(blocks: &Blocks) -> Option<Modes> {
    let mut times = super::processes(blocks);
    times.sort_unstable_by(f64::total_cmp);
    let cut = split(&times.iter().map(|ns| ns.ln()).collect::<Vec<_>>())?;
    let mode = |times: &[f64]| Some(Mode { ns: median(times)?, processes: times.len() });
    let (quick, slow) = times.split_at(cut);
    Some(Modes { quick: mode(quick)?, slow: mode(slow)? })
}

/// How many of the sorted logarithms are of the quick kind, if there are two kinds.
pub(super) fn split(sorted: &[f64]) -> Option<usize> {
    if sorted.len() < BLOCKS_FOR_MODES {
        return None;
    }
    let (cut, gap, apart) = widest_gap(sorted)?;
    (gap >= MARGIN.ln_1p() && apart > by_chance(sorted.len())).then_some(cut)
}

/// Where the widest gap is, its width, and how many times the standard deviation inside the two sides it is wide.
fn widest_gap(sorted: &[f64]) -> Option<(usize, f64, f64)> {
    // Sums over the first so many, about the middle so that squares lose no digits.
    let centre = sorted.get(sorted.len() / 2)?;
    let mut sums = vec![(0.0, 0.0)];
    for value in sorted.iter().map(|value| value - centre) {
        let (sum, squares) = sums[sums.len() - 1];
        sums.push((sum + value, squares + value * value));
    }
    let (all, all_squares) = sums[sorted.len()];
    let degrees = sorted.len().checked_sub(2).filter(|degrees| *degrees > 0)? as f64;
    let cuts = (1..sorted.len()).map(|cut| {
        let (sum, squares) = sums[cut];
        let (left, right) = (cut as f64, (sorted.len() - cut) as f64);
        let inside = squares - sum * sum / left + (all_squares - squares) - (all - sum).powi(2) / right;
        let gap = sorted[cut] - sorted[cut - 1];
        // Two sides without any spread are infinitely far apart, unless there is no gap either.
        let apart = if gap > 0.0 { gap / (inside.max(0.0) / degrees).sqrt() } else { 0.0 };
        (cut, gap, apart)
    });
    cuts.max_by(|one, other| one.2.total_cmp(&other.2))
}

/// How far apart the two sides of the widest gap are in one of [`RARELY`] sessions with skewed noise.
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
    fn two_kinds_are_told_with_their_times_and_numbers() {
        let modes = modes(&of(&[30.0, 50.1, 30.2, 49.8, 30.1, 30.0])).expect("two kinds");
        assert_eq!(modes.quick, Mode { ns: 30.05, processes: 4 });
        assert_eq!(modes.slow.processes, 2);
        assert!((modes.slow.ns - 49.95).abs() < 1e-9);
    }

    #[test]
    fn one_slow_process_among_ten_is_a_kind_of_its_own() {
        let times = [30.0, 30.3, 29.8, 30.1, 30.4, 29.6, 30.0, 30.2, 29.9, 50.0];
        assert_eq!(modes(&of(&times)).map(|modes| modes.slow), Some(Mode { ns: 50.0, processes: 1 }));
    }

    #[test]
    fn equal_even_and_few_times_are_of_one_kind() {
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
