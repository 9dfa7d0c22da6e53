//! The tables of results: strategies, cells, failures, outliers.

use crate::analysis::data_quality::Outlier;
use crate::analysis::results::{Account, BlockRange, CLOSE, CellResult, TaskResults};
use crate::analysis::{Analysis, TaskAnalysis};
use crate::format::{self, NONE};
use crate::view::table::{Entry, Row, Table};
use record::statistics::{BLOCKS_FOR_A_VERDICT, Modes};
use record::{Cell, Fault, Sample, Status};
use std::collections::BTreeSet;

const STRATEGIES: [&str; 9] =
    ["strategy", "median time", "speed-up", "efficiency", "start", "run", "reduce", "best partition size", "samples"];

/// One row for each strategy, in the run's order: results on the most cores at the default partition size.
pub fn strategies(results: &TaskResults) -> Table {
    let size = results.task.default_size;
    let mut rows = Vec::new();
    if let Some(baseline) = &results.baseline {
        let mut entries = figures(baseline);
        entries[1] = Entry::new("1×", "by definition");
        entries.extend([Entry::bare("no partitions"), samples(baseline)]);
        rows.push(Row { name: "plain loop".into(), remark: "baseline".into(), leads: false, entries });
    }
    let cores = results.most_cores().unwrap_or(0);
    let leaders = results.leaders();
    for strategy in &results.strategies {
        let name = &strategy.name;
        // A strategy without parallel jobs is measured on fewer cores only.
        let cell = results.cores.iter().rev().find_map(|cores| results.at(name, *cores, size));
        let cores = cell.map_or(cores, |result| result.cell.cores);
        let mut entries = cell.filter(|cell| cell.sound).map_or_else(|| vec![Entry::none(); 6], figures);
        entries.push(best_size(results, name, cores));
        entries.push(cell.map_or_else(|| Entry::bare("not measured"), samples));
        let leads = leaders.contains(&name.as_str());
        let elsewhere = Some(cores).filter(|cores| Some(*cores) != results.most_cores());
        let remark =
            elsewhere.map_or_else(|| place(&results.places, name), |cores| format!("on {}", format::cores(cores)));
        rows.push(Row { name: name.clone(), remark, leads, entries });
    }
    // Each sentence is about something that this table shows.
    let mut caption = format!(
        "On {} with {}, in the catalogue’s order.",
        format::cores(cores),
        format::partitions(size, &results.task.unit)
    );
    if results.places.len() > 1 {
        caption += " Place 2 holds the fastest of the remaining strategies and all that tie with it, and so on.";
    }
    let shown = || results.strategies.iter().filter_map(|it| results.sound(&it.name, cores, size));
    if results.baseline.iter().chain(shown()).any(|it| it.time.is_some_and(|time| time.interval.is_some())) {
        caption += " Below each median and speed-up is its interval.";
    }
    if results.sizes.len() > 1 {
        caption += &format!(
            " The line under each best partition size lists all sizes whose median is at most {} above the best.",
            format::percent(CLOSE)
        );
    }
    if results.baseline.is_some() {
        caption += " A speed-up is the median of the blocks’ ratios, not the ratio of two medians.";
    }
    Table { caption, columns: STRATEGIES.to_vec(), rows }
}

/// The columns of [`strategies`] that fit a terminal: time, speed-up, efficiency, best size, samples.
pub fn summary(results: &TaskResults) -> Table {
    let mut table = strategies(results);
    table.columns.drain(4..7);
    for row in &mut table.rows {
        row.entries.drain(3..6);
    }
    table
}

/// The heads, then one row for each strategy: name, place, median time, speed-up with its interval. A strategy without a
/// time has the number of failed samples instead.
pub fn short(results: &TaskResults) -> Vec<Vec<String>> {
    let heads = ["", "", "median", "speed-up"].map(str::to_owned).to_vec();
    let row = |row: Row| {
        let value = |nth: usize| row.entries.get(nth).map(|entry| entry.value.clone()).unwrap_or_default();
        // The baseline has a note, but no interval.
        let interval = row.entries.get(1).filter(|entry| entry.note.contains('–')).map(|entry| entry.note.clone());
        let speed_up =
            if value(0) == NONE { value(4) } else { format::sentence((value(1), interval.unwrap_or_default())) };
        vec![row.name.clone(), row.remark.clone(), value(0), speed_up]
    };
    [heads].into_iter().chain(summary(results).rows.into_iter().map(row)).collect()
}

/// One row for each cell of the sweep.
pub fn cells(results: &TaskResults) -> Table {
    // Workers, delivery and combine get a column only if they vary.
    let several =
        |of: fn(&Cell) -> &String| results.cells.iter().map(|it| of(&it.cell)).collect::<BTreeSet<_>>().len() > 1;
    let workers = results.cells.iter().any(|result| result.cell.workers != result.cell.cores);
    let delivery = several(|cell| &cell.delivery);
    let combine = several(|cell| &cell.combine);

    let mut columns = vec!["strategy", "cores"];
    columns.extend(workers.then_some("workers"));
    columns.push("partition size");
    columns.extend(delivery.then_some("delivery"));
    columns.extend(combine.then_some("combine"));
    columns.extend(["median time", "speed-up", "efficiency", "start", "run", "reduce"]);
    columns.extend(["first result", "busy threads", "peak memory", "samples"]);

    let row = |result: &CellResult| {
        let cell = &result.cell;
        let mut entries = vec![Entry::bare(format::count(cell.cores.into()))];
        entries.extend(workers.then(|| Entry::bare(format::count(cell.workers.into()))));
        entries.push(Entry::bare(format::count(cell.size)));
        entries.extend(delivery.then(|| Entry::bare(&cell.delivery)));
        entries.extend(combine.then(|| Entry::bare(&cell.combine)));
        match result.account.filter(|_| result.sound) {
            Some(account) => {
                entries.extend(figures(result));
                entries.push(Entry::bare(format::time(account.first_result_ns)));
                entries.push(Entry::bare(format::digits(account.busy)));
                entries.push(Entry::bare(format::memory(account.peak_memory_bytes)));
            }
            None => entries.extend(vec![Entry::none(); 9]),
        }
        entries.push(samples(result));
        let remark = match result.modes {
            _ if !result.sound => "no time",
            Some(_) => "two kinds",
            None if result.unfair_block.is_some() => "one unfair try",
            None => "",
        };
        Row { name: cell.strategy.clone(), remark: remark.into(), leads: false, entries }
    };
    Table {
        caption: format!(
            "All {} cells of {}. Each cell with a valid time has {}.",
            format::count(results.cells.len() as u64),
            results.task.name,
            format::blocks(results.blocks.fewest, results.blocks.most)
        ),
        columns,
        rows: results.cells.iter().map(row).collect(),
    }
}

/// The name of a strategy's place. Strategies that tie share a place.
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

/// Every sample that is not verified. Samples that differ only in block and index share a row.
pub fn failures(analysis: &Analysis) -> Table {
    let mut groups: Vec<(&Sample, Vec<String>)> = Vec::new();
    for failure in analysis.tasks.iter().flat_map(|task| &task.results.failures) {
        let place = format!("{}.{}", failure.block, failure.index);
        let facts = |it: &'_ Sample| (it.cell.clone(), it.status, it.fault, it.reason.clone());
        let alike = |other: &Sample| facts(other) == facts(failure);
        match groups.iter_mut().find(|(first, _)| alike(first)) {
            Some((_, places)) => places.push(place),
            None => groups.push((failure, vec![place])),
        }
    }
    let row = |(failure, places): (&Sample, Vec<String>)| {
        let cell = &failure.cell;
        let status = outcome(failure.status);
        let fault = failure.fault.map(Fault::words).filter(|fault| *fault != status);
        Row {
            name: cell.strategy.clone(),
            entries: vec![
                Entry::bare(&cell.task),
                Entry::new(status, fault.unwrap_or_default()),
                Entry::new(&failure.reason, second_try(analysis, failure)),
                Entry::new(format::count(cell.cores.into()), other_workers(cell)),
                Entry::bare(format::count(cell.size)),
                Entry::new(&cell.delivery, &cell.combine),
                Entry::bare(places.join(", ")),
            ],
            ..Row::default()
        }
    };
    Table {
        caption: "Samples without a verified answer. No figure on this page includes them.".into(),
        columns: vec!["strategy", "task", "outcome", "reason", "cores", "partition size", "delivery", "block.sample"],
        rows: groups.into_iter().map(row).collect(),
    }
}

/// The outcome of the other tries of a cell that was unfair for a reason that load can cause.
fn second_try(analysis: &Analysis, failure: &Sample) -> &'static str {
    let Some(task) = analysis.tasks.iter().find(|task| task.results.failures.contains(failure)) else { return "" };
    let same_cell = || task.results.failures.iter().filter(|other| other.cell == failure.cell);
    if task.results.is_forgiven(failure) {
        "fair in every other block, so the cell keeps its other samples"
    } else if !same_cell().all(Sample::is_doubtful) {
        ""
    } else if same_cell().any(|other| other.block != failure.block) {
        "unfair again in another block, so the cell is left out"
    } else {
        "the sweep ended before a second try, so the cell is left out"
    }
}

/// Every sample that is far from the others of its cell, the farthest first.
pub fn outliers(task: &TaskAnalysis) -> Table {
    let row = |outlier: &Outlier| {
        let cell = &outlier.cell;
        let size = match cell.size {
            0 => Entry::bare("no partitions"),
            size if task.results.is_usual(cell) => Entry::bare(format::count(size)),
            size => Entry::new(format::count(size), format!("{}, {}", cell.delivery, cell.combine)),
        };
        Row {
            name: format::strategy(&cell.strategy).to_owned(),
            entries: vec![
                Entry::new(format::count(cell.cores.into()), other_workers(cell)),
                size,
                Entry::bare(format!("{}.{}", outlier.block, outlier.sample)),
                Entry::bare(format::time(outlier.ns)),
                Entry::bare(format::digits(outlier.factor)),
            ],
            ..Row::default()
        }
    };
    Table {
        caption:
            "Samples farther from the median sample of their cell than the cell’s noise explains, the farthest first. Every \
             figure on this page includes these samples."
                .into(),
        columns: vec!["strategy", "cores", "partition size", "block.sample", "time", "times the median"],
        rows: task.data_quality.outliers.iter().map(row).collect(),
    }
}

/// The number of workers if it differs from the number of cores.
fn other_workers(cell: &Cell) -> String {
    if cell.workers == cell.cores { String::new() } else { format!("{} workers", cell.workers) }
}

/// The outcome of a sample in one or two words.
fn outcome(status: Status) -> &'static str {
    match status {
        Status::Verified => "verified",
        Status::Wrong => "wrong answer",
        Status::Failed => "failed",
        Status::Unfair => "unfair",
        Status::Crashed => "crashed",
        Status::Hung => "hung",
    }
}

/// The entries for median time, speed-up, efficiency, start, run and reduce.
fn figures(result: &CellResult) -> Vec<Entry> {
    let doubt = result.modes.map(kinds).unwrap_or_default();
    let phase = |of: fn(&Account) -> f64| {
        result.account.as_ref().map_or_else(Entry::none, |account| Entry::bare(format::time(of(account))))
    };
    vec![
        Entry { doubt, ..Entry::maybe(result.time.map(format::time_estimate)) },
        Entry::maybe(result.speed_up.map(format::speed_up)),
        result.efficiency.map_or_else(Entry::none, |efficiency| Entry::bare(format::percent(efficiency))),
        phase(|account| account.start_ns),
        phase(|account| account.run_ns),
        phase(|account| account.reduce_ns),
    ]
}

/// `two kinds of processes: 30.0 ms in 6, 50.0 ms in 4`.
fn kinds(Modes { quick, slow }: Modes) -> String {
    let [quick, slow] = [quick, slow].map(|mode| format!("{} in {}", format::time(mode.ns), mode.processes));
    format!("two kinds of processes: {quick}, {slow}")
}

/// The size with the smallest median, and the sizes close to it. If many are close, the smallest median is luck.
fn best_size(results: &TaskResults, strategy: &str, cores: u32) -> Entry {
    let Some(best) = results.best_size(strategy, cores) else {
        return Entry::none();
    };
    let sizes = &results.sizes;
    let measured: Vec<&CellResult> = sizes.iter().filter_map(|size| results.sound(strategy, cores, *size)).collect();
    let note = if measured.len() < sizes.len() {
        format!("of {} of {} sizes so far", measured.len(), sizes.len())
    } else if BlockRange::of(measured.into_iter()).fewest < BLOCKS_FOR_A_VERDICT {
        "so far".into()
    } else if sizes.len() == 1 {
        "the only one measured".into()
    } else if best.close.len() > 1 {
        format!("close: {}", format::sizes(&best.close, sizes))
    } else {
        "no other is close".into()
    };
    Entry::new(format::count(best.size), note)
}

/// `10` in `5 blocks` or, if samples failed, their number.
fn samples(result: &CellResult) -> Entry {
    if result.failures > 0 {
        let all = result.samples + result.failures;
        return Entry::new(format!("{} of {all} failed", result.failures), "left out");
    }
    let blocks = result.blocks.len();
    let unfair = if result.unfair_block.is_some() { ", 1 unfair" } else { "" };
    Entry::new(result.samples.to_string(), format!("{}{unfair}", format::blocks(blocks, blocks)))
}
