//! The conclusions for one task: as much as the intervals support, and no more.

use crate::analysis::results::{BlockRange, CLOSE, CellResult, Statement, TaskResults};
use crate::format;
use record::statistics::{self, BLOCKS_FOR_A_VERDICT, Blocks, Estimate, Interval, LEVEL, MARGIN};
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
    /// The partition sizes with which the leaders as a group come close to their best time; empty if nothing is decided.
    pub good_sizes: Vec<u64>,
    /// The smallest and the largest median speed-up of the leaders; of all strategies if nothing is decided.
    pub medians: Option<Interval>,
    /// The range that covers the intervals of all leaders.
    pub within: Option<Interval>,
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

/// Finds the strategies that lead on the most cores at the default partition size, and their speed-up over the plain loop.
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
    let group: Vec<&Blocks> = leading.iter().map(|result| &result.blocks).collect();
    let work = results.task.work_on(results.most_cores().unwrap_or_default());
    let pooled = || Some(statistics::pooled_ratio(&results.baseline.as_ref()?.blocks, &group, LEVEL)?.times(work));
    let good_sizes = || Some(results.close_sizes(&leaders, results.most_cores()?));
    let mut finding = Finding {
        headline: String::new(),
        speed_up: if leaders.is_empty() { None } else { pooled() },
        enough_cores: results.close_cores(&leaders, results.task.default_size).first().copied(),
        good_sizes: good_sizes().unwrap_or_default(),
        outcome,
        cores: results.most_cores(),
        size: results.task.default_size,
        medians: hull(speed_ups.iter().map(|it| Interval { low: it.value, high: it.value })),
        within: hull(speed_ups.iter().map(|it| it.interval.unwrap_or(Interval { low: it.value, high: it.value })))
            .filter(|_| !leaders.is_empty()),
        leaders: leaders.into_iter().map(str::to_owned).collect(),
    };
    finding.headline = headline(&finding, results, &candidates);
    finding
}

fn hull(intervals: impl Iterator<Item = Interval>) -> Option<Interval> {
    intervals.reduce(|one, other| Interval { low: one.low.min(other.low), high: one.high.max(other.high) })
}

fn headline(finding: &Finding, results: &TaskResults, candidates: &[&CellResult]) -> String {
    let Some(cores) = finding.cores else { return "nothing was measured.".into() };
    let setting = format!("on {} with {}", format::cores(cores), format::partitions(finding.size, &results.task.unit));
    let names: Vec<&str> = finding.leaders.iter().map(String::as_str).collect();
    let who = match finding.outcome {
        Outcome::NotMeasured | Outcome::NoSoundCell => {
            return format!("not decided: no strategy has a sound cell {setting}.");
        }
        Outcome::Overload => {
            let load = results.overload.as_deref().unwrap_or_default();
            let medians = finding
                .medians
                .map_or_else(String::new, |it| format!(" The strategies’ medians are {} {setting}.", compared(it)));
            return format!(
                "not decided: nothing is named the fastest because of the load on the machine: {load}.{medians}"
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
        Outcome::Alone => format!("{}, the only strategy measured {setting}, is", names[0]),
        Outcome::Fastest => format!("{} is the fastest {setting}:", names[0]),
        Outcome::AllTie => {
            let all = if names.len() == 2 { "both".into() } else { format!("all {}", names.len()) };
            format!("{all} strategies tie {setting}:")
        }
        Outcome::Tie => format!("{} tie {setting}:", format::names(&names)),
    };
    format!("{who} {}", against_the_baseline(finding))
}

/// `1.93× (1.90–1.95) the plain one-thread loop’s speed.`; for a group, that it is the group's.
fn against_the_baseline(finding: &Finding) -> String {
    let Some(speed_up) = finding.speed_up else {
        return "no speed-up can be stated without a sound baseline.".into();
    };
    let figure = if speed_up.value < TINY {
        compared(Interval { low: speed_up.value, high: speed_up.value })
    } else {
        format!("{} {AGAINST}", format::sentence(format::speed_up(speed_up)))
    };
    let group = match (finding.leaders.len(), speed_up.value < TINY) {
        (1, _) => "",
        (_, true) => "as a group they are ",
        (_, false) => "as a group they reach ",
    };
    let remark = match speed_up.interval {
        Some(Interval { high, .. }) if high < 1.0 => " The plain loop is faster.".into(),
        Some(Interval { low, .. }) if low <= 1.0 + MARGIN => {
            let bar = format::digits(1.0 + MARGIN);
            format!(" The interval starts at or below {bar}×, so no speed-up is established.")
        }
        _ => String::new(),
    };
    format!("{group}{figure}.{remark}")
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

/// Names the smallest number of cores on which the leaders as a group are close to their best time.
pub(crate) fn enough_cores(results: &TaskResults) -> Vec<Statement> {
    let (leaders, size) = (results.leaders(), results.task.default_size);
    let close = results.close_cores(&leaders, size);
    let (Some(enough), Some(most)) = (close.first().copied(), results.most_cores()) else { return Vec::new() };
    let ns = |cores| results.pooled_ns(&leaders, cores, size);
    let fewer = results.cores.iter().rev().find_map(|cores| Some((*cores, ns(*cores).filter(|_| *cores < enough)?)));
    let (percent, best) = (format::percent(CLOSE), best(&leaders));
    let sentence = match (fewer, ns(enough)) {
        _ if enough < most => {
            let they_are = they_are(&leaders);
            let on_most = format!(" On {}, {they_are} not.", format::cores(most));
            format!(
                "On {}, {they_are} within {percent} of {best} on any core count.{}",
                format::cores(enough),
                if close.contains(&most) { "" } else { &on_most }
            )
        }
        (Some((fewer, longer)), Some(shorter)) => format!(
            "To stay within {percent} of {best}, {} {}; on {}, the time is {}× as long.",
            if let [only] = leaders[..] { format!("{only} needs") } else { "the tied strategies need".into() },
            format::cores(most),
            format::cores(fewer),
            format::digits(longer / shorter)
        ),
        _ => return Vec::new(),
    };
    vec![Statement { about: "enough_cores", sentence, facts: json!({ "leaders": leaders, "close_cores": close }) }]
}

/// Names the partition sizes with which the leaders as a group are close to their best time.
pub(crate) fn good_sizes(results: &TaskResults) -> Vec<Statement> {
    let (leaders, sizes) = (results.leaders(), &results.sizes);
    let close = results.most_cores().map_or_else(Vec::new, |cores| results.close_sizes(&leaders, cores));
    if close.is_empty() || sizes.len() < 2 {
        return Vec::new();
    }
    let sentence = format!(
        "With partitions of {} {}, {} within {} of {} ({} sizes tried).",
        format::sizes(&close, sizes),
        results.task.unit,
        they_are(&leaders),
        format::percent(CLOSE),
        best(&leaders),
        sizes.len()
    );
    vec![Statement { about: "good_sizes", sentence, facts: json!({ "leaders": leaders, "close_sizes": close }) }]
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

fn they_are(names: &[&str]) -> String {
    if let [only] = names { format!("{only} is") } else { "the tied strategies are".into() }
}

fn best(names: &[&str]) -> &'static str {
    if names.len() == 1 { "its best median" } else { "the best median of their group" }
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
