//! The conclusions for one task: as much as the intervals support, and no more.

use crate::analysis::results::{BlockRange, CLOSE, CellResult, Statement, TaskResults};
use crate::format;
use record::statistics::{BLOCKS_FOR_A_VERDICT, Estimate, Interval, MARGIN};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

/// The report's first statement about a task.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Finding {
    /// The finding in one sentence, without the task's name.
    pub headline: String,
    /// Whether the blocks decide, and for how many strategies.
    pub outcome: Outcome,
    /// The number of cores; `null` if nothing was measured.
    pub cores: Option<u32>,
    /// The partition size.
    pub size: u64,
    /// The strategies that tie for first place; empty if nothing is decided.
    pub leaders: Vec<String>,
    /// The speed-up of the leaders as a group over the plain loop: the median over blocks of the median leader's. `null` if
    /// nothing is decided.
    pub speed_up: Option<Estimate>,
    /// The smallest number of cores on which the leaders as a group come close to their best time; `null` if nothing is
    /// decided.
    pub enough_cores: Option<u32>,
    /// The speed-up of the leaders as a group on `enough_cores`; `null` if nothing is decided.
    pub gain: Option<Estimate>,
    /// The next smaller number of cores that was measured, and how many times as long the leaders take there as on
    /// `enough_cores`.
    pub fewer_cores: Option<(u32, f64)>,
    /// The most cores, and how many times as long the leaders take there as on `enough_cores`; `null` if that is close.
    pub too_many_cores: Option<(u32, f64)>,
    /// The cores on which `good_sizes` holds: `enough_cores`, or else the most cores if more sizes were measured there.
    pub sizes_on: Option<u32>,
    /// The partition sizes with which the leaders as a group come close to their best time; empty if nothing is decided.
    pub good_sizes: Vec<u64>,
    /// The number of partition sizes that were measured on `sizes_on`.
    pub sizes_tried: usize,
    /// The smallest and the largest median speed-up of the leaders; of all strategies if nothing is decided.
    pub medians: Option<Interval>,
    /// The range that covers the intervals of all leaders.
    pub within: Option<Interval>,
}

impl Finding {
    /// Whether even the leaders are slower than the plain loop.
    pub fn plain_loop_is_faster(&self) -> bool {
        self.gain.and_then(|gain| gain.interval).is_some_and(|interval| interval.high < 1.0)
    }
}

/// The kinds of finding for a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Nothing was measured.
    NotMeasured,
    /// No strategy has a sound cell.
    NoSoundCell,
    /// Other programs took too much of the machine for a verdict.
    Overload,
    /// A verdict needs more blocks.
    TooFewBlocks,
    /// Only one strategy was measured.
    Alone,
    /// One strategy is the fastest.
    Fastest,
    /// Several strategies tie, and others are slower.
    Tie,
    /// All strategies tie.
    AllTie,
}

/// Completes `1.93×`.
const AGAINST: &str = "the plain one-thread loop’s speed";

/// The speed-up below which a reader understands "31 400 times as slow" better than "0.0000318×".
const TINY: f64 = 0.01;

/// Finds the strategies that lead on the most cores at the default partition size, how many cores and which partition sizes
/// they need, and their speed-up over the plain loop.
pub fn finding(results: &TaskResults) -> Finding {
    let candidates = results.candidates();
    let leaders = results.leaders();
    let leading: Vec<&CellResult> = match leaders.as_slice() {
        [] => candidates.clone(),
        _ => candidates.iter().copied().filter(|it| leaders.contains(&it.cell.strategy.as_str())).collect(),
    };
    let outcome = match (results.most_cores(), leaders.len()) {
        (None, _) => Outcome::NotMeasured,
        _ if candidates.is_empty() => Outcome::NoSoundCell,
        _ if results.overload.is_some() => Outcome::Overload,
        (_, 0) => Outcome::TooFewBlocks,
        (_, 1) if candidates.len() == 1 => Outcome::Alone,
        (_, 1) => Outcome::Fastest,
        (_, all) if all == candidates.len() => Outcome::AllTie,
        _ => Outcome::Tie,
    };
    let speed_ups: Vec<Estimate> = leading.iter().filter_map(|result| result.speed_up).collect();
    let swept = results.swept(&leaders);
    let cores = Cores::enough(results, &swept);
    let sizes = Sizes::good(results, &swept, cores.enough);
    let on = |cores: Option<u32>| {
        let group = if cores == results.most_cores() { &leaders } else { &swept };
        results.pooled_speed_up(group, cores?, results.task.default_size)
    };
    let mut finding = Finding {
        headline: String::new(),
        speed_up: on(results.most_cores()),
        gain: on(cores.enough),
        enough_cores: cores.enough,
        fewer_cores: cores.fewer,
        too_many_cores: cores.too_many,
        sizes_on: sizes.on,
        good_sizes: sizes.good,
        sizes_tried: sizes.tried,
        outcome,
        cores: results.most_cores(),
        size: results.task.default_size,
        medians: hull(speed_ups.iter().map(|it| Interval { low: it.value, high: it.value })),
        within: hull(speed_ups.iter().map(|it| it.interval.unwrap_or(Interval { low: it.value, high: it.value })))
            .filter(|_| !leaders.is_empty()),
        leaders: leaders.iter().map(|&name| name.to_owned()).collect(),
    };
    finding.headline = headline(&finding, results, &candidates);
    finding
}

fn hull(intervals: impl Iterator<Item = Interval>) -> Option<Interval> {
    intervals.reduce(|one, other| Interval { low: one.low.min(other.low), high: one.high.max(other.high) })
}

/// How many cores are enough, and the times around that number.
#[derive(Default)]
struct Cores {
    enough: Option<u32>,
    fewer: Option<(u32, f64)>,
    too_many: Option<(u32, f64)>,
}

impl Cores {
    fn enough(results: &TaskResults, leaders: &[&str]) -> Self {
        let size = results.task.default_size;
        let close = results.close_cores(leaders, size);
        let ns = |cores: u32| results.pooled_ns(leaders, cores, size);
        let timed = results.cores.iter().filter_map(|cores| Some((*cores, ns(*cores)?)));
        let best = timed.min_by(|one, other| one.1.total_cmp(&other.1)).map(|(cores, _)| cores);
        // If a member is far from the group everywhere, the group's best number of cores counts.
        let (Some(enough), Some(most)) = (close.first().copied().or(best), results.most_cores()) else {
            return Self::default();
        };
        let longer = |cores: u32| Some((cores, ns(cores)? / ns(enough)?));
        let fewer = results.cores.iter().rev().filter(|cores| **cores < enough);
        Self {
            enough: Some(enough),
            fewer: fewer.copied().find_map(longer),
            too_many: if close.contains(&most) || most == enough { None } else { longer(most) },
        }
    }
}

/// The partition sizes that are close to the best.
#[derive(Default)]
struct Sizes {
    on: Option<u32>,
    good: Vec<u64>,
    tried: usize,
}

impl Sizes {
    fn good(results: &TaskResults, leaders: &[&str], enough: Option<u32>) -> Self {
        let (Some(enough), Some(most)) = (enough, results.most_cores()) else { return Self::default() };
        let tried = |cores: u32| {
            results.sizes.iter().filter(|size| results.pooled_ns(leaders, cores, **size).is_some()).count()
        };
        let on = if tried(enough) >= tried(most) { enough } else { most };
        Self { on: Some(on), good: results.close_sizes(leaders, on), tried: tried(on) }
    }
}

fn headline(finding: &Finding, results: &TaskResults, candidates: &[&CellResult]) -> String {
    let Some(cores) = finding.cores else { return "nothing was measured.".into() };
    let setting = format!("on {} with {}", format::cores(cores), format::partitions(finding.size, &results.task.unit));
    let names: Vec<&str> = finding.leaders.iter().map(String::as_str).collect();
    let who = match finding.outcome {
        Outcome::NotMeasured | Outcome::NoSoundCell => {
            return format!("not decided: no strategy has a sound cell {setting}. The list of failures says why.");
        }
        Outcome::Overload => {
            let medians = finding
                .medians
                .map_or_else(String::new, |it| format!(" The strategies’ medians are {} {setting}.", compared(it)));
            return format!(
                "not decided, because other load on the machine spoils every comparison: measure again when the machine \
                 is idle.{medians}"
            );
        }
        Outcome::TooFewBlocks => {
            let blocks = BlockRange::of(candidates.iter().copied());
            let there = format::block_count(blocks.fewest, blocks.most);
            let so_far = finding.medians.map_or_else(
                || "So far there is no sound baseline".into(),
                |it| format!("So far the strategies’ medians are {}", compared(it)),
            );
            return format!(
                "not decided: a verdict needs {BLOCKS_FOR_A_VERDICT} blocks per cell, and cells have {there}. `{}` measures \
                 more. {so_far} {setting}.",
                results.resume
            );
        }
        Outcome::Alone => format!("{} is the only strategy measured:", names[0]),
        Outcome::Fastest => format!("{} is the fastest:", names[0]),
        Outcome::AllTie => {
            let all = if names.len() == 2 { "both".into() } else { format!("all {}", names.len()) };
            format!("{all} strategies tie:")
        }
        Outcome::Tie => format!("{} tie:", format::names(&names)),
    };
    let Some(gain) = finding.gain else {
        return format!("{who} no speed-up can be stated without a sound baseline.");
    };
    format!("{who} {}{}.{}", gained(gain, names.len()), on_what(finding, results), remark(gain))
}

/// `as a group they reach 1.93× (1.90–1.95) the plain one-thread loop’s speed`.
fn gained(gain: Estimate, leaders: usize) -> String {
    let tiny = gain.value < TINY;
    let figure = if tiny {
        compared(Interval { low: gain.value, high: gain.value })
    } else {
        format!("{} {AGAINST}", format::sentence(format::speed_up(gain)))
    };
    let group = match (leaders, tiny) {
        (1, _) => "",
        (_, true) => "as a group they are ",
        (_, false) => "as a group they reach ",
    };
    format!("{group}{figure}")
}

/// ` on 16 of 32 cores; partitions of 2 000 to 60 000 lines are within 5 % of the best`.
fn on_what(finding: &Finding, results: &TaskResults) -> String {
    let (most, unit) = (finding.cores.unwrap_or(0), &results.task.unit);
    let enough = finding.enough_cores.unwrap_or(most);
    let cores = if enough < most {
        format!(" on {} of {}", format::count(enough.into()), format::cores(most))
    } else {
        format!(" on {}", format::cores(most))
    };
    let compared = format!(" with {}", format::partitions(finding.size, unit));
    if finding.sizes_tried < 2 {
        return cores + &compared;
    }
    if finding.good_sizes.is_empty() {
        return format!("{cores}{compared}; no partition size is close to the best for all of them");
    }
    let there = finding.sizes_on.filter(|on| *on != enough).map(|on| format!(" on {}", format::cores(on)));
    format!(
        "{cores}{}; partitions of {} {unit} are within {} of the best{}",
        if finding.good_sizes.contains(&finding.size) { "" } else { &compared },
        format::sizes(&finding.good_sizes, &results.sizes),
        format::percent(CLOSE),
        there.unwrap_or_default(),
    )
}

/// What a reader must know about a small gain.
fn remark(gain: Estimate) -> String {
    match gain.interval {
        Some(Interval { high, .. }) if high < 1.0 => " The plain loop is faster.".into(),
        Some(Interval { low, .. }) if low <= 1.0 + MARGIN => {
            let bar = format::digits(1.0 + MARGIN);
            format!(" The interval starts at or below {bar}×, so no speed-up is established.")
        }
        _ => String::new(),
    }
}

/// `1.91× to 1.93× the plain one-thread loop’s speed`, or `31 400 times as slow as the plain one-thread loop`.
fn compared(range: Interval) -> String {
    if range.high >= TINY {
        return format!("{} {AGAINST}", factors(range));
    }
    let [low, high] = [range.high, range.low].map(|value| format::digits(1.0 / value));
    let times = if low == high { low } else { format!("{low} to {high}") };
    format!("{times} times as slow as the plain one-thread loop")
}

/// `1.91× to 1.93×`, or `1.93×` if they round to the same.
fn factors(range: Interval) -> String {
    let [low, high] = [range.low, range.high].map(|value| format!("{}×", format::digits(value)));
    if low == high { low } else { format!("{low} to {high}") }
}

/// Says what a speed-up means if the work grows with the cores.
pub(crate) fn growing_work(results: &TaskResults) -> Vec<Statement> {
    let cells = || results.cells.iter().filter(|it| it.work != 1.0);
    let largest = cells().max_by(|one, other| one.work.total_cmp(&other.work));
    let say = |it: &CellResult| {
        let sentence = format!(
            "The work grows with the cores: cells on {} do {}× the work of the plain loop. Speed-ups are scaled: if a cell \
             on n cores does n times the work in the plain loop’s time, its speed-up is n.",
            format::cores(it.cell.cores),
            format::digits(it.work)
        );
        Statement { about: "growing_work", sentence, facts: json!({ "cores": it.cell.cores, "work": it.work }) }
    };
    largest.map(say).into_iter().collect()
}

/// Names the strategies with cells that are not compared because a sample failed.
pub(crate) fn left_out(results: &TaskResults) -> Vec<Statement> {
    let failures = || results.failures.iter().filter(|failure| !results.is_forgiven(failure));
    let failed = |name: &&str| failures().any(|failure| failure.cell.strategy == *name);
    let names: Vec<&str> = results.strategies.iter().map(|strategy| &*strategy.name).filter(failed).collect();
    let sentence =
        format!("Every comparison leaves out cells with a failed sample. They belong to {}.", names.join(", "));
    let facts = json!({ "strategies": names });
    (!names.is_empty()).then_some(Statement { about: "left_out", sentence, facts }).into_iter().collect()
}

/// Names the strategies that were compared with the others and not measured with other numbers of cores and partition sizes.
pub(crate) fn only_compared(results: &TaskResults) -> Vec<Statement> {
    let all: Vec<&str> = results.strategies.iter().map(|strategy| &*strategy.name).collect();
    let swept = results.swept(&all);
    let is_compared = |name: &str| results.at(name, results.most_cores()?, results.task.default_size);
    let names: Vec<&str> =
        all.into_iter().filter(|name| !swept.contains(name) && is_compared(name).is_some()).collect();
    let say = |cores: u32| {
        let sentence = format!(
            "Statements about core counts and partition sizes leave out {}, measured only on {} with {}.",
            format::names(&names),
            format::cores(cores),
            format::partitions(results.task.default_size, &results.task.unit),
        );
        Statement { about: "only_compared", sentence, facts: json!({ "strategies": names }) }
    };
    results.most_cores().filter(|_| !names.is_empty()).map(say).into_iter().collect()
}

/// Names the strategies with cells that keep their results although one of their blocks was unfair.
pub(crate) fn tried_again(results: &TaskResults) -> Vec<Statement> {
    let cells: Vec<&CellResult> = results.cells.iter().filter(|result| result.unfair_block.is_some()).collect();
    let named = |name: &&str| cells.iter().any(|it| it.cell.strategy == *name);
    let names: Vec<&str> = results.strategies.iter().map(|strategy| &*strategy.name).filter(named).collect();
    let (each, their) = if cells.len() == 1 { ("", "Its") } else { (" each", "Their") };
    let sentence = format!(
        "{} of {} looked unfair in one block{each}, and fair in every other. {their} figures leave out the unfair block.",
        format::cells(cells.len()),
        format::names(&names)
    );
    let facts = json!({ "cells": cells.iter().map(|it| (&it.cell, it.unfair_block)).collect::<Vec<_>>() });
    (!cells.is_empty()).then_some(Statement { about: "tried_again", sentence, facts }).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use format::SPACE;

    #[test]
    fn a_tiny_speed_up_is_told_as_a_slowdown() {
        let told = |low, high| compared(Interval { low, high }).replace(SPACE, " ");
        assert_eq!(told(1.9, 1.95), "1.90× to 1.95× the plain one-thread loop’s speed");
        assert_eq!(told(0.000_031_8, 0.000_031_8), "31 400 times as slow as the plain one-thread loop");
        assert_eq!(told(0.001, 0.002), "500 to 1 000 times as slow as the plain one-thread loop");
    }
}
