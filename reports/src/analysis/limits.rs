//! Explains what keeps the leading strategies from the ideal speed-up, from the time accounts of their workers.

use crate::analysis::results::{CellResult, Spent, Statement, TaskResults};
use crate::format;
use record::statistics;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

/// A cause that takes less than this share of a worker's time limits nothing.
const WORTH_NAMING: f64 = 0.05;

/// If waiting between jobs keeps this share with much larger partitions, partitions are not its cause.
const KEPT: f64 = 0.5;

/// The factor by which a partition size must exceed the compared size to count as much larger.
const MUCH_LARGER: u64 = 4;

/// The serial parts computed from several numbers of cores agree if they differ by at most this factor.
const AGREE: f64 = 1.5;

/// A cause for which a worker's time is not the task's work at the plain loop's speed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// The task's own work takes longer than in the plain loop: cores share memory bandwidth, caches or a core's units.
    SharedHardware,
    /// The task's own work takes longer on one core too, so the strategy or the cutting costs that.
    Cutting,
    /// Shipping jobs and partials between processes.
    Shipping,
    /// Handing over partitions.
    Overhead,
    /// Waiting for the source of the partitions, whatever their size.
    Source,
    /// Waiting between two jobs; the data do not tell for what.
    Waiting,
    /// Workers have nothing to do at the start or end.
    Imbalance,
    /// The final reduce.
    Reduce,
}

impl Limit {
    /// The name of the limit.
    pub fn name(self) -> &'static str {
        match self {
            Self::SharedHardware => "shared memory, caches or cores",
            Self::Cutting => "slower work in jobs",
            Self::Shipping => "shipping between processes",
            Self::Overhead => "overhead per partition",
            Self::Source => "the source of the partitions",
            Self::Waiting => "waiting between jobs",
            Self::Imbalance => "imbalance",
            Self::Reduce => "the final reduce",
        }
    }

    /// What the limit means, completed by its share: `Idle time at the start and end takes 12 %`.
    fn meaning(self) -> &'static str {
        match self {
            Self::SharedHardware => "The task’s own work slows down as cores are added, which costs",
            Self::Cutting => "The task’s own work is slower than in the plain loop, on one core too, which costs",
            Self::Shipping => "Shipping jobs and partials takes",
            Self::Overhead => "With larger partitions, workers wait less between two jobs. Here the waits take",
            Self::Source => "Waits for the next partition, which larger partitions do not shorten, take",
            Self::Waiting => "Waits between two jobs take",
            Self::Imbalance => "Idle time at the start and end takes",
            Self::Reduce => "The total is reduced after the last job, which takes",
        }
    }
}

/// A limit and the share of a worker's time that it takes, in the median leader.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct LimitShare {
    /// The limit.
    pub limit: Limit,
    /// The share of the time, between 0 and 1.
    pub share: f64,
}

/// The limits of the leaders on the most cores at the default partition size, the largest first. Empty if nothing is
/// decided, or if the record has no account of the workers' time.
pub fn limits(results: &TaskResults) -> Vec<LimitShare> {
    let (leaders, size) = (results.leaders(), results.task.default_size);
    let Some((cores, baseline)) = results.most_cores().zip(plain_ns(results)) else { return Vec::new() };
    let on = |cores, size, of| share(results, &leaders, (cores, size), baseline, of);
    let here = |of| on(cores, size, of);
    let slower: ShareOf = |spent, ideal| spent.task - ideal;
    let between: ShareOf = |spent, _| spent.between;
    let one = results.cores.first().filter(|one| **one == 1 && cores > 1);
    let work = match one.and_then(|one| on(*one, size, slower)) {
        Some(alone) if here(slower).is_some_and(|here| alone > KEPT * here) => Limit::Cutting,
        _ if cores == 1 => Limit::Cutting,
        _ => Limit::SharedHardware,
    };
    let larger = results.sizes.iter().rev().find(|it| **it >= size.saturating_mul(MUCH_LARGER));
    let wait = match larger.and_then(|larger| on(cores, *larger, between)) {
        None => Limit::Waiting,
        Some(there) if here(between).is_some_and(|here| there > KEPT * here) => Limit::Source,
        Some(_) => Limit::Overhead,
    };
    let causes: [(Limit, ShareOf); 5] = [
        (work, slower),
        (Limit::Shipping, |spent, _| spent.shipping),
        (wait, between),
        (Limit::Imbalance, |spent, _| spent.ends),
        (Limit::Reduce, |spent, _| spent.reduce),
    ];
    let shares = causes.into_iter().filter_map(|(limit, of)| Some(LimitShare { limit, share: here(of)? }));
    let mut limits: Vec<LimitShare> = shares.filter(|it| it.share >= WORTH_NAMING).collect();
    limits.sort_by(|one, other| other.share.total_cmp(&one.share));
    limits
}

/// The time for a cause, from a worker's account and the ideal time of the task's work.
type ShareOf = fn(&Spent, f64) -> f64;

/// The share of a cause in a worker's time: the median over `strategies`. `None` unless all have an account.
fn share(
    results: &TaskResults,
    strategies: &[&str],
    (cores, size): (u32, u64),
    plain_ns: f64,
    of: ShareOf,
) -> Option<f64> {
    let ideal = plain_ns * results.task.work_on(cores) / f64::from(cores.max(1));
    let of_one = |result: &CellResult| {
        let spent = result.spent?;
        let all = spent.task + spent.shipping + spent.between + spent.ends + spent.reduce;
        (all > 0.0).then(|| of(&spent, ideal) / all)
    };
    let shares: Option<Vec<f64>> =
        strategies.iter().map(|strategy| of_one(results.sound(strategy, cores, size)?)).collect();
    statistics::median(&shares?)
}

fn plain_ns(results: &TaskResults) -> Option<f64> {
    Some(results.baseline.as_ref()?.time?.value)
}

/// Returns [`limits`] as one conclusion, and the serial part as another.
pub(crate) fn conclude(results: &TaskResults) -> Vec<Statement> {
    if results.leaders().is_empty() && !results.candidates().is_empty() {
        let sentence =
            "What limits it: not decided, because that is asked of the strategies that lead, and none leads yet.";
        return vec![Statement::new("limits", sentence)];
    }
    main_limit(results).into_iter().chain(serial_part(results)).collect()
}

/// `What limits it on 32 cores: imbalance. Idle time at the start and end takes 12 % of each worker’s time.`
fn main_limit(results: &TaskResults) -> Option<Statement> {
    let (leaders, cores) = (results.leaders(), results.most_cores()?);
    let setting = (cores, results.task.default_size);
    let useful = share(results, &leaders, setting, plain_ns(results)?, |_, ideal| ideal)?;
    let limits = limits(results);
    let on = format::cores(cores);
    let sentence = match &limits[..] {
        [] if useful > 1.0 => {
            format!("Nothing limits it on {on}: the task’s work is at least as fast as in as many plain loops.")
        }
        [] => format!(
            "Nothing large limits it on {on}: {} of each worker’s time is the task’s work at the plain loop’s speed.",
            format::percent(useful)
        ),
        [main, others @ ..] => {
            let others: Vec<String> =
                others.iter().map(|it| format!("{} ({})", it.limit.name(), format::percent(it.share))).collect();
            let also = if others.is_empty() { String::new() } else { format!(" Next: {}.", others.join(", ")) };
            format!(
                "What limits it on {on}: {}. {} {} of each worker’s time.{also}",
                main.limit.name(),
                main.limit.meaning(),
                format::percent(main.share),
            )
        }
    };
    let facts = json!({ "cores": cores, "useful": useful, "limits": limits });
    Some(Statement { about: "limits", sentence, facts })
}

/// The serial part of the work, if the speed-ups on at least three numbers of cores agree on it (the law of G. Amdahl, with
/// the estimate of A. Karp and H. Flatt, "Measuring Parallel Processor Performance", 1990).
fn serial_part(results: &TaskResults) -> Option<Statement> {
    // The estimate is for the same work on all numbers of cores.
    if !results.task.grown.is_empty() {
        return None;
    }
    let (leaders, size) = (results.swept(&results.leaders()), results.task.default_size);
    let part = |cores: u32| {
        let (n, speed_up) = (f64::from(cores), results.pooled_speed_up(&leaders, cores, size)?.value);
        Some((cores, (1.0 / speed_up - 1.0 / n) / (1.0 - 1.0 / n)))
    };
    let parts: Vec<(u32, f64)> = results.cores.iter().filter(|cores| **cores > 1).filter_map(|it| part(*it)).collect();
    let [(from, _), .., (to, serial)] = parts[..] else { return None };
    let (low, high) = parts.iter().fold((f64::INFINITY, 0.0_f64), |(low, high), (_, it)| (low.min(*it), high.max(*it)));
    // Below a thousandth, noise decides.
    if parts.len() < 3 || low < 0.001 || high > low * AGREE || !(0.001..1.0).contains(&serial) {
        return None;
    }
    let sentence = format!(
        "On {} to {}, the speed-ups fit a serial part of {}{}%, with which no number of cores exceeds {}×.",
        format::count(from.into()),
        format::cores(to),
        format::digits(serial * 100.0),
        format::SPACE,
        format::digits(1.0 / serial),
    );
    Some(Statement { about: "serial_part", sentence, facts: json!({ "serial": serial, "by_cores": parts }) })
}
