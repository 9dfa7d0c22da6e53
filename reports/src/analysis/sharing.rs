//! What workers share while they map, and what that costs: cells that differ only in the combine.

use crate::analysis::results::{CellResult, SharedCost, Statement, TaskResults};
use crate::format;
use record::statistics::{self, Blocks, Estimate, Interval, Verdict};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

/// One strategy with one way to combine.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Sharing {
    /// The strategy.
    pub strategy: String,
    /// The cores.
    pub cores: u32,
    /// What the workers share, or where partials are merged first.
    pub combine: String,
    /// The median time in nanoseconds.
    pub time: Estimate,
    /// The time divided by that of the strategy's fastest combine; `null` for the fastest, and if nothing is decided.
    pub ratio: Option<f64>,
    /// The interval of the ratio.
    pub interval: Option<Interval>,
    /// The verdict; `null` if load forbids one.
    pub verdict: Option<Verdict>,
    /// What the updates cost; `null` if the workers share nothing while they map.
    pub cost: Option<SharedCost>,
    /// The workers' time in the task beyond that of the plain loop, for each update in nanoseconds.
    pub update_ns: Option<f64>,
    /// The part of the workers' time in the task in which they wait for a lock.
    pub waiting: Option<f64>,
}

/// Every strategy with every combine, on the most cores at the default partition size. Empty if no cell shares anything.
pub fn sharing(results: &TaskResults) -> Vec<Sharing> {
    let Some(setting) = &results.setting else { return Vec::new() };
    let is_shown = |it: &&CellResult| {
        let (cell, cores) = (&it.cell, results.most_cores());
        it.sound
            && (Some(cell.cores), cell.size) == (cores, results.task.default_size)
            && Some(cell.workers) == results.workers(cell.cores)
            && cell.delivery == setting.delivery
    };
    let shown: Vec<&CellResult> = results.cells.iter().filter(is_shown).collect();
    if shown.iter().all(|it| it.shared.is_none()) {
        return Vec::new();
    }
    let of_strategy = |name: &str| -> Vec<Sharing> {
        let cells: Vec<&CellResult> = shown.iter().copied().filter(|it| it.cell.strategy == name).collect();
        let candidates: Vec<(&str, &Blocks)> = cells.iter().map(|it| (&*it.cell.combine, &it.blocks)).collect();
        let compared = statistics::against_the_fastest(&candidates);
        let row = |it: &&CellResult| {
            let verdict = compared.iter().find(|other| other.name == it.cell.combine);
            let verdict = verdict.filter(|_| results.overload.is_none());
            Some(Sharing {
                ratio: verdict.and_then(|it| it.ratio),
                interval: verdict.and_then(|it| it.interval),
                verdict: verdict.map(|it| it.verdict),
                ..one(results, it)?
            })
        };
        cells.iter().filter_map(row).collect()
    };
    results.strategies.iter().flat_map(|strategy| of_strategy(&strategy.name)).collect()
}

/// One cell, without a verdict.
fn one(results: &TaskResults, result: &CellResult) -> Option<Sharing> {
    let cell = &result.cell;
    let plain_ns = results.baseline.as_ref().and_then(|plain| Some(plain.time?.value * result.work));
    let task_ns = result.spent.map(|spent| spent.task * f64::from(cell.workers));
    let cost = result.shared.filter(|cost| cost.updates > 0.0);
    let locked = cost.filter(|cost| cost.held_ns > 0.0);
    Some(Sharing {
        strategy: cell.strategy.clone(),
        cores: cell.cores,
        combine: cell.combine.clone(),
        time: result.time?,
        ratio: None,
        interval: None,
        verdict: None,
        cost,
        // One update for each partition is too few to be seen in the time of the task.
        update_ns: cost
            .filter(|_| cell.combine != "progress")
            .and_then(|cost| Some((task_ns? - plain_ns?) / cost.updates)),
        waiting: locked.and_then(|cost| Some(cost.waited_ns / task_ns.filter(|ns| *ns > 0.0)?)),
    })
}

/// States which combine is the fastest and which the slowest, and why.
pub(crate) fn conclude(results: &TaskResults) -> Vec<Statement> {
    let all = sharing(results);
    // The strategy with the most combines; of several, the first one.
    let of = |name: &str| all.iter().filter(|it| it.strategy == name).collect::<Vec<_>>();
    let strategies = results.strategies.iter().rev().map(|strategy| of(&strategy.name));
    let Some(rows) = strategies.max_by_key(Vec::len) else { return Vec::new() };
    ends(&rows).into_iter().chain(lines(results, &rows)).collect()
}

/// `With rayon on 2 cores, per_worker is the fastest, and mutex the slowest: 5.1× (4.9–5.3). Workers wait …`
fn ends(rows: &[&Sharing]) -> Option<Statement> {
    let slowest = rows.iter().max_by(|one, other| one.ratio.unwrap_or(1.0).total_cmp(&other.ratio.unwrap_or(1.0)))?;
    if slowest.verdict != Some(Verdict::Slower) {
        return None;
    }
    let fastest = rows.iter().find(|it| it.verdict == Some(Verdict::Fastest))?;
    let ratio = Estimate { value: slowest.ratio?, interval: slowest.interval };
    let sentence = format!(
        "With {} on {}, {} is the fastest way to keep the total, and {} the slowest: {} as long. {}",
        fastest.strategy,
        format::cores(fastest.cores),
        fastest.combine,
        slowest.combine,
        format::sentence(format::speed_up(ratio)),
        why(slowest)
    );
    Some(Statement { about: "shared_state", sentence, facts: json!({ "fastest": fastest, "slowest": slowest }) })
}

/// Why a way to keep the total costs what it costs.
fn why(row: &Sharing) -> String {
    let Some(cost) = row.cost else { return String::new() };
    let lock = row.waiting.map(|waiting| {
        format!(
            "Its workers spend {} of their time until they have a lock. They find it taken at {} of {} updates, and hold it \
             for {}.",
            format::percent(waiting),
            format::percent(cost.contended / cost.updates),
            format::many(cost.updates),
            format::time(cost.held_ns / cost.updates)
        )
    });
    let update = row.update_ns.filter(|ns| *ns > 0.0).map(|ns| {
        format!("Each of {} updates takes {} beyond the plain loop.", format::many(cost.updates), format::time(ns))
    });
    lock.or(update).unwrap_or_default()
}

/// What it costs that two workers write to the same cache line, from counters that differ only in that.
fn lines(results: &TaskResults, rows: &[&Sharing]) -> Option<Statement> {
    let find = |name: &str| rows.iter().find(|it| it.combine == name);
    let (close, padded) = (find("atomic_neighbours")?, find("atomic_padded")?);
    let blocks = |row: &Sharing| {
        let of = |it: &&CellResult| {
            (&*it.cell.strategy, &*it.cell.combine) == (&*row.strategy, &*row.combine)
                && (it.cell.cores, it.cell.size) == (row.cores, results.task.default_size)
                && it.time == Some(row.time)
        };
        results.cells.iter().find(of).map(|it| &it.blocks)
    };
    let candidates = [("close", blocks(close)?), ("padded", blocks(padded)?)];
    let compared = statistics::against_the_fastest(&candidates);
    let slower = compared.iter().find(|it| it.verdict == Verdict::Slower && results.overload.is_none());
    let sentence = match slower {
        Some(it) if it.name == "close" => format!(
            "Counters that share a cache line take {} as long as padded ones, although each has one writer. At every update the \
             line moves to the other core.{}",
            format::sentence(format::speed_up(Estimate { value: it.ratio?, interval: it.interval })),
            close.update_ns.zip(padded.update_ns).map_or_else(String::new, |(close, padded)| {
                format!(" Padding saves {} for each update.", format::time(close - padded))
            })
        ),
        Some(_) => {
            "Padded counters take longer than neighbours, so no cache line moves between these cores.".to_owned()
        }
        None => "Whether counters that share a cache line are slower than padded ones is not decided.".to_owned(),
    };
    Some(Statement { about: "false_sharing", sentence, facts: json!({ "neighbours": close, "padded": padded }) })
}
