//! Decides which candidates are slower. Equal strategies are seldom called slower by chance.
//!
//! Each strategy is compared with the fastest, block by block: each shared block gives the logarithm of one ratio. A
//! difference is significant if the mean logarithm is many standard errors from zero (Student's t for pairs). With few
//! blocks, t finds differences that neither an interval of the median nor a sign test can find: six blocks have only 64
//! patterns of signs. For equal strategies the logarithm of a ratio has a symmetric distribution, whatever the noise of
//! the times. The t test is then conservative.
//!
//! The fastest is not known beforehand: it is the luckiest of several. Three methods therefore go beyond the textbook:
//!
//! - A simulation gives the limit, instead of a table for one pair. It measures the standard errors between the
//!   apparently slowest and fastest of *equal* strategies; one session in twenty exceeds the limit. With two strategies
//!   the limit is the table's value. With nine strategies it is far lower than with the error divided among all 36
//!   pairs, because the pairs share blocks and strategies (P. H. Westfall and S. S. Young, "Resampling-Based Multiple
//!   Testing", 1993; J. C. Hsu, "Multiple Comparisons", 1996, chapter 4).
//! - The spread of a pair is raised to the median of all pairs' spreads. Few blocks estimate a spread badly, and a
//!   spread that is small by luck is the most frequent cause of a false verdict. V. G. Tusher, R. Tibshirani and G.
//!   Chu, PNAS 98 (2001), raise small spreads for the same reason.
//! - Slower candidates are removed, and the rest are judged again as a smaller group (S. Holm, "A simple sequentially
//!   rejective multiple test procedure", Scandinavian Journal of Statistics 6 (1979)).
//!
//! From ten blocks on, the mean is trimmed by a fifth of the blocks on either side, so that one disturbed block does
//! not hide a difference (J. W. Tukey and D. H. McLaughlin, Sankhyā A 25 (1963)).

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

/// The fewest blocks that are trimmed. Among fewer, extreme blocks cannot be recognised.
const BLOCKS_TO_TRIM: usize = 10;

/// Added to [`LEVEL`] for three candidates or more. Simulated candidates are equally noisy; real candidates have noise
/// from 0.3 % to 8 %. The addition compensates for that.
const UNEQUAL: f64 = 0.015;

/// The number of simulated strategies: 20 000 sessions with two equal strategies, or 4 444 sessions with nine.
const SIMULATED: usize = 40_000;

/// The most blocks in a simulation. More blocks hardly lower the limit.
const BLOCKS: usize = 20;

/// One candidate compared with the fastest.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison<'a> {
    /// The candidate's name.
    pub name: &'a str,
    /// The candidate's time divided by that of the fastest: the trimmed geometric mean over shared blocks. `None` for
    /// the fastest itself, and with fewer than [`BLOCKS_FOR_A_VERDICT`] shared blocks.
    pub ratio: Option<f64>,
    /// The interval of the true ratio, as the verdict uses it. More candidates make it wider.
    pub interval: Option<Interval>,
    /// The verdict.
    pub verdict: Verdict,
}

/// The verdict on a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "Ranked")]
pub enum Verdict {
    /// The candidate whose median process is the quickest. All others are compared with it.
    Fastest,
    /// The candidate ties with the fastest: the interval of its ratio ends below 1 + [`MARGIN`].
    Alike,
    /// The blocks do not decide; more blocks may.
    Open,
    /// The candidate is significantly slower, and the estimated difference is [`MARGIN`] or more.
    Slower,
}

/// Compares every candidate with the one whose median process is the quickest. Keeps the given order, and leaves out
/// candidates without a sample.
///
/// If all candidates are equal, at most one session in twenty calls any of them slower. The same holds for the
/// candidates that equal the fastest while others are slower.
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
        .map(|place| (place, log_ratios(timed[place].1, timed[best].1).map(|(_, ratio)| ratio).collect::<Vec<f64>>()))
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

/// The names that tie with the fastest, in the given order: every candidate that is not [`Verdict::Slower`].
///
/// A tie does not mean equality. It may also mean that the blocks do not decide.
pub fn fastest<'a>(candidates: &[(&'a str, &Blocks)]) -> Vec<&'a str> {
    let tied = |comparison: &Comparison<'a>| (comparison.verdict != Verdict::Slower).then_some(comparison.name);
    against_the_fastest(candidates).iter().filter_map(tied).collect()
}

/// Groups the candidates: first those that tie with the fastest, then those that tie with the fastest of the rest, and
/// so on. Within a group the given order is kept. Candidates without a sample are in no group.
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

/// The interval of the mean of `logarithms`, which are logarithms of ratios, for a single comparison. `None` with fewer
/// than [`BLOCKS_FOR_A_VERDICT`].
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

/// The difference of each pair, from its logarithms of ratios. Spreads are raised to the median spread.
fn differences<'a>(pairs: impl Iterator<Item = &'a [f64]>) -> Vec<Difference> {
    let own: Vec<(usize, f64, f64)> = pairs
        .map(|ratios| {
            let (mean, variance) = trimmed(ratios);
            (ratios.len(), mean, variance)
        })
        .collect();
    // The median of logarithms of spreads, so that one noisy pair of two raises a quiet pair's spread less.
    let spreads: Vec<f64> = own.iter().map(|(.., variance)| variance.ln()).collect();
    let usual = median(&spreads).unwrap_or(f64::NEG_INFINITY).exp();
    own.into_iter()
        .map(|(blocks, mean, variance)| Difference { mean, error: (variance.max(usual) / blocks as f64).sqrt() })
        .collect()
}

/// The trimmed mean, and the variance of a single value that corresponds to the mean's standard error.
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

/// The limit for the standard errors between the apparently slowest and fastest of `candidates` equal strategies. With
/// normal noise, a share of [`LEVEL`] of sessions with `blocks` blocks stays below the limit.
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

/// The largest difference, in standard errors, in one simulated session of equal strategies.
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
    fn the_limit_for_two_candidates_is_students_t() {
        // Two-sided 95 % for 5, 7 and 11 degrees of freedom. Twenty trimmed blocks have 11.
        for (blocks, limit) in [(6, 2.571), (8, 2.365), (20, 2.201)] {
            let found = by_chance(2, blocks);
            assert!((found / limit - 1.0).abs() < 0.04, "{blocks} blocks: {found} instead of {limit}");
        }
    }

    #[test]
    fn the_limit_rises_with_candidates_and_falls_with_blocks() {
        assert!(by_chance(9, 6) > by_chance(3, 6) && by_chance(3, 6) > by_chance(2, 6));
        assert!(by_chance(9, 20) < by_chance(9, 6));
    }

    #[test]
    fn a_significant_difference_below_the_margin_is_a_tie() {
        let quick = always(100.0, 8);
        let slow = always(101.9, 8);
        let slower = always(102.1, 8);
        assert_eq!(fastest(&[("quick", &quick), ("slow", &slow), ("slower", &slower)]), ["quick", "slow"]);
    }

    #[test]
    fn with_too_few_shared_blocks_candidates_tie() {
        let quick = always(100.0, 4);
        let slow = always(900.0, 9);
        assert_eq!(fastest(&[("quick", &quick), ("slow", &slow)]), ["quick", "slow"]);
        assert_eq!(fastest(&[]), Vec::<&str>::new());
        assert_eq!(fastest(&[("none", &Blocks::new())]), Vec::<&str>::new());
    }

    #[test]
    fn each_candidate_gets_its_verdict() {
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
