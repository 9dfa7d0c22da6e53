//! What makes a cell doubtful though all its answers are right: processes of two kinds, samples far from the others, a
//! warm-up that was too short.

use crate::analysis::results::{Measured, Sweep};
use crate::view::chart::on;
use crate::view::format;
use crate::view::table::{Entry, Row, Table};
use record::statistics::{self, BLOCKS_FOR_A_VERDICT, Modes, Outlier, Process, WarmUp};
use std::collections::BTreeMap;

/// `two kinds of processes: 30.0 ms in 6, 50.0 ms in 4`.
pub(crate) fn kinds(Modes { quick, slow }: Modes) -> String {
    let time = format::time;
    format!(
        "two kinds of processes: {} in {}, {} in {}",
        time(quick.ns),
        quick.processes,
        time(slow.ns),
        slow.processes
    )
}

/// Every sample that is far from the others of its cell, the farthest first. They are in every figure all the same.
pub fn outliers(sweep: &Sweep) -> Table {
    let mut found: Vec<(&Measured, Outlier)> = compared(sweep)
        .flat_map(|measured| statistics::outliers(&measured.blocks).into_iter().map(move |outlier| (measured, outlier)))
        .collect();
    let distance = |outlier: &Outlier| outlier.factor.ln().abs();
    found.sort_by(|(_, one), (_, other)| distance(other).total_cmp(&distance(one)));
    let row = |(measured, outlier): &(&Measured, Outlier)| {
        let cell = measured.cell;
        let workers = if cell.workers == cell.cores { String::new() } else { format!("{} workers", cell.workers) };
        let (size, way) = match cell.size {
            0 => ("no partitions".into(), String::new()),
            size if Some((cell.delivery.as_str(), cell.combine.as_str())) == sweep.ways => {
                (format::count(size), String::new())
            }
            size => (format::count(size), format!("{}, {}", cell.delivery, cell.combine)),
        };
        // A sample is found again by its place in the record, which may have gaps.
        let index = measured.verified.iter().filter(|it| it.block == outlier.block).nth(outlier.index);
        Row {
            name: measured.name().to_owned(),
            remark: String::new(),
            leads: false,
            entries: vec![
                Entry::new(format::count(cell.cores.into()), workers),
                Entry::new(size, way),
                Entry::bare(format!("{}.{}", outlier.block, index.map_or(0, |sample| sample.index))),
                Entry::bare(format::time(outlier.ns)),
                Entry::bare(format::digits(outlier.factor)),
            ],
        }
    };
    Table {
        caption:
            "Samples further from their cell’s median sample than its own noise explains, the farthest first. They \
                  are shown and never dropped: every figure on this page counts them."
                .into(),
        columns: vec!["strategy", "cores", "partition size", "block.sample", "time", "times the median"],
        rows: found.iter().map(row).collect(),
    }
}

/// What a cell's processes say about warming up.
pub(crate) fn warm_up(measured: &Measured) -> WarmUp {
    let mut processes: BTreeMap<u32, (Option<f64>, Vec<f64>)> = BTreeMap::new();
    for sample in &measured.verified {
        let Some(times) = &sample.times else { continue };
        let (untimed, timed) = processes.entry(sample.block).or_default();
        *untimed = untimed.or(sample.warm_up_ns.map(|ns| ns.max(1) as f64));
        timed.push(times.wall_ns.max(1) as f64);
    }
    let processes: Vec<Process> =
        processes.values().map(|(untimed, timed)| Process { untimed: *untimed, timed }).collect();
    statistics::warm_up(&processes)
}

/// [`warm_up`] in a word or two.
pub(crate) fn warm(verdict: WarmUp) -> &'static str {
    match verdict {
        WarmUp::Unknown => "not known",
        WarmUp::Enough { .. } => "enough",
        WarmUp::TooLittle { .. } => "too little",
    }
}

/// The cells whose first sample is surely slower than the later ones of its process, and by how much.
pub(crate) fn cold<'s, 'a>(sweep: &'s Sweep<'a>) -> Vec<(&'s Measured<'a>, f64)> {
    let factor = |measured: &Measured| match warm_up(measured) {
        WarmUp::TooLittle { first, .. } => Some(first),
        _ => None,
    };
    compared(sweep).filter_map(|measured| Some((measured, factor(measured)?))).collect()
}

/// Whether one untimed run was enough, over all cells of the task, in sentences.
pub fn warmed(sweep: &Sweep) -> Vec<String> {
    let verdicts: Vec<WarmUp> = compared(sweep).map(warm_up).collect();
    let count = |holds: fn(&WarmUp) -> bool| verdicts.iter().filter(|verdict| holds(verdict)).count();
    let enough = count(|verdict| matches!(verdict, WarmUp::Enough { .. }));
    let unknown = count(|verdict| *verdict == WarmUp::Unknown);
    let cold = cold(sweep);
    let mut sentences = Vec::new();
    if !cold.is_empty() {
        let named: Vec<String> =
            cold.iter().map(|(measured, first)| format!("{}, {}×", place(measured), format::digits(*first))).collect();
        sentences.push(format!(
            "One untimed run was too little for {}: there the first sample is surely slower than the later ones of its \
             process, and medians over all samples are too long. How many times as long the first one took: {}.",
            cells(cold.len()),
            named.join("; ")
        ));
    }
    if enough > 0 {
        sentences.push(format!(
            "One untimed run was enough for {}: no first sample is surely slower than the later ones.",
            cells(enough)
        ));
    }
    if unknown > 0 {
        sentences.push(format!(
            "Whether it was enough is not known for {}: that takes {BLOCKS_FOR_A_VERDICT} processes with two samples or \
             more.",
            cells(unknown)
        ));
    }
    sentences
}

/// Every cell whose times are compared, the baseline first.
pub(crate) fn compared<'s, 'a>(sweep: &'s Sweep<'a>) -> impl Iterator<Item = &'s Measured<'a>> {
    sweep.baseline.iter().chain(sweep.cells.iter().filter(|measured| measured.is_sound()))
}

/// `rayon on 2 cores with 1 000`.
fn place(measured: &Measured) -> String {
    let cell = measured.cell;
    let with = if cell.size == 0 { String::new() } else { format!(" with {}", format::count(cell.size)) };
    format!("{} on {}{with}", measured.name(), on(cell.cores))
}

fn cells(number: usize) -> String {
    if number == 1 { "1 cell".into() } else { format!("{} cells", format::count(number as u64)) }
}
