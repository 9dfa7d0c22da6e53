//! Which candidates are slower: verdicts that equal strategies seldom get by chance.
//!
//! A strategy is compared with the fastest, block by block: each shared block gives one logarithm of a ratio. A difference
//! counts when the mean of these is many standard errors from zero (Student's t for pairs). With few blocks this finds
//! what neither an interval of the median nor a sign test can: six blocks have only 64 patterns of signs. For equal
//! strategies the logarithm of a ratio is symmetric whatever the noise of the times, and t errs on the safe side then.
//!
//! Three things go beyond the textbook, because the fastest is not known beforehand but is the luckiest of several:
//!
//! - A simulation, and not a table for one pair, gives the limit: the number of standard errors between the worst-looking
//!   and the best-looking of *equal* strategies that one session in twenty exceeds. With two strategies this is the
//!   table's value. With nine it costs far less than dividing the error among all 36 pairs, because the pairs share blocks
//!   and strategies (P. H. Westfall and S. S. Young, "Resampling-Based Multiple Testing", 1993; J. C. Hsu, "Multiple
//!   Comparisons", 1996, chapter 4).
//! - A pair's spread counts as at least the median of all pairs' spreads. Few blocks estimate a spread badly, and a spread
//!   that is small by luck is the most common reason for a false verdict (V. G. Tusher, R. Tibshirani and G. Chu, PNAS 98
//!   (2001), raise small spreads for the same reason).
//! - Slower candidates leave, and the others are judged again as a smaller field (S. Holm, "A simple sequentially
//!   rejective multiple test procedure", Scandinavian Journal of Statistics 6 (1979)).
//!
//! From ten blocks on, the outermost fifth of blocks on either side counts only as much as its neighbour (J. W. Tukey and
//! D. H. McLaughlin, Sankhyā A 25 (1963)), so that one disturbed block does not hide a difference.

use super::interval::{Interval, time};
use super::noise::normal;
use super::{BLOCKS_FOR_A_VERDICT, Blocks, LEVEL, MARGIN, log_ratios, median, middle};
use fastrand::Rng;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// The share of blocks on either side that is trimmed.
const TRIMMED: f64 = 0.2;

/// The fewest blocks that are trimmed: with fewer the extreme ones cannot be recognised.
const BLOCKS_TO_TRIM: usize = 10;

/// Added to [`LEVEL`] for three candidates or more. The simulated candidates are equally noisy; where real ones have noise
/// from 0.3 % to 8 %, this compensates.
const UNEQUAL: f64 = 0.015;

/// Simulated strategies: 20 000 sessions of two equal ones, or 4 444 of nine.
const SIMULATED: usize = 40_000;

/// The most blocks that are simulated: more make the limit hardly smaller.
const BLOCKS: usize = 20;

/// One candidate compared with the fastest.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison<'a> {
    /// The candidate's name.
    pub name: &'a str,
    /// How many times as long it takes as the fastest: the mean over shared blocks, of logarithms. `None` for the fastest
    /// itself, and with fewer than [`BLOCKS_FOR_A_VERDICT`] shared blocks.
    pub ratio: Option<f64>,
    /// The interval of the true ratio that the verdict uses: the more candidates, the wider.
    pub interval: Option<Interval>,
    /// The verdict.
    pub verdict: Verdict,
}

/// The verdict on a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "Ranked")]
pub enum Verdict {
    /// Its median process is the quickest, and all others are compared with it.
    Fastest,
    /// It ties with the fastest: it is surely less than [`MARGIN`] slower.
    Alike,
    /// These blocks do not decide; more of them may.
    Open,
    /// It is surely slower, by an estimate of [`MARGIN`] or more.
    Slower,
}

/// Compares every candidate with the one whose median process is quickest, in the given order, without those that have
/// no sample.
///
/// If all are equal, at most one session in twenty calls one of them slower. The same holds for those that equal the
/// fastest while others are slower.
pub fn against_the_fastest<'a>(candidates: &[(&'a str, &Blocks)]) -> Vec<Comparison<'a>> {
    let timed: Vec<(&'a str, &Blocks, f64)> =
        candidates.iter().filter_map(|(name, blocks)| Some((*name, *blocks, time(blocks, LEVEL)?.value))).collect();
    let Some(best) = (0..timed.len()).min_by(|one, other| timed[*one].2.total_cmp(&timed[*other].2)) else {
        return Vec::new();
    };
    let mut comparisons: Vec<Comparison> = timed
        .iter()
        .map(|(name, ..)| Comparison { name, ratio: None, interval: None, verdict: Verdict::Open })
        .collect();
    comparisons[best].verdict = Verdict::Fastest;

    let mut open: Vec<(usize, Vec<f64>)> = (0..timed.len())
        .filter(|place| *place != best)
        .map(|place| (place, log_ratios(timed[place].1, timed[best].1)))
        .filter(|(_, ratios)| ratios.len() >= BLOCKS_FOR_A_VERDICT)
        .collect();
    loop {
        let before = open.len();
        let differences = differences(open.iter().map(|(_, ratios)| ratios.as_slice()));
        let mut judged = differences.into_iter();
        open.retain(|(place, ratios)| {
            let difference = judged.next().expect("one for each");
            let reach = by_chance(before + 1, ratios.len()) * difference.error;
            let comparison = &mut comparisons[*place];
            let interval = Interval { low: (difference.mean - reach).exp(), high: (difference.mean + reach).exp() };
            (comparison.ratio, comparison.interval) = (Some(difference.mean.exp()), Some(interval));
            comparison.verdict = match interval {
                Interval { low, .. } if low > 1.0 && difference.mean.exp() >= 1.0 + MARGIN => Verdict::Slower,
                Interval { high, .. } if high < 1.0 + MARGIN => Verdict::Alike,
                _ => Verdict::Open,
            };
            interval.low <= 1.0
        });
        if open.len() == before || open.is_empty() {
            return comparisons;
        }
    }
}

/// The names that tie with the fastest, in the given order: all that are not [`Verdict::Slower`].
///
/// A tie does not mean that they are equal: the blocks do not decide.
pub fn fastest<'a>(candidates: &[(&'a str, &Blocks)]) -> Vec<&'a str> {
    let tied = |comparison: &Comparison<'a>| (comparison.verdict != Verdict::Slower).then_some(comparison.name);
    against_the_fastest(candidates).iter().filter_map(tied).collect()
}

/// The candidates in groups: first those that tie with the fastest, then those that tie with the fastest of the rest, and
/// so on. Inside a group they keep the given order. Candidates without a sample are in no group.
pub fn tie_groups<'a>(candidates: &[(&'a str, &Blocks)]) -> Vec<Vec<&'a str>> {
    let mut rest = candidates.to_vec();
    let mut groups = Vec::new();
    while !rest.is_empty() {
        let group = fastest(&rest);
        if group.is_empty() {
            break;
        }
        rest.retain(|(name, _)| !group.contains(name));
        groups.push(group);
    }
    groups
}

/// The interval of the mean of `logarithms` of ratios, for a single comparison. `None` with fewer than
/// [`BLOCKS_FOR_A_VERDICT`].
pub(super) fn alone(logarithms: &[f64]) -> Option<Interval> {
    if logarithms.len() < BLOCKS_FOR_A_VERDICT {
        return None;
    }
    let difference = differences([logarithms].into_iter()).pop()?;
    let reach = by_chance(2, logarithms.len()) * difference.error;
    Some(Interval { low: difference.mean - reach, high: difference.mean + reach })
}

/// A mean of logarithms and its standard error.
struct Difference {
    mean: f64,
    error: f64,
}

/// The difference of each pair, from its logarithms of ratios, with spreads raised to the median spread.
fn differences<'a>(pairs: impl Iterator<Item = &'a [f64]>) -> Vec<Difference> {
    let own: Vec<(usize, f64, f64)> = pairs
        .map(|ratios| {
            let (mean, variance) = trimmed(ratios);
            (ratios.len(), mean, variance)
        })
        .collect();
    // The median of logarithms: of two pairs, a noisy one must not make a quiet one look as noisy as their mean.
    let spreads: Vec<f64> = own.iter().map(|(.., variance)| variance.ln()).collect();
    let usual = median(&spreads).unwrap_or(f64::NEG_INFINITY).exp();
    own.into_iter()
        .map(|(blocks, mean, variance)| Difference { mean, error: (variance.max(usual) / blocks as f64).sqrt() })
        .collect()
}

/// The trimmed mean, and the variance of one value that corresponds to its standard error.
fn trimmed(values: &[f64]) -> (f64, f64) {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let count = sorted.len();
    let cut = if count < BLOCKS_TO_TRIM { 0 } else { (TRIMMED * count as f64) as usize };
    let kept = &sorted[cut..count - cut];
    let mean = kept.iter().sum::<f64>() / kept.len() as f64;
    let (low, high) = (kept[0], kept[kept.len() - 1]);
    let pulled = || sorted.iter().map(|value| value.clamp(low, high));
    let centre = pulled().sum::<f64>() / count as f64;
    let spread = pulled().map(|value| (value - centre).powi(2)).sum::<f64>() / (count - 1) as f64;
    (mean, spread * (count as f64 / kept.len() as f64).powi(2))
}

/// The most standard errors between the worst-looking and the best-looking of `candidates` equal ones, in [`LEVEL`] of
/// sessions of `blocks` blocks with normal noise.
fn by_chance(candidates: usize, blocks: usize) -> f64 {
    static KNOWN: Mutex<BTreeMap<(usize, usize), f64>> = Mutex::new(BTreeMap::new());
    let blocks = blocks.min(BLOCKS);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    *known.entry((candidates, blocks)).or_insert_with(|| {
        let mut random = Rng::with_seed((candidates * 1_000 + blocks) as u64);
        let sessions = SIMULATED / candidates;
        let mut seen: Vec<f64> = (0..sessions).map(|_| worst_of_equals(candidates, blocks, &mut random)).collect();
        seen.sort_unstable_by(f64::total_cmp);
        let sure = if candidates > 2 { LEVEL + UNEQUAL } else { LEVEL };
        seen[(sure * sessions as f64) as usize]
    })
}

/// The largest difference, in standard errors, in one session of equal strategies that is judged like a real one.
fn worst_of_equals(candidates: usize, blocks: usize, random: &mut Rng) -> f64 {
    let times: Vec<Vec<f64>> = (0..candidates).map(|_| (0..blocks).map(|_| normal(random)).collect()).collect();
    let medians: Vec<f64> = times.iter().map(|times| middle(&mut times.clone()).expect("there are blocks")).collect();
    let best = (0..candidates).min_by(|one, other| medians[*one].total_cmp(&medians[*other])).expect("two or more");
    let pairs: Vec<Vec<f64>> = (0..candidates)
        .filter(|place| *place != best)
        .map(|place| times[place].iter().zip(&times[best]).map(|(time, best)| time - best).collect())
        .collect();
    let differences = differences(pairs.iter().map(Vec::as_slice));
    differences.iter().map(|difference| difference.mean / difference.error).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::super::{always, blocks};
    use super::*;

    #[test]
    fn for_two_candidates_the_limit_is_students_t() {
        // Two-sided 95 % for 5 and 7 degrees of freedom, and for 11, which is what twenty trimmed blocks count as.
        for (blocks, limit) in [(6, 2.571), (8, 2.365), (20, 2.201)] {
            let found = by_chance(2, blocks);
            assert!((found / limit - 1.0).abs() < 0.04, "{blocks} blocks: {found} instead of {limit}");
        }
    }

    #[test]
    fn more_candidates_need_more_and_more_blocks_need_less() {
        assert!(by_chance(9, 6) > by_chance(3, 6) && by_chance(3, 6) > by_chance(2, 6));
        assert!(by_chance(9, 20) < by_chance(9, 6));
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
        assert_eq!(fastest(&[("none", &Blocks::new())]), Vec::<&str>::new());
    }

    #[test]
    fn verdicts_say_slower_alike_or_open() {
        let best = blocks(&[&[100.0], &[101.0], &[99.0], &[100.0], &[100.5], &[99.5]]);
        let alike = blocks(&[&[100.1], &[101.2], &[99.0], &[100.2], &[100.4], &[99.6]]);
        let noisy = blocks(&[&[100.1], &[121.2], &[99.0], &[110.2], &[95.4], &[109.6]]);
        let slower = blocks(&[&[110.0], &[112.0], &[109.0], &[109.0], &[111.5], &[109.5]]);
        let few = blocks(&[&[500.0]]);
        let judged = against_the_fastest(&[
            ("noisy", &noisy),
            ("best", &best),
            ("alike", &alike),
            ("slower", &slower),
            ("few", &few),
        ]);
        let verdicts: Vec<(&str, Verdict)> = judged.iter().map(|it| (it.name, it.verdict)).collect();
        assert_eq!(
            verdicts,
            [
                ("noisy", Verdict::Open),
                ("best", Verdict::Fastest),
                ("alike", Verdict::Alike),
                ("slower", Verdict::Slower),
                ("few", Verdict::Open)
            ]
        );
    }

    #[test]
    fn every_candidate_is_in_one_group_and_ties_share_it() {
        let [quick, same, slow, slowest] = [100.0, 101.0, 150.0, 200.0].map(|ns| always(ns, 6));
        let groups = tie_groups(&[("slow", &slow), ("quick", &quick), ("slowest", &slowest), ("same", &same)]);
        assert_eq!(groups, [vec!["quick", "same"], vec!["slow"], vec!["slowest"]]);
        assert!(tie_groups(&[]).is_empty());
    }

    #[test]
    fn one_disturbed_block_of_ten_does_not_hide_a_difference() {
        let mut random = Rng::with_seed(5);
        let noise = super::super::Noise::normal(0.01, 0.5);
        let quick = noise.blocks(100.0, 10, 2, &mut random);
        let mut slow = noise.blocks(106.0, 10, 2, &mut random);
        slow.insert(3, vec![260.0, 250.0]);
        assert_eq!(fastest(&[("quick", &quick), ("slow", &slow)]), ["quick"]);
    }
}
