//! What a reader must know before and after believing the figures: the reservations that follow from the data.

use crate::analysis::data_quality;
use crate::analysis::results::{Measured, Sweep};
use crate::view::chart::on;
use crate::view::format;
use record::Record;
use record::Status;
use record::statistics::{BLOCKS_FOR_A_VERDICT, BLOCKS_FOR_AN_INTERVAL, BLOCKS_FOR_MODES, LEVEL, MARGIN, reach};

/// What comes before the figures, because it may make them worthless.
pub fn banners(record: &Record, sweeps: &[Sweep]) -> Vec<String> {
    let machine = &record.run.machine;
    let mut banners: Vec<String> = ending(record).into_iter().collect();
    if record.resumed > 0 {
        let times = if record.resumed == 1 { "once".into() } else { format!("{} times", record.resumed) };
        banners.push(format!(
            "The sweep was interrupted and taken up again {times}; the machine may have been in another state."
        ));
    }
    // Newer records have a check for this, which stands in the alarm.
    if machine.profile != "release" && !record.run.checks.iter().any(|check| check.name == "build") {
        banners.push(format!(
            "The program was built as `{}`, without optimisation: these times say nothing about a release build. \
             Build with --release and measure again.",
            machine.profile
        ));
    }
    if let Some(torn) = &record.torn {
        banners.push(format!("The record’s last line was cut off while it was written, and is left out: {torn}."));
    }
    banners.extend(record.skipped.iter().map(|it| format!("{} was not measured: {}", it.task, it.reason)));
    let failed: usize = sweeps.iter().map(|sweep| sweep.failures.len()).sum();
    if failed > 0 {
        let samples = if failed == 1 { "sample" } else { "samples" };
        banners.push(format!(
            "{} {samples} gave no verified answer. Their cells are in no chart and no comparison; see Failures.",
            format::count(failed as u64)
        ));
    }
    if machine.cores_available < 2 {
        banners.push(
            "Only one core was available: nothing here can run in parallel, so only overhead is measured.".into(),
        );
    }
    if sweeps.iter().map(|sweep| sweep.blocks().most).max() == Some(1) {
        banners.push(
            "Only one block was measured: every cell ran in one process, so there are no intervals and no verdicts."
                .into(),
        );
    }
    for sweep in sweeps.iter().filter(|sweep| sweep.baseline.is_none() && !sweep.cells.is_empty()) {
        banners.push(format!("{} has no sound baseline, so no speed-up can be stated.", sweep.task.name));
    }
    banners
}

fn ending(record: &Record) -> Option<String> {
    match &record.ended {
        _ if record.samples.is_empty() => Some("Nothing was measured: the record has no sample.".into()),
        None => Some("The sweep did not come to an end: this page shows what was measured so far.".into()),
        Some(ended) if ended.interrupted => Some(format!(
            "The sweep was interrupted after {}: cells differ in how often they were measured.",
            blocks(ended.blocks as usize)
        )),
        Some(_) => None,
    }
}

/// How the figures came about.
pub fn reading(record: &Record, sweeps: &[Sweep]) -> Vec<String> {
    let mut sentences = vec![
        "Each cell ran in processes of its own, pinned to its cores, one in each block that it is part of, and the order \
         of the cells in a block was shuffled. Times are medians: first of the samples of each process, then of the \
         processes."
            .into(),
        format!(
            "Intervals aim at {}: so often the true median lies inside, whatever the shape of the noise. They need \
             {BLOCKS_FOR_AN_INTERVAL} blocks. Where processes are of two kinds, quick and slow ones, there is no one \
             true median, and the interval runs from the quickest process to the slowest: what another may show.",
            format::percent(LEVEL)
        ),
        "Speed-up is always against the plain one-thread loop, which has no jobs and no partitions, and is paired: \
         each block compares what it measured itself. Efficiency is speed-up by cores."
            .into(),
        format!(
            "A strategy is called slower than the one with the quickest median only if it is so, block by block, by \
             more than the worst of so many equal strategies shows by chance in {} of sessions, and by {} or more; over at least \
             {BLOCKS_FOR_A_VERDICT} blocks. All others tie. To tie is not to be equal: it is not to be decided by these \
             data.",
            format::percent(1.0 - LEVEL),
            format::percent(MARGIN),
        ),
        "The time of a cell is run plus reduce. Start, the time to bring the workers up, is measured apart. Each \
         phase is a median of its own, so they need not add up."
            .into(),
        "Before its first sample each process ran once untimed. What that changed is shown with the threads, so that \
         it can be seen whether one run was enough."
            .into(),
        "Processor time, memory, switches and counters are those of the measuring process and its worker processes; a \
         database server’s are not in them. A figure that the machine does not give is left out, never zero."
            .into(),
    ];
    if let Some(unequal) = unequal_blocks(record, sweeps) {
        sentences.push(unequal);
    }
    if record.samples.iter().any(|sample| !sample.processors.is_empty()) {
        sentences.push(
            "The processors that a process was allowed were read back from the system and are in the record of each \
             sample."
                .into(),
        );
    }
    sentences
}

/// What the data do not carry: each entry completes "you may not conclude".
pub fn caveats(record: &Record, sweeps: &[Sweep]) -> Vec<String> {
    let machine = &record.run.machine;
    let sweeps: Vec<&Sweep> = sweeps.iter().filter(|sweep| !sweep.cells.is_empty()).collect();
    let any_cell = |holds: fn(&Measured) -> bool| sweeps.iter().any(|sweep| sweep.cells.iter().any(holds));

    let mut caveats: Vec<String> = few_blocks(&sweeps).into_iter().collect();
    caveats.extend(stopped_early(record, &sweeps));
    caveats.extend(two_kinds(&sweeps));
    caveats.extend(cold(&sweeps));
    if let Some(most) = sweeps.iter().filter_map(|sweep| sweep.most_cores()).max() {
        caveats.push(format!("Anything about more than {}: a curve that still rises here may fall there.", on(most)));
        if most > machine.cores_available {
            caveats.push(format!(
                "That {} were really there: the run could use {}, so beyond that, workers took turns.",
                on(most),
                on(machine.cores_available)
            ));
        }
    }
    if any_cell(|measured| measured.cell.workers > measured.cell.cores) {
        caveats.push(
            "That more workers than cores cost nothing elsewhere: some cells had them, and what they gain by waiting \
             together they may lose by switching."
                .into(),
        );
    }
    if any_cell(is_superlinear) {
        caveats.push(
            "That cores alone made it faster: some cells are more times as fast as they have cores, so something else \
             differs from the plain loop too, such as what fits into the caches."
                .into(),
        );
    }
    if record.run.checks.is_empty() {
        caveats.push(
            "That the machine was in order: nothing was checked of it when it measured, or the record is too old to \
             say."
                .into(),
        );
    }
    if sweeps.iter().any(|sweep| sweep.failures.iter().any(|sample| sample.status == Status::Unfair)) {
        caveats.push(
            "Anything about a cell that is called unfair: its answer is right, but it had more than the others had, or \
             left something out. It is listed under Failures and drawn nowhere."
                .into(),
        );
    }
    caveats.push(if machine.cores_available < machine.cores_online {
        format!(
            "That the machine was ours alone: the run could use {} of {}, and whatever ran on the others shared \
             memory and caches.",
            machine.cores_available,
            on(machine.cores_online)
        )
    } else if !record.run.checks.is_empty() {
        "That the machine was quiet all the while: it was looked at before the first sample and after the last one, \
         and not in between. Shuffled blocks spread what disturbed it over all cells; they do not remove it."
            .into()
    } else {
        "That the machine was quiet: other programs, other virtual machines, heat and clock changes are not in the \
         record. Shuffled blocks spread them over all cells; they do not remove them."
            .into()
    });
    caveats.push(format!("Anything about another machine than this {}.", machine.processor));
    caveats.extend(one_input(&sweeps));
    if sweeps.iter().any(|sweep| sweep.sizes().len() > 1) {
        caveats.push(
            "That the best partition size of a strategy is as good as its median: it is the luckiest of several. The \
             verdicts compare at the default size, which was chosen before measuring."
                .into(),
        );
    }
    if sweeps.len() > 1 {
        caveats.push(
            "Which strategy is best over all tasks: tasks are not weighed against each other, and no mean over them \
             is formed."
                .into(),
        );
    }
    caveats
}

fn few_blocks(sweeps: &[&Sweep]) -> Option<String> {
    let fewest = sweeps.iter().map(|sweep| sweep.blocks().fewest).filter(|blocks| *blocks > 0).min()?;
    (reach(fewest) < LEVEL).then(|| {
        format!(
            "That every interval holds the true median: with {}, the fewest of any cell, this lies between the smallest and the largest \
             block’s median in {} of all runs, and an interval can hardly be surer than that.",
            blocks(fewest),
            format::percent(reach(fewest))
        )
    })
}

/// That cells differ in their blocks, and why.
fn unequal_blocks(record: &Record, sweeps: &[Sweep]) -> Option<String> {
    let ranges: Vec<String> = sweeps
        .iter()
        .filter(|sweep| sweep.blocks().fewest < sweep.blocks().most)
        .map(|sweep| format!("{} of {}", sweep.blocks().words(), sweep.task.name))
        .collect();
    let why = if sweeps.iter().any(|sweep| went_on_with_some(record, sweep)) {
        " After so many blocks as a verdict takes, only cells are measured that still want it, because their interval is \
         wide or a comparison is undecided."
    } else {
        ""
    };
    (!ranges.is_empty()).then(|| {
        format!(
            "Cells differ in how many blocks they have: {}. The tables give the number for each.{why}",
            ranges.join(", ")
        )
    })
}

/// Whether only some cells were measured again after the blocks that all have. Records of version 1 have whole blocks, and
/// where their cells differ, somebody interrupted.
fn went_on_with_some(record: &Record, sweep: &Sweep) -> bool {
    let blocks = sweep.blocks();
    record.run.version > 1 && blocks.fewest >= BLOCKS_FOR_A_VERDICT && blocks.fewest < blocks.most
}

/// What it costs to go on only with cells whose interval is wide.
fn stopped_early(record: &Record, sweeps: &[&Sweep]) -> Option<String> {
    sweeps.iter().any(|sweep| went_on_with_some(record, sweep)).then(|| {
        format!(
            "That every interval is as sure as {}: some cells were measured until theirs was narrow, which favours those \
             that are so by luck. Simulated with bell-shaped noise, such intervals hold the true median in 91 to 93 of 100 runs.",
            format::percent(LEVEL)
        )
    })
}

fn two_kinds(sweeps: &[&Sweep]) -> Option<String> {
    let judged = || {
        sweeps
            .iter()
            .flat_map(|sweep| data_quality::compared(sweep))
            .filter(|measured| measured.blocks.len() >= BLOCKS_FOR_MODES)
    };
    let number = judged().filter(|measured| measured.modes.is_some()).count();
    (number > 0).then(|| {
        format!(
            "That there is one true time where processes are of two kinds, quick and slow: {} so, of {} with enough blocks \
             to tell. Where its memory lay when a process started can do that, and so can one disturbance; the \
             interval spans both kinds. By chance up to one cell of twenty looks like that.",
            if number == 1 { "1 cell is".into() } else { format!("{} cells are", format::count(number as u64)) },
            format::count(judged().count() as u64),
        )
    })
}

fn cold(sweeps: &[&Sweep]) -> Option<String> {
    let number: usize = sweeps.iter().map(|sweep| data_quality::cold(sweep).len()).sum();
    (number > 0).then(|| {
        format!(
            "That every process was warm: in {} the first sample is surely slower than the later ones, so one untimed run \
             was too little there and the times are too long. They are named under Threads and warm-up. By chance up to \
             one cell of twenty looks like that.",
            if number == 1 { "1 cell".into() } else { format!("{} cells", format::count(number as u64)) }
        )
    })
}

fn one_input(sweeps: &[&Sweep]) -> Option<String> {
    let input = |sweep: &&Sweep| {
        let options: Vec<String> = sweep.task.options.iter().map(|(name, value)| format!("{name} {value}")).collect();
        let with = if options.is_empty() { "no options".into() } else { options.join(", ") };
        format!("{} ({with})", sweep.task.name)
    };
    let inputs: Vec<String> = sweeps.iter().map(input).collect();
    (!inputs.is_empty()).then(|| {
        format!("Anything about other data: each task had one input and one set of options: {}.", inputs.join("; "))
    })
}

/// Surely more times as fast as there are cores.
fn is_superlinear(measured: &Measured) -> bool {
    let low = measured.speed_up.and_then(|speed_up| speed_up.interval).map(|interval| interval.low);
    measured.is_sound() && low.is_some_and(|low| low > f64::from(measured.cell.cores) * (1.0 + MARGIN))
}

fn blocks(number: usize) -> String {
    if number == 1 { "1 block".into() } else { format!("{number} blocks") }
}
