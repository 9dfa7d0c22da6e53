//! Compares two sets of processes that share no block, such as one cell in two runs.
//!
//! Nothing is paired here, so only the order of all values together counts. If nothing differs, every choice of the
//! first set's places among all places is equally likely. The exact test counts how many choices give rank sums at
//! least as far from the mean as the measured one: F. Wilcoxon, "Individual Comparisons by Ranking Methods", Biometrics
//! Bulletin 1 (1945); H. B. Mann and D. R. Whitney, "On a Test of Whether one of Two Random Variables is Stochastically
//! Larger than the Other", The Annals of Mathematical Statistics 18 (1947). The test assumes no distribution, but the same
//! one on both sides: if one side is much noisier, the p-value is too small.
//!
//! `statrs` has this test too. It refuses equal values, enumerates all choices (40 million for twice 14 processes), and
//! has no interval.

use super::interval::{Estimate, Interval};
use super::{BLOCKS_FOR_AN_INTERVAL, median};

/// The most values for the exact distribution. Of more values, the normal distribution differs by less than 0.001.
const EXACT: usize = 120;

/// The p-value: the probability that two sets differ at least as much as `first` and `second` if nothing differs.
///
/// Both directions count. Equal values share the mean of their ranks, and the distribution is that of the shared ranks.
pub fn rank_test(first: &[f64], second: &[f64]) -> f64 {
    let mut sorted = [first, second].concat();
    sorted.sort_unstable_by(f64::total_cmp);
    // Twice the rank, because the mean of two ranks may lie between two numbers.
    let doubled = |value: &f64| {
        sorted.partition_point(|other| other < value) + sorted.partition_point(|other| other <= value) + 1
    };
    let sum: usize = first.iter().map(doubled).sum();
    let ranks: Vec<usize> = sorted.iter().map(doubled).collect();
    p_values(&ranks, first.len())[sum.abs_diff(first.len() * (ranks.len() + 1))]
}

/// The smallest p-value that [`rank_test`] can give for sets of `first` and `second` values.
pub fn smallest_p_value(first: usize, second: usize) -> f64 {
    p_values(&distinct(first + second), first)[first * second]
}

/// How much larger the values of `second` are, if noise is the same on both sides: the median of all differences
/// between the sets, and the interval of all shifts that [`rank_test`] does not reject (J. L. Hodges and E. L. Lehmann,
/// "Estimates of Location Based on Rank Tests", The Annals of Mathematical Statistics 34 (1963)).
///
/// The interval has at most the width of all differences. With few values, it then has less than the probability
/// `level`; see [`smallest_p_value`]. `None` if a set is empty.
pub fn shift(first: &[f64], second: &[f64], level: f64) -> Option<Estimate> {
    let mut differences: Vec<f64> = second.iter().flat_map(|one| first.iter().map(move |other| one - other)).collect();
    let value = median(&differences)?;
    differences.sort_unstable_by(f64::total_cmp);
    let p_values = p_values(&distinct(first.len() + second.len()), first.len());
    let rejected = p_values.iter().rev().step_by(2).take_while(|p_value| **p_value <= 1.0 - level).count();
    let outside = rejected.clamp(1, differences.len().div_ceil(2));
    let interval = Interval { low: differences[outside - 1], high: differences[differences.len() - outside] };
    let enough = first.len().min(second.len()) >= BLOCKS_FOR_AN_INTERVAL;
    Some(Estimate { value, interval: enough.then_some(interval) })
}

/// Corrects p-values for their number, so that one limit fits all (S. Holm, "A Simple Sequentially Rejective Multiple
/// Test Procedure", Scandinavian Journal of Statistics 6 (1979)): the smallest is multiplied by the number of p-values,
/// the next by one less, and so on.
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|one, other| p_values[*one].total_cmp(&p_values[*other]));
    let mut corrected = vec![1.0; p_values.len()];
    let mut least: f64 = 0.0;
    for (place, at) in order.into_iter().enumerate() {
        least = least.max(p_values[at] * (p_values.len() - place) as f64).min(1.0);
        corrected[at] = least;
    }
    corrected
}

/// The doubled ranks of `count` different values.
fn distinct(count: usize) -> Vec<usize> {
    (1..=count).map(|rank| 2 * rank).collect()
}

/// The probability that the sum of `chosen` of the doubled `ranks` differs from its mean by at least 0, 1, 2, …
fn p_values(ranks: &[usize], chosen: usize) -> Vec<f64> {
    let most = chosen * (ranks.len() - chosen);
    let mean = chosen * (ranks.len() + 1);
    if ranks.len() > EXACT {
        let squares = ranks.iter().map(|rank| (*rank as f64 - (ranks.len() + 1) as f64).powi(2)).sum::<f64>();
        let variance = squares * most as f64 / (ranks.len() * (ranks.len() - 1)) as f64;
        // Sums of different values are even. Half of that step makes the distribution continuous.
        let p_value = |distance: usize| libm::erfc((distance as f64 - 1.0) / (2.0 * variance).sqrt()).min(1.0);
        return (0..=most).map(p_value).collect();
    }
    let mut p_values = vec![0.0; most + 1];
    for (sum, probability) in sums(ranks, chosen).into_iter().enumerate() {
        // Sums further away are impossible.
        if let Some(p_value) = p_values.get_mut(sum.abs_diff(mean)) {
            *p_value += probability;
        }
    }
    for distance in (0..most).rev() {
        p_values[distance] = (p_values[distance] + p_values[distance + 1]).min(1.0);
    }
    p_values
}

/// The probability of each sum of `chosen` of the `ranks`, if all choices are equally likely.
///
/// The ranks are added one after the other to the distribution of what was chosen before: the shift algorithm of
/// B. Streitberg and J. Röhmel, "Exact Distributions for Permutation and Rank Tests", Statistical Software Newsletter
/// 12 (1986). It needs no case of its own for equal values. Probabilities instead of counts never overflow.
fn sums(ranks: &[usize], chosen: usize) -> Vec<f64> {
    let mut sums = vec![vec![0.0]; chosen + 1];
    sums[0][0] = 1.0;
    for (passed, rank) in ranks.iter().enumerate() {
        let left = (ranks.len() - passed) as f64;
        for taken in (0..=chosen.min(passed)).rev() {
            let takes = (chosen - taken) as f64 / left;
            let before = sums[taken].clone();
            if let Some(after) = sums.get_mut(taken + 1) {
                after.resize(after.len().max(before.len() + rank), 0.0);
                after[*rank..].iter_mut().zip(&before).for_each(|(after, before)| *after += before * takes);
            }
            sums[taken].iter_mut().for_each(|sum| *sum *= 1.0 - takes);
        }
    }
    sums.pop().expect("one more than chosen")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::{LEVEL, Noise, Shape};
    use fastrand::Rng;
    use proptest::prelude::{prop_assert, proptest};

    #[test]
    fn the_test_agrees_with_the_published_table() {
        // 5 and 5 values, at most 2 pairs in the other order: 0.032 two-sided, and 0.008 with none.
        let low = [1.0, 2.0, 3.0, 4.0, 7.0];
        let high = [5.0, 6.0, 8.0, 9.0, 10.0];
        assert!((rank_test(&low, &high) - 8.0 / 252.0).abs() < 1e-12);
        assert!((rank_test(&low, &high.map(|value| value + 10.0)) - 2.0 / 252.0).abs() < 1e-12);
        assert!((smallest_p_value(5, 5) - 2.0 / 252.0).abs() < 1e-12);
        assert!((rank_test(&low, &low) - 1.0).abs() < 1e-12, "nothing differs");
        assert!((rank_test(&[], &low) - 1.0).abs() < 1e-12 && (rank_test(&[], &[]) - 1.0).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn the_p_value_is_that_of_all_permutations(
            // Few different values, so that most sets have equal ones.
            first in proptest::collection::vec(0_u8..9, 1..7),
            second in proptest::collection::vec(0_u8..9, 1..7),
        ) {
            let [first, second] = [first, second].map(|set| set.into_iter().map(f64::from).collect::<Vec<_>>());
            let all = [first.clone(), second.clone()].concat();
            // The number of pairs in which the chosen value is larger, less the number in which it is smaller.
            let distance = |chosen: usize| {
                let picked = |at: usize| chosen >> at & 1 == 1;
                let pairs = (0..all.len()).flat_map(|one| (0..all.len()).map(move |other| (one, other)));
                let order = |(one, other): (usize, usize)| all[one].partial_cmp(&all[other]).expect("numbers") as i32;
                pairs.filter(|(one, other)| picked(*one) && !picked(*other)).map(order).sum::<i32>().abs()
            };
            let measured = distance((1 << first.len()) - 1);
            let choices = (0..1_usize << all.len()).filter(|chosen| chosen.count_ones() as usize == first.len());
            let (mut count, mut beyond) = (0.0, 0.0);
            for chosen in choices {
                count += 1.0;
                beyond += if distance(chosen) >= measured { 1.0 } else { 0.0 };
            }
            prop_assert!((rank_test(&first, &second) - beyond / count).abs() < 1e-9);
            prop_assert!((rank_test(&second, &first) - beyond / count).abs() < 1e-9);
        }

        #[test]
        fn the_interval_holds_the_shifts_that_the_test_does_not_reject(
            first in proptest::collection::vec(0.0..100.0_f64, 5..12),
            second in proptest::collection::vec(0.0..100.0_f64, 5..12),
            by in -100.0..100.0_f64,
        ) {
            let interval = shift(&first, &second, LEVEL).and_then(|shift| shift.interval).expect("enough values");
            let shifted: Vec<f64> = first.iter().map(|value| value + by).collect();
            prop_assert!(interval.contains(by) == (rank_test(&shifted, &second) > 1.0 - LEVEL));
        }
    }

    #[test]
    fn many_values_are_judged_like_few() {
        let side = |count: u32, by: f64| (0..count).map(|nth| f64::from(nth * 7 % count) + by).collect::<Vec<_>>();
        let [few, many] = [60, 61].map(|count| rank_test(&side(count, 0.0), &side(count, 7.4)));
        assert!(few > 0.01 && (few - many).abs() < 0.01, "{few} and {many}");
        let shift = shift(&side(400, 0.0), &side(400, 50.0), LEVEL).expect("values");
        assert!((shift.value - 50.0).abs() < 0.6, "{shift:?}");
        assert!(shift.interval.is_some_and(|interval| interval.high - interval.low < 40.0), "{shift:?}");
    }

    #[test]
    fn p_values_are_corrected_for_their_number() {
        for (found, expected) in holm(&[0.04, 0.01, 0.03]).iter().zip([0.06, 0.03, 0.06]) {
            assert!((found - expected).abs() < 1e-12, "{found} instead of {expected}");
        }
        assert!(holm(&[]).is_empty());
    }

    #[test]
    fn ten_per_cent_among_sixty_comparisons_are_found() {
        let mut random = Rng::with_seed(12);
        let noise = Noise { shape: Shape::Normal, between: 0.02, within: 0.0 };
        let sessions = 100;
        let found = (0..sessions)
            .filter(|_| {
                let p_values: Vec<f64> = (0..60)
                    .map(|nth| {
                        let factor = if nth == 7 { 1.1 } else { 1.0 };
                        let [one, other] = [1.0, factor].map(|ns| noise.blocks(ns, 8, 1, &mut random));
                        rank_test(&super::super::processes(&one), &super::super::processes(&other))
                    })
                    .collect();
                holm(&p_values)[7] <= 0.05
            })
            .count();
        assert!(found >= 90, "{found} of {sessions}");
    }
}
