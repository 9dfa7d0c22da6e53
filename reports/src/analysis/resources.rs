//! What each strategy used besides time: processors, switches, memory, counters, threads; and whether it was warm.

use crate::analysis::data_quality;
use crate::analysis::results::{Measured, Sweep};
use crate::view::chart::partitions_of;
use crate::view::format::{self, NONE};
use crate::view::table::{Entry, Row, Table};
use record::statistics;
use record::{Census, Pool, Run, Sample, Times};
use std::collections::BTreeMap;

/// A figure of a sample that is worth a column: its head, its name in the record, how it is taken and written.
struct Resource {
    head: &'static str,
    /// The record's name, under which [`Run::unmeasured`] says why it is missing.
    name: &'static str,
    of: fn(&Times) -> Option<f64>,
    written: fn(f64) -> String,
}

const RESOURCES: [Resource; 11] = [
    resource("busy threads", "busy_threads", |times| Some(busy(times)), format::digits),
    resource("voluntary switches", "voluntary_switches", |times| Some(times.voluntary_switches as f64), whole),
    resource("involuntary switches", "involuntary_switches", |times| Some(times.involuntary_switches as f64), whole),
    resource("moved to another core", "migrations", |times| Some(times.migrations? as f64), whole),
    resource("page faults", "minor_faults", |times| Some(times.minor_faults as f64), whole),
    resource("faults from disk", "major_faults", |times| Some(times.major_faults as f64), whole),
    resource("peak memory", "peak_memory_bytes", |times| Some(times.peak_memory_bytes as f64), format::memory),
    resource("cycles", "cycles", |times| Some(times.cycles? as f64), format::many),
    resource("instructions", "instructions", |times| Some(times.instructions? as f64), format::many),
    resource("cache misses", "cache_misses", |times| Some(times.cache_misses? as f64), format::many),
    resource("energy", "energy_uj", |times| Some(times.energy_uj? as f64), joules),
];

const fn resource(
    head: &'static str,
    name: &'static str,
    of: fn(&Times) -> Option<f64>,
    written: fn(f64) -> String,
) -> Resource {
    Resource { head, name, of, written }
}

/// Processor time by time: how many threads were busy on average.
pub(crate) fn busy(times: &Times) -> f64 {
    (times.user_ns + times.system_ns) as f64 / times.wall_ns.max(1) as f64
}

fn whole(value: f64) -> String {
    format::count(value.round() as u64)
}

fn joules(microjoules: f64) -> String {
    format!("{}{}J", format::digits(microjoules / 1e6), format::SPACE)
}

/// Strategy × cores at the default partition size: medians of what a sample used. A figure that no sample has is no
/// column; [`unmeasured`] says why.
pub fn used(sweep: &Sweep) -> Table {
    let shown = shown(sweep);
    let present = |resource: &Resource| {
        shown.iter().any(|measured| measured.verified.iter().any(|sample| of_sample(sample, resource.of).is_some()))
    };
    let resources: Vec<&Resource> = RESOURCES.iter().filter(|resource| present(resource)).collect();
    let mut columns = vec!["strategy", "cores"];
    columns.extend(resources.iter().map(|resource| resource.head));
    let row = |measured: &&Measured| {
        let mut entries = vec![Entry::bare(format::count(measured.cell.cores.into()))];
        entries.extend(resources.iter().map(|resource| {
            let value = median(&measured.verified, |sample| of_sample(sample, resource.of));
            Entry::bare(value.map_or_else(|| NONE.into(), resource.written))
        }));
        Row { name: measured.name().to_owned(), remark: String::new(), leads: false, entries }
    };
    Table {
        caption: format!(
            "What a sample used with {}; medians. Busy threads are processor time by time.",
            partitions_of(sweep.task.default_size, &sweep.task.unit)
        ),
        columns,
        rows: shown.iter().map(row).collect(),
    }
}

/// Which figures are missing from [`used`] and why, in sentences.
pub fn unmeasured(run: &Run, sweeps: &[Sweep]) -> Vec<String> {
    let mut sentences: Vec<String> = run
        .unmeasured
        .iter()
        .map(|(name, reason)| {
            let head = RESOURCES.iter().find(|resource| resource.name == name).map_or(name.as_str(), |it| it.head);
            format!("Not measured: {head}. {reason}")
        })
        .collect();
    let samples = || sweeps.iter().flat_map(|sweep| &sweep.cells).flat_map(|measured| &measured.verified);
    let silent: Vec<&str> = RESOURCES
        .iter()
        .filter(|resource| !run.unmeasured.contains_key(resource.name))
        .filter(|resource| samples().next().is_some() && samples().all(|it| of_sample(it, resource.of).is_none()))
        .map(|resource| resource.head)
        .collect();
    if !silent.is_empty() {
        sentences.push(format!("Not measured, and the record does not say why: {}.", silent.join(", ")));
    }
    sentences
}

/// Strategy × cores at the default partition size: the threads that were seen, and the warm-up.
pub fn threads(sweep: &Sweep) -> Table {
    let shown = shown(sweep);
    let counted = shown.iter().any(|measured| !censuses(measured).is_empty());
    let mut columns = vec!["strategy", "cores", "workers asked for"];
    columns.extend(["warm-up ÷ first sample", "first ÷ later samples", "warm-up was"]);
    if counted {
        columns.extend(["threads alive", "running or ready", "threads by name"]);
    } else {
        columns.push("threads at the end");
    }
    let row = |measured: &&Measured| {
        let mut entries = vec![Entry::bare(format::count(measured.cell.cores.into()))];
        entries.push(Entry::bare(format::count(measured.cell.workers.into())));
        let ratio = |ratio: Option<f64>| Entry::bare(ratio.map_or_else(|| NONE.into(), format::digits));
        entries.extend([ratio(warm_up(measured)), ratio(first(measured))]);
        entries.push(Entry::bare(data_quality::warm(data_quality::warm_up(measured))));
        let number = |value: Option<f64>| Entry::bare(value.map_or_else(|| NONE.into(), whole));
        if counted {
            let seen = |of: fn(&Times) -> Option<f64>| number(median(&measured.verified, |it| of_sample(it, of)));
            entries.push(seen(|times| Some(times.census.as_ref()?.alive.into())));
            entries.push(seen(|times| Some(times.census.as_ref()?.runnable.into())));
            entries.push(pools(measured));
        } else {
            entries.push(number(median(&measured.verified, |it| of_sample(it, |times| Some(times.threads.into())))));
        }
        Row { name: measured.name().to_owned(), remark: String::new(), leads: false, entries }
    };
    let census = if counted {
        "Threads as they were seen by looking again and again while a sample ran, the main thread included; by name, the \
         most of any sample, and whether they ran jobs. "
    } else {
        "The record has no census of threads. "
    };
    Table {
        caption: format!(
            "{census}The warm-up is the untimed run before a process’s first sample; a ratio near 1 says that it changed \
             nothing, above 1 that what came before was slower. Medians over processes."
        ),
        columns,
        rows: shown.iter().map(row).collect(),
    }
}

/// The sound cells that charts show at the default partition size, the baseline first.
fn shown<'a, 's>(sweep: &'s Sweep<'a>) -> Vec<&'s Measured<'a>> {
    let cores = sweep.cores();
    let cells = sweep.strategies.iter().flat_map(|(_, strategy)| {
        cores.iter().filter_map(|cores| sweep.sound(&strategy.name, *cores, sweep.task.default_size))
    });
    sweep.baseline.iter().chain(cells).collect()
}

fn of_sample(sample: &Sample, of: fn(&Times) -> Option<f64>) -> Option<f64> {
    sample.times.as_ref().and_then(of)
}

fn median(samples: &[&Sample], of: impl Fn(&Sample) -> Option<f64>) -> Option<f64> {
    statistics::median(&samples.iter().filter_map(|sample| of(sample)).collect::<Vec<_>>())
}

fn wall(sample: &Sample) -> Option<f64> {
    sample.times.as_ref().map(|times| times.wall_ns.max(1) as f64)
}

/// How many times as long the untimed run took as the first sample of the same process.
fn warm_up(measured: &Measured) -> Option<f64> {
    median(&measured.verified, |sample| {
        (sample.index == 0).then_some(())?;
        Some(sample.warm_up_ns? as f64 / wall(sample)?)
    })
}

/// How many times as long the first sample took as the later ones of the same process.
fn first(measured: &Measured) -> Option<f64> {
    median(&measured.verified, |sample| {
        (sample.index == 0).then_some(())?;
        let later = |other: &&&Sample| other.block == sample.block && other.index > 0;
        let later: Vec<f64> = measured.verified.iter().filter(later).filter_map(|other| wall(other)).collect();
        Some(wall(sample)? / statistics::median(&later)?)
    })
}

fn censuses<'a>(measured: &Measured<'a>) -> Vec<&'a Census> {
    measured.verified.iter().filter_map(|sample| sample.times.as_ref()?.census.as_ref()).collect()
}

/// `2 rayon-worker, 1 main (no job)`: every name that was seen, with the most threads it had in any sample.
fn pools(measured: &Measured) -> Entry {
    let mut pools: BTreeMap<&str, Pool> = BTreeMap::new();
    for pool in censuses(measured).into_iter().flat_map(|census| &census.pools) {
        let most = pools.entry(&pool.name).or_default();
        most.threads = most.threads.max(pool.threads);
        most.working = most.working.max(pool.working);
        most.cpu_ns += pool.cpu_ns;
    }
    let mut pools: Vec<(&str, Pool)> = pools.into_iter().collect();
    pools.sort_by_key(|(_, pool)| std::cmp::Reverse(pool.cpu_ns));
    let words = |(name, pool): &(&str, Pool)| {
        let jobs = match pool.working {
            0 => " (no job)".into(),
            working if working < pool.threads => format!(" ({working} with jobs)"),
            _ => String::new(),
        };
        format!("{} {name}{jobs}", pool.threads)
    };
    if pools.is_empty() {
        Entry::bare(NONE)
    } else {
        Entry::bare(pools.iter().map(words).collect::<Vec<_>>().join(", "))
    }
}
