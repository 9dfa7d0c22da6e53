//! Fits the work of a task and its partition sizes to the machine. Everything here is a pure function.

use std::time::Duration;
use tasks::{Entry, Sizing};

/// The shortest timed run on all cores that is worth a comparison. In a shorter one, starting threads and adding up the
/// partials take a large share.
pub const SHORTEST_RUN: Duration = Duration::from_millis(30);

/// The fewest partitions for each worker at the default size. With fewer, the last partition decides when a run ends.
pub const PARTITIONS_PER_WORKER: u64 = 4;

/// The most partitions of a size. More of them measure only the overhead, which fewer show as well.
const MOST_PARTITIONS: u64 = 65_536;

/// The factor by which a run is planned longer than [`SHORTEST_RUN`], because one trial is not exact.
const MARGIN: f64 = 1.25;

/// The longest run of the plain loop, as a share of the budget. Every block contains such a run.
const BUDGET_SHARE: f64 = 1.0 / 100.0;

/// The limits that a machine and a budget set to the work.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The number of cores of the largest cell.
    pub cores: u64,
    /// How many times as large the work of the largest cell is.
    pub growth: u64,
    /// The number of workers of the largest cell.
    pub workers: u64,
    /// The memory of the machine, in bytes.
    pub memory: u64,
    /// The free disk space for data, in bytes.
    pub disk: u64,
    /// The time for measuring.
    pub budget: Duration,
}

/// The work that was chosen for a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// The work, in units of the task.
    pub work: u64,
    /// What was chosen and why, as a sentence.
    pub why: String,
}

/// Chooses the work of a task. A trial with `work` took the plain loop `took`.
///
/// A run on all cores then lasts at least [`SHORTEST_RUN`], even if all of them are used perfectly.
pub fn choose(sizing: &Sizing, work: u64, took: Duration, limits: &Limits) -> Chosen {
    let speed_up = (sizing.speed_up)(limits.cores).max(1) as f64;
    let one = took.as_secs_f64().max(1e-9) / work as f64;
    let wanted = step_up(SHORTEST_RUN.as_secs_f64() * MARGIN * speed_up / one);
    let space = limits.memory.min(limits.disk) / 4 / sizing.bytes_per_unit.max(1) / limits.growth;
    let affordable = (limits.budget.as_secs_f64() * BUDGET_SHARE / one) as u64;
    let largest = sizing.most / limits.growth;
    let (most, reason) = [
        (largest, "this is the largest input"),
        (if sizing.bytes_per_unit == 0 { u64::MAX } else { space }, "memory and disk limit it"),
        (affordable, "the budget limits it"),
    ]
    .into_iter()
    .min_by_key(|(most, _)| *most)
    .unwrap_or((largest, "this is the largest input"));
    // Limits that vary from day to day are rounded as well, so that sweeps of one machine have the same work.
    let most = if most == sizing.most { most } else { step_down(most) };
    let chosen = wanted.min(most).max(sizing.least);
    let run_ms = 1e3 * one * chosen as f64 / speed_up;
    let cores = crate::counted(limits.cores, "core");
    let aim = format!("a run on {cores} should last at least {} ms", SHORTEST_RUN.as_millis());
    let unit = if limits.growth > 1 { format!("{} for each core", sizing.unit) } else { sizing.unit.to_owned() };
    let why = match run_ms < 1e3 * SHORTEST_RUN.as_secs_f64() {
        false => format!("{} {}, because {aim}", in_digits(chosen), unit),
        true => {
            format!("{} {}: {aim}, but {reason}, so one may last only {run_ms:.0} ms", in_digits(chosen), unit)
        }
    };
    Chosen { work: chosen, why }
}

/// Returns the partition sizes of a task with this number of `items`, ascending, and the default size.
///
/// The task's own default size is always one of them. It stays the default if each of `workers` then gets
/// [`PARTITIONS_PER_WORKER`].
pub fn sizes(entry: &Entry, items: u64, workers: u64) -> (Vec<u64>, u64) {
    let one_each = (items / workers).max(1);
    let balanced = (items / (workers * PARTITIONS_PER_WORKER)).max(1);
    let default = if entry.default_size <= balanced { entry.default_size } else { round_down(balanced) };
    let mut sizes: Vec<u64> = entry.sizes.to_vec();
    // A size that leaves workers without a partition shows what too large means. One such size is enough.
    let too_large = sizes.iter().copied().find(|size| *size > one_each);
    sizes.retain(|size| *size <= too_large.unwrap_or(u64::MAX) && items / size <= MOST_PARTITIONS);
    sizes.extend([entry.default_size, default]);
    if too_large.is_none() {
        sizes.push(round_down(one_each));
    }
    sizes.sort_unstable();
    sizes.dedup();
    (sizes, default)
}

/// The leading digits of an amount of work. The steps are coarse, so that two sweeps of one machine choose the same work,
/// although their trials differ, and can be compared.
const STEPS: [u64; 7] = [10, 15, 20, 30, 40, 60, 80];

/// The least amount of the series that is not below `number`.
fn step_up(number: f64) -> u64 {
    let unit = 10_u64.pow((number.max(10.0).log10() as u32).min(17) - 1);
    let next = STEPS.map(|step| step * unit).into_iter().find(|amount| *amount as f64 >= number);
    next.unwrap_or(100 * unit)
}

/// The largest amount of the series that is not above `number`.
fn step_down(number: u64) -> u64 {
    let unit = 10_u64.pow(number.max(10).ilog10() - 1);
    let amounts = STEPS.map(|step| step * unit);
    amounts.into_iter().rfind(|amount| *amount <= number).unwrap_or(number)
}

/// Rounds down to one significant digit: people remember 30,000 and not 31,250.
fn round_down(number: u64) -> u64 {
    let step = 10_u64.pow(number.max(1).ilog10());
    number / step * step
}

/// Writes a number with narrow spaces between thousands, as the report does.
fn in_digits(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).unwrap_or_default()).collect();
    groups.join("\u{202f}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MACHINES: [u64; 8] = [1, 2, 4, 8, 16, 32, 64, 128];

    fn limits(cores: u64) -> Limits {
        let budget = Duration::from_secs(60 * super::super::stages::default_minutes(cores));
        Limits { cores, growth: 1, workers: cores, memory: 64 << 30, disk: 64 << 30, budget }
    }

    #[test]
    fn a_run_on_all_cores_is_long_enough_or_the_input_is_the_largest() {
        for cores in MACHINES {
            for entry in tasks::ALL {
                let Some(sizing) = entry.sizing else { continue };
                let work = (sizing.work)(&tasks::Inputs::default()).expect("the user named nothing");
                for took in [1, 15, 60, 3_000].map(Duration::from_millis) {
                    let chosen = choose(&sizing, work, took, &limits(cores));
                    let one = took.as_secs_f64() / work as f64;
                    let run = one * chosen.work as f64 / (sizing.speed_up)(cores) as f64;
                    let is_largest = chosen.work == sizing.most && chosen.why.contains("largest input");
                    assert!(
                        run >= SHORTEST_RUN.as_secs_f64() || is_largest,
                        "{cores} cores, {}: {chosen:?}",
                        entry.name
                    );
                }
            }
        }
    }

    #[test]
    fn every_worker_gets_several_partitions_at_the_default_size() {
        for workers in MACHINES {
            for entry in tasks::ALL {
                let Some(sizing) = entry.sizing else { continue };
                for work in [sizing.least, 100_000_000, sizing.most].map(|work| work.clamp(sizing.least, sizing.most)) {
                    let mut inputs = tasks::Inputs::default();
                    (sizing.set)(&mut inputs, work, workers);
                    let items = (sizing.items)(&inputs);
                    let (sizes, default) = sizes(entry, items, workers);
                    let partitions = items.div_ceil(default);
                    let name = entry.name;
                    assert!(
                        partitions >= PARTITIONS_PER_WORKER * workers,
                        "{name}, {work}, {workers}: {sizes:?} {default}"
                    );
                    assert!(sizes.contains(&default) && sizes.contains(&entry.default_size), "{name}: {sizes:?}");
                    assert!(sizes.len() >= 3, "{name}, {work}, {workers}: {sizes:?}");
                }
            }
        }
    }

    #[test]
    fn the_smallest_limit_is_named() {
        let count = tasks::find("count").and_then(|entry| entry.sizing).expect("it has one");
        let words = tasks::find("word_totals").and_then(|entry| entry.sizing).expect("it has one");
        let took = Duration::from_millis(50);
        let poor = Limits { budget: Duration::from_secs(10), ..limits(32) };
        assert!(choose(&count, 100_000_000, took, &poor).why.contains("the budget limits it"));
        let full = Limits { disk: 100_000_000, ..limits(32) };
        let chosen = choose(&words, 20_000_000, took, &full);
        assert_eq!(chosen.work, 20_000_000);
        assert!(
            chosen.why.starts_with("20\u{202f}000\u{202f}000 bytes: ") && chosen.why.contains("memory and disk"),
            "{}",
            chosen.why
        );
    }
}
