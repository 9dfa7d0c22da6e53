//! Statistics of two sets of processes that share no block, one set from each run.
//!
//! Inside a run, blocks pair measurements that are close in time. Between two runs nothing is paired, so each side is
//! resampled on its own, process by process. A comparison has many cells and a run has few processes, so an interval
//! alone would find differences by luck. Therefore a rank test, which assumes no distribution, has to agree.

use fastrand::Rng;
use record::statistics::{self, Estimate, Interval};

/// The samples of one process and, if speed-ups are compared, those of the baseline in the same block.
#[derive(Debug, Clone)]
pub(crate) struct Process<'a> {
    pub(crate) own: &'a [f64],
    pub(crate) baseline: Option<&'a [f64]>,
}

impl Process<'_> {
    /// The logarithm of the process's median time or, with a baseline, of its speed-up.
    fn logarithm(&self) -> Option<f64> {
        let own = statistics::median(self.own)?;
        match self.baseline {
            None => Some(own.ln()),
            Some(baseline) => Some((statistics::median(baseline)? / own).ln()),
        }
    }

    /// Adds the process's value to `into`: the median of its times or, with a baseline, the logarithm of its speed-up.
    /// The median over a side then equals the one in the run's own report.
    fn add(&self, into: &mut Vec<f64>, drawn: &mut Vec<f64>, mut draw: impl FnMut(&[f64], &mut Vec<f64>)) {
        let mut median = |samples: &[f64]| {
            drawn.clear();
            draw(samples, drawn);
            middle(drawn)
        };
        let own = median(self.own);
        into.push(self.baseline.map_or(own, |baseline| (median(baseline) / own).ln()));
    }
}

/// The median of `values`. Sorts them in place, because copying thousands of times is slow.
fn middle(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    f64::midpoint(values[(values.len() - 1) / 2], values[values.len() / 2])
}

/// An arbitrary seed. A fixed one gives the same interval every time.
const SEED: u64 = 0x756e_7061_6972_6564;

/// More resamples than for a single interval, because many comparisons need the far ends of the distribution.
const RESAMPLES: usize = 10_000;

/// The second side's median divided by the first's, with a percentile interval at `level`. Each side is resampled
/// separately: first processes, then samples within each process.
pub(crate) fn ratio(first: &[Process], second: &[Process], level: f64) -> Option<Estimate> {
    if first.is_empty() || second.is_empty() {
        return None;
    }
    let speed_up = first[0].baseline.is_some();
    let logarithm = |values: &mut Vec<f64>| if speed_up { middle(values) } else { middle(values).ln() };
    let as_measured = |side: &[Process]| {
        let (mut values, mut drawn) = (Vec::new(), Vec::new());
        for process in side {
            process.add(&mut values, &mut drawn, |samples, into| into.extend(samples));
        }
        logarithm(&mut values)
    };
    let value = (as_measured(second) - as_measured(first)).exp();

    let mut random = Rng::with_seed(SEED);
    let (mut values, mut drawn) = (Vec::new(), Vec::new());
    let mut resampled = |side: &[Process]| {
        values.clear();
        for _ in 0..side.len() {
            side[random.usize(..side.len())].add(&mut values, &mut drawn, |samples, into| {
                into.extend((0..samples.len()).map(|_| samples[random.usize(..samples.len())]));
            });
        }
        logarithm(&mut values)
    };
    let mut values: Vec<f64> = (0..RESAMPLES).map(|_| (resampled(second) - resampled(first)).exp()).collect();
    values.sort_unstable_by(f64::total_cmp);
    let tail = ((1.0 - level) / 2.0 * values.len() as f64) as usize;
    let interval = Interval { low: values[tail], high: values[values.len() - 1 - tail] };
    let enough = first.len().min(second.len()) >= statistics::BLOCKS_FOR_AN_INTERVAL;
    Some(Estimate { value, interval: enough.then_some(interval) })
}

/// The p-value: the probability that two equal sides lie at least as far apart as these. The exact two-sided test of
/// H. B. Mann and D. R. Whitney, "On a Test of Whether one of Two Random Variables is Stochastically Larger than the
/// Other", 1947. Equal values count for neither side.
pub(crate) fn chance(first: &[Process], second: &[Process]) -> f64 {
    let values = |side: &[Process]| side.iter().filter_map(Process::logarithm).collect::<Vec<_>>();
    let (first, second) = (values(first), values(second));
    let larger = |one: &[f64], other: &[f64]| {
        one.iter().map(|value| other.iter().filter(|other| value >= *other).count()).sum::<usize>()
    };
    let fewest = larger(&first, &second).min(larger(&second, &first));
    let ways = ways(first.len(), second.len());
    (2.0 * ways.iter().take(fewest + 1).sum::<f64>() / ways.iter().sum::<f64>()).min(1.0)
}

/// The smallest value that [`chance`] can take with `first` and `second` processes on the two sides.
pub(crate) fn least_chance(first: usize, second: usize) -> f64 {
    (2.0 / ways(first, second).iter().sum::<f64>()).min(1.0)
}

/// Counts the orders of all values by the number of pairs in which the first side's value is the larger. The counts are
/// the coefficients of a Gaussian binomial, multiplied out factor by factor.
fn ways(first: usize, second: usize) -> Vec<f64> {
    let mut ways = vec![0.0; first * second + 1];
    ways[0] = 1.0;
    for factor in 1..=first {
        for at in (second + factor..ways.len()).rev() {
            ways[at] -= ways[at - second - factor];
        }
        for at in factor..ways.len() {
            ways[at] += ways[at - factor];
        }
    }
    ways
}

/// Corrects p-values for multiple comparisons, so that one threshold fits all (S. Holm, "A Simple Sequentially Rejective
/// Multiple Test Procedure", 1979): the smallest is multiplied by the number
/// of p-values, the next by one less, and so on.
pub(crate) fn corrected(chances: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..chances.len()).collect();
    order.sort_by(|one, other| chances[*one].total_cmp(&chances[*other]));
    let mut corrected = vec![1.0; chances.len()];
    let mut least: f64 = 0.0;
    for (place, at) in order.into_iter().enumerate() {
        least = least.max(chances[at] * (chances.len() - place) as f64).min(1.0);
        corrected[at] = least;
    }
    corrected
}

#[cfg(test)]
mod tests {
    use super::*;

    fn processes(values: &[[f64; 1]]) -> Vec<Process<'_>> {
        values.iter().map(|own| Process { own, baseline: None }).collect()
    }

    #[test]
    fn the_rank_test_agrees_with_the_published_table() {
        // 5 and 5 values, at most 2 pairs the wrong way round: 0.032 two-sided, and 0.008 with none.
        let low = [[1.0], [2.0], [3.0], [4.0], [7.0]];
        let high = [[5.0], [6.0], [8.0], [9.0], [10.0]];
        assert!((chance(&processes(&low), &processes(&high)) - 8.0 / 252.0).abs() < 1e-12);
        let higher = high.map(|[value]| [value + 10.0]);
        assert!((chance(&processes(&low), &processes(&higher)) - 2.0 / 252.0).abs() < 1e-12);
        assert!((least_chance(5, 5) - 2.0 / 252.0).abs() < 1e-12);
        assert!(chance(&processes(&low), &processes(&low)) > 0.99, "nothing differs");
        assert!((ways(6, 9).iter().sum::<f64>() - 5_005.0).abs() < 1e-6, "15 values, 6 of them chosen");
    }

    #[test]
    fn chances_are_corrected_for_their_number() {
        let corrected = corrected(&[0.04, 0.01, 0.03]);
        for (found, expected) in corrected.iter().zip([0.06, 0.03, 0.06]) {
            assert!((found - expected).abs() < 1e-12, "{corrected:?}");
        }
        assert!(super::corrected(&[]).is_empty());
    }

    #[test]
    fn a_ratio_of_two_runs_resamples_both() {
        let one: Vec<[f64; 1]> = (0..8).map(|nth| [100.0 + f64::from(nth)]).collect();
        let other: Vec<[f64; 1]> = (0..8).map(|nth| [200.0 + 2.0 * f64::from(nth)]).collect();
        let ratio = ratio(&processes(&one), &processes(&other), 0.95).expect("both have values");
        let interval = ratio.interval.expect("enough processes");
        assert!((ratio.value - 2.0).abs() < 1e-3);
        assert!(
            interval.low < 1.97 && interval.high > 2.03 && interval.low > 1.86 && interval.high < 2.15,
            "{interval:?}"
        );
    }

    /// Processes of either of two modes, or around one value with 2 % of noise.
    fn side(random: &mut Rng, blocks: usize, factor: f64, two_modes: bool) -> Vec<[f64; 1]> {
        let mut normal = || (0..12).map(|_| random.f64()).sum::<f64>() - 6.0;
        (0..blocks)
            .map(|_| {
                let mode = if two_modes && normal() > 0.0 { 50.0 } else { 30.0 };
                [mode * factor * (1.0 + 0.02 * normal())]
            })
            .collect()
    }

    #[test]
    fn sixty_comparisons_of_equal_sides_seldom_show_a_difference() {
        let mut random = Rng::with_seed(11);
        let sessions = 200;
        let fooled = (0..sessions)
            .filter(|session| {
                let mut draw = || side(&mut random, 8, 1.0, session % 2 == 0);
                let chances: Vec<f64> = (0..60).map(|_| chance(&processes(&draw()), &processes(&draw()))).collect();
                corrected(&chances).iter().any(|chance| *chance <= 0.05)
            })
            .count();
        assert!(fooled <= 10, "{fooled} of {sessions}");
    }

    #[test]
    fn ten_per_cent_among_sixty_comparisons_are_found() {
        let mut random = Rng::with_seed(12);
        let sessions = 100;
        let found = (0..sessions)
            .filter(|_| {
                let chances: Vec<f64> = (0..60)
                    .map(|nth| {
                        let factor = if nth == 7 { 1.1 } else { 1.0 };
                        let [one, other] = [1.0, factor].map(|factor| side(&mut random, 8, factor, false));
                        chance(&processes(&one), &processes(&other))
                    })
                    .collect();
                corrected(&chances)[7] <= 0.05
            })
            .count();
        assert!(found >= 90, "{found} of {sessions}");
    }
}
