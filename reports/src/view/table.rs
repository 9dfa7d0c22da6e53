//! Tables as plain data, for the page and for the terminal.

use crate::analysis::conclusions::{Finding, spelled};
use crate::analysis::data_quality;
use crate::analysis::results::{CLOSE, Measured, Range, Sweep};
use crate::view::chart::{on, partitions_of};
use crate::view::format::{self, NONE};
use record::statistics::BLOCKS_FOR_A_VERDICT;
use record::{Fault, Sample, Status};
use std::collections::BTreeSet;

/// A table: what it shows, the heads of its columns, its rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// What it shows, in a sentence.
    pub caption: String,
    /// The columns' heads; the first is that of [`Row::name`].
    pub columns: Vec<&'static str>,
    /// The rows.
    pub rows: Vec<Row>,
}

/// A row of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// What the row is about.
    pub name: String,
    /// A remark beside the name, such as `fastest`; may be empty.
    pub remark: String,
    /// Whether the row belongs to those that lead.
    pub leads: bool,
    /// The other columns.
    pub entries: Vec<Entry>,
}

/// What stands in one column of one row.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Entry {
    /// The value.
    pub value: String,
    /// What qualifies it: the interval, or where it holds; may be empty.
    pub note: String,
    /// Why it is not the one value it seems to be; may be empty.
    pub doubt: String,
}

impl Entry {
    pub(crate) fn new(value: impl Into<String>, note: impl Into<String>) -> Self {
        Self { value: value.into(), note: note.into(), doubt: String::new() }
    }

    pub(crate) fn bare(value: impl Into<String>) -> Self {
        Self::new(value, "")
    }

    fn none() -> Self {
        Self::bare(NONE)
    }

    fn maybe(pair: Option<(String, String)>) -> Self {
        pair.map_or_else(Self::none, |(value, note)| Self::new(value, note))
    }
}

const STRATEGIES: [&str; 9] =
    ["strategy", "median time", "speed-up", "efficiency", "start", "run", "reduce", "best partition size", "samples"];

/// One row for each strategy, in the run's order: what it takes on the most cores at the default partition size.
pub fn strategies(sweep: &Sweep, finding: &Finding) -> Table {
    let size = sweep.task.default_size;
    let mut rows = Vec::new();
    if let Some(baseline) = &sweep.baseline {
        let mut entries = figures_of(baseline);
        entries.insert(1, Entry::new("1×", "by definition"));
        entries.insert(2, Entry::none());
        entries.push(Entry::bare("no partitions"));
        entries.push(samples(baseline));
        rows.push(Row { name: "plain loop".into(), remark: "baseline".into(), leads: false, entries });
    }
    let cores = sweep.most_cores().unwrap_or(0);
    for (_, strategy) in &sweep.strategies {
        let name = &strategy.name;
        let remark = place(&finding.places, name);
        let entries = match sweep.at(name, cores, size) {
            Some(measured) if measured.is_sound() => {
                let mut entries = figures_of(measured);
                entries.insert(1, Entry::maybe(measured.speed_up.map(format::speed_up)));
                entries.insert(2, efficiency(measured));
                entries.push(best_size(sweep, name, cores));
                entries.push(samples(measured));
                entries
            }
            other => {
                let mut entries = vec![Entry::none(); STRATEGIES.len() - 2];
                entries[6] = best_size(sweep, name, cores);
                entries.push(other.map_or_else(|| Entry::bare("not measured"), samples));
                entries
            }
        };
        rows.push(Row { name: name.clone(), remark, leads: finding.leaders().contains(name), entries });
    }
    Table {
        caption: format!(
            "On {} with {}, in the catalogue’s order.{} Under a median or a speed-up: its interval. Under a best partition \
             size: all that come within {} of its median. A speed-up is the median over blocks of a \
             block’s ratio, not the quotient of two medians.",
            on(cores),
            partitions_of(size, &sweep.task.unit),
            if finding.places.len() > 1 {
                " A place is shared by all that cannot be told from the quickest of those not placed yet."
            } else {
                ""
            },
            format::percent(CLOSE),
        ),
        columns: STRATEGIES.to_vec(),
        rows,
    }
}

/// One row for each cell of the sweep.
pub fn cells(sweep: &Sweep) -> Table {
    // Only what varies is worth a column.
    let several = |of: fn(&Measured) -> String| sweep.cells.iter().map(of).collect::<BTreeSet<_>>().len() > 1;
    let workers = sweep.cells.iter().any(|measured| measured.cell.workers != measured.cell.cores);
    let delivery = several(|measured| measured.cell.delivery.clone());
    let combine = several(|measured| measured.cell.combine.clone());

    let mut columns = vec!["strategy", "cores"];
    columns.extend(workers.then_some("workers"));
    columns.push("partition size");
    columns.extend(delivery.then_some("delivery"));
    columns.extend(combine.then_some("combine"));
    columns.extend(["median time", "speed-up", "efficiency", "start", "run", "reduce"]);
    columns.extend(["first result", "busy threads", "peak memory", "samples"]);

    let row = |measured: &Measured| {
        let cell = measured.cell;
        let mut entries = vec![Entry::bare(format::count(cell.cores.into()))];
        entries.extend(workers.then(|| Entry::bare(format::count(cell.workers.into()))));
        entries.push(Entry::bare(format::count(cell.size)));
        entries.extend(delivery.then(|| Entry::bare(&cell.delivery)));
        entries.extend(combine.then(|| Entry::bare(&cell.combine)));
        if measured.is_sound() {
            let mut figures = figures_of(measured);
            figures.insert(1, Entry::maybe(measured.speed_up.map(format::speed_up)));
            figures.insert(2, efficiency(measured));
            entries.extend(figures);
            entries.extend(measured.account.iter().flat_map(|account| {
                [
                    Entry::bare(format::time(account.first_result_ns)),
                    Entry::bare(format::digits(account.busy)),
                    Entry::bare(format::memory(account.peak_memory_bytes)),
                ]
            }));
        } else {
            entries.extend(vec![Entry::none(); 9]);
        }
        entries.push(samples(measured));
        Row { name: cell.strategy.clone(), remark: flag(measured).into(), leads: false, entries }
    };
    Table {
        caption: format!(
            "Every cell of {}, {} in all. Those that have a time have {}.",
            sweep.task.name,
            format::count(sweep.cells.len() as u64),
            sweep.blocks().words()
        ),
        columns,
        rows: sweep.cells.iter().map(row).collect(),
    }
}

/// What a reader must know of a cell before its figures, beside its name; empty if there is nothing.
fn flag(measured: &Measured) -> &'static str {
    match measured.modes {
        _ if !measured.is_sound() => "no time",
        Some(_) => "two kinds",
        None => "",
    }
}

/// What a strategy's place is called; those who tie share it.
fn place(places: &[Vec<String>], name: &str) -> String {
    let Some(nth) = places.iter().position(|tied| tied.iter().any(|other| other == name)) else {
        return String::new();
    };
    match (nth, places[nth].len()) {
        (0, 1) => "fastest".into(),
        (0, _) => "tied fastest".into(),
        (_, 1) => format!("place {}", nth + 1),
        _ => format!("tied in place {}", nth + 1),
    }
}

/// Every sample that is not verified; those that differ in nothing but their block share a row.
pub fn failures(sweeps: &[Sweep]) -> Table {
    let mut groups: Vec<(&Sample, Vec<String>)> = Vec::new();
    for sample in sweeps.iter().flat_map(|sweep| &sweep.failures) {
        let place = format!("{}.{}", sample.block, sample.index);
        let alike = |other: &Sample| {
            (&other.cell, other.status, other.fault, &other.reason)
                == (&sample.cell, sample.status, sample.fault, &sample.reason)
        };
        match groups.iter_mut().find(|(first, _)| alike(first)) {
            Some((_, places)) => places.push(place),
            None => groups.push((sample, vec![place])),
        }
    }
    let row = |(sample, places): (&Sample, Vec<String>)| {
        let cell = &sample.cell;
        Row {
            name: cell.strategy.clone(),
            remark: String::new(),
            leads: false,
            entries: vec![
                Entry::bare(&cell.task),
                Entry::new(
                    outcome(sample.status),
                    sample.fault.map(Fault::words).filter(|fault| *fault != outcome(sample.status)).unwrap_or_default(),
                ),
                Entry::bare(&sample.reason),
                Entry::new(
                    format::count(cell.cores.into()),
                    if cell.workers == cell.cores { String::new() } else { format!("{} workers", cell.workers) },
                ),
                Entry::bare(format::count(cell.size)),
                Entry::new(&cell.delivery, &cell.combine),
                Entry::bare(places.join(", ")),
            ],
        }
    };
    Table {
        caption: "Samples that gave no verified answer. None of them is a time anywhere on this page.".into(),
        columns: vec!["strategy", "task", "outcome", "reason", "cores", "partition size", "delivery", "block.sample"],
        rows: groups.into_iter().map(row).collect(),
    }
}

/// How a sample came out, in a word.
pub fn outcome(status: Status) -> &'static str {
    match status {
        Status::Verified => "verified",
        Status::Wrong => "wrong answer",
        Status::Failed => "failed",
        Status::Unfair => "unfair",
        Status::Crashed => "crashed",
        Status::Hung => "hung",
    }
}

/// Median time, start, run, reduce.
fn figures_of(measured: &Measured) -> Vec<Entry> {
    let doubt = measured.modes.map(data_quality::kinds).unwrap_or_default();
    let mut entries = vec![Entry { doubt, ..Entry::maybe(measured.time.map(format::time_estimate)) }];
    match measured.account {
        Some(account) => entries.extend(
            [account.start_ns, account.run_ns, account.reduce_ns].map(|phase| Entry::bare(format::time(phase))),
        ),
        None => entries.extend(vec![Entry::none(); 3]),
    }
    entries
}

fn efficiency(measured: &Measured) -> Entry {
    measured.speed_up.map_or_else(Entry::none, |speed_up| {
        Entry::bare(format::percent(speed_up.value / f64::from(measured.cell.cores.max(1))))
    })
}

/// The size with the smallest median, and those that are close to it: where these are many, the first is luck.
fn best_size(sweep: &Sweep, strategy: &str, cores: u32) -> Entry {
    let Some((best, _)) = sweep.best_size(strategy, cores) else {
        return Entry::none();
    };
    let close = sweep.close_sizes(&[strategy], cores);
    let sizes = sweep.sizes();
    let measured = || sizes.iter().filter_map(|size| sweep.sound(strategy, cores, *size));
    let note = if measured().count() < sizes.len() {
        format!("of {} of {} sizes so far", measured().count(), sizes.len())
    } else if Range::of(measured()).fewest < BLOCKS_FOR_A_VERDICT {
        "so far".into()
    } else if close.len() > 1 {
        format!("close: {}", spelled(&close, &sweep.sizes()))
    } else {
        "no other is close".into()
    };
    Entry::new(format::count(best), note)
}

/// `10` in `5 blocks`; or, if some failed, how many.
fn samples(measured: &Measured) -> Entry {
    if measured.failures > 0 {
        let all = measured.samples + measured.failures;
        return Entry::new(format!("{} of {all} failed", measured.failures), "left out");
    }
    let blocks = measured.blocks.len();
    Entry::new(measured.samples.to_string(), Range { fewest: blocks, most: blocks }.words())
}
