//! The places of ticks on an axis.

use crate::format;
use crate::view::chart::{Tick, even_ticks, labelled};

/// Ticks at core counts, without those too close to a neighbour. The largest count always has a tick.
pub(crate) fn thinned(cores: &[u32]) -> Vec<Tick> {
    let place = |cores: u32| f64::from(cores).log2();
    let room = cores.last().map_or(0.0, |&last| place(last) - place(cores[0])) / 10.0;
    let mut kept: Vec<u32> = Vec::new();
    for &cores in cores.iter().rev() {
        if kept.last().is_none_or(|&right| place(right) - place(cores) >= room) {
            kept.push(cores);
        }
    }
    labelled(kept.into_iter().rev().map(f64::from).collect(), format::short)
}

/// 0.5, 1, 2, 4 and so on.
pub(crate) fn doublings(low: f64, high: f64) -> Vec<f64> {
    let (first, last) = (low.max(f64::MIN_POSITIVE).log2().ceil() as i32, high.min(f64::MAX).log2().floor() as i32);
    let skip = usize::try_from((last - first) / 8 + 1).unwrap_or(1);
    // Counted from 1 = 2⁰, so that the baseline's line always has a label.
    (first..=last)
        .filter(|power| (power.unsigned_abs() as usize).is_multiple_of(skip))
        .map(|power| 2_f64.powi(power))
        .collect()
}

/// Ticks at powers of ten if these are enough, else in 1-2-5 steps, else in finer steps.
pub(crate) fn logarithmic_ticks(low: f64, high: f64) -> Vec<f64> {
    // The logarithm of zero is infinite, and so would be the number of decades.
    let (low, high) = (low.max(f64::MIN_POSITIVE), high.min(f64::MAX));
    let decades = low.log10().floor() as i32..=high.log10().ceil() as i32;
    let within = |leading: &[f64], every: usize| -> Vec<f64> {
        decades
            .clone()
            .filter(|power| (power.unsigned_abs() as usize).is_multiple_of(every))
            .flat_map(|power| leading.iter().map(move |digit| digit * 10_f64.powi(power)))
            .filter(|at| (low..=high).contains(at))
            .collect()
    };
    let every = (high / low).log10() as usize / 8 + 1;
    [&[1.0][..], &[1.0, 3.0], &[1.0, 2.0, 5.0], &[1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0]]
        .into_iter()
        .map(|leading| within(leading, every))
        .find(|ticks| ticks.len() >= 4)
        .unwrap_or_else(|| even_ticks(low, high))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithmic_ticks_are_powers_or_steps_of_one_two_five() {
        assert_eq!(logarithmic_ticks(1.0, 1e4), [1.0, 10.0, 100.0, 1e3, 1e4]);
        assert_eq!(logarithmic_ticks(9.0, 210.0), [10.0, 20.0, 50.0, 100.0, 200.0]);
        assert!(logarithmic_ticks(1.0, 1e18).len() <= 10);
    }

    #[test]
    fn every_axis_has_at_least_three_ticks() {
        for (low, high) in [(90.0, 271.0), (4.0e6, 1.2e7), (7.0, 22.0), (600.0, 1_900.0)] {
            assert!(logarithmic_ticks(low, high).len() >= 3, "{low} to {high}");
            assert!(even_ticks(0.0, high).len() >= 3, "0 to {high}");
        }
        assert_eq!(doublings(0.4, 40.0), [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0]);
    }

    #[test]
    fn an_axis_without_a_length_has_few_ticks() {
        for (low, high) in [(0.0, 0.0), (5.0, 5.0), (0.0, 1e10), (1.0, f64::INFINITY), (f64::NAN, f64::NAN)] {
            assert!(even_ticks(low, high).len() <= 10, "{low} to {high}");
            assert!(logarithmic_ticks(low, high).len() <= 10, "{low} to {high}");
            assert!(doublings(low, high).len() <= 20, "{low} to {high}");
        }
    }

    #[test]
    fn core_counts_that_would_touch_lose_their_label_and_the_largest_keeps_it() {
        let all: Vec<u32> = (1..=32).collect();
        let kept: Vec<f64> = thinned(&all).iter().map(|tick| tick.at).collect();
        assert!(kept.contains(&32.0) && kept.len() <= 11, "{kept:?}");
        assert_eq!(thinned(&[1, 2]).len(), 2);
        assert_eq!(thinned(&[4]).len(), 1);
    }
}
