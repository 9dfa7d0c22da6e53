//! The warnings before the figures, how the figures came about, and what the data do not support.

use crate::analysis::environment::Environment;
use crate::analysis::results::{CellResult, Statement, TaskResults};
use crate::format::{self, cores, percent};
use record::Status;
use record::statistics::{BLOCKS_FOR_A_VERDICT, BLOCKS_FOR_AN_INTERVAL, LEVEL, MARGIN, reach};

/// The data from which banners, caveats and explanations are derived.
pub(crate) struct Facts<'a> {
    pub(crate) environment: &'a Environment,
    /// The tasks of the run.
    pub(crate) tasks: Vec<&'a TaskResults>,
}

impl Facts<'_> {
    /// The tasks that have cells.
    fn measured(&self) -> impl Iterator<Item = &TaskResults> {
        self.tasks.iter().copied().filter(|results| !results.cells.is_empty())
    }

    fn any_cell(&self, holds: fn(&CellResult) -> bool) -> bool {
        self.measured().any(|results| results.cells.iter().any(holds))
    }

    /// Whether later blocks measured only some of the cells. Never true for version 1, whose blocks include all cells:
    /// there, numbers of blocks differ only because the sweep was interrupted.
    fn went_on_with_some(&self) -> bool {
        let some = |results: &&TaskResults| {
            results.blocks.most > BLOCKS_FOR_A_VERDICT && results.blocks.fewest < results.blocks.most
        };
        self.environment.run.version > 1 && self.tasks.iter().any(some)
    }
}

/// Collects statements in order.
struct List(Vec<Statement>);

impl List {
    fn add(&mut self, about: &'static str, sentences: impl IntoIterator<Item = String>) {
        self.0.extend(sentences.into_iter().map(|sentence| Statement::new(about, sentence)));
    }

    fn add_if(&mut self, holds: bool, about: &'static str, sentence: &str) {
        self.add(about, holds.then(|| sentence.to_owned()));
    }
}

/// The warnings before the figures: each may make the figures worthless.
pub(crate) fn banners(facts: &Facts) -> Vec<Statement> {
    let Facts { environment, tasks } = facts;
    let machine = &environment.run.machine;
    let mut list = List(Vec::new());
    list.add("ending", ending(environment));
    // Both are RFC 3339 in UTC, so the order of the texts is that of the moments.
    let began = &environment.run.began;
    let backwards = environment.ended.as_ref().filter(|ended| ended.at < *began);
    list.add("clock", backwards.map(|ended| {
        format!("The record says that the run ended at {} and began at {began}: the clock was set back, or the record was changed.", ended.at)
    }));
    list.add(
        "resumed",
        (environment.resumed > 0).then(|| {
            let times = if environment.resumed == 1 { "once".into() } else { format!("{} times", environment.resumed) };
            format!("The sweep was interrupted and resumed {times}; the machine may have changed in between.")
        }),
    );
    // Newer records have a check for debug builds, whose result is part of the alarm.
    let checked = environment.run.checks.iter().any(|check| check.name == "build");
    list.add("debug_build", (machine.profile != "release" && !checked).then(|| {
        format!(
            "The program was built as `{}`, without optimisation: these times say nothing about a release build. Build with \
             --release and measure again.",
            machine.profile
        )
    }));
    let torn = |torn| format!("The record’s last line was cut off during writing and is left out: {torn}.");
    list.add("torn", environment.torn.as_ref().map(torn));
    let skipped = environment.skipped.iter();
    list.add("skipped", skipped.map(|it| format!("{} was not measured: {}", it.task, it.reason)));
    let forgiven = |it: &&TaskResults| it.failures.iter().filter(|failure| it.is_forgiven(failure)).count();
    let failed = environment.failed - tasks.iter().map(forgiven).sum::<usize>();
    list.add("failed", (failed > 0).then(|| {
        let samples = if failed == 1 { "sample" } else { "samples" };
        let number = format::count(failed as u64);
        format!("{number} {samples} gave no verified answer. Charts and comparisons leave out the cells of these samples; see Failures.")
    }));
    list.add_if(
        machine.cores_available < 2,
        "one_core",
        "Only one core was available: nothing runs in parallel here, so only overhead is measured.",
    );
    list.add_if(
        tasks.iter().map(|results| results.blocks.most).max() == Some(1),
        "one_block",
        "Only one block was measured: each cell ran in one process, so there are no intervals and no verdicts.",
    );
    let without = facts.measured().filter(|results| results.baseline.is_none());
    let no_baseline = |it: &TaskResults| format!("{} has no sound baseline, so it has no speed-ups.", it.task.name);
    list.add("no_baseline", without.map(no_baseline));
    list.0
}

fn ending(environment: &Environment) -> Option<String> {
    match &environment.ended {
        _ if environment.samples == 0 => Some("Nothing was measured: the record has no sample.".into()),
        None => Some("The sweep did not end: this page shows what was measured so far.".into()),
        Some(ended) if ended.interrupted => Some(format!(
            "The sweep was interrupted after {}: some cells were measured more often than others.",
            format::blocks(ended.blocks as usize, ended.blocks as usize)
        )),
        Some(_) => None,
    }
}

/// Explains how the figures came about.
pub(crate) fn reading(facts: &Facts) -> Vec<Statement> {
    let mut list = List(Vec::new());
    list.add_if(
        true,
        "processes",
        "Each cell ran in its own processes, pinned to the cell’s cores: one process in each block that includes the cell. \
         The order of the cells in a block was shuffled. Each time is a median of medians: first over the samples of each \
         process, then over the processes.",
    );
    list.add("intervals", [format!(
        "The target of an interval is to contain the true median in {} of runs, whatever the shape of the noise. An interval \
         needs at least {BLOCKS_FOR_AN_INTERVAL} blocks. If a cell has fast and slow processes, no single true median \
         exists. The interval then runs from the fastest process to the slowest.",
        percent(LEVEL)
    )]);
    list.add_if(
        true,
        "speed_up",
        "Speed-up always compares with the plain one-thread loop, which has no jobs and no partitions. The comparison is \
         paired: both times come from the same block. Efficiency is speed-up divided by cores.",
    );
    list.add("verdicts", [format!(
        "The report calls a strategy slower than the one with the fastest median if two conditions hold over at least \
         {BLOCKS_FOR_A_VERDICT} blocks. First, the block-by-block difference is at least {}. Second, if all \
         strategies were equally fast, the slowest would show such a difference in only {} of sessions. All others tie. A tie does not \
         mean equal: these data do not decide.",
        percent(MARGIN),
        percent(1.0 - LEVEL),
    )]);
    list.add_if(
        true,
        "phases",
        "The time of a cell is run plus reduce. Start, the time to start the workers, is measured separately. Each phase has \
         its own median, so the phases need not add up.",
    );
    list.add_if(
        true,
        "warm_up",
        "Each process ran once untimed before its first sample. The table of threads shows what this run changed and whether \
         it was enough.",
    );
    list.add_if(
        true,
        "resources",
        "Processor time, memory, context switches and counters include the measuring process and its worker processes, but \
         not a database server. A figure that the machine does not provide is left out, never shown as zero.",
    );
    let unequal = facts.tasks.iter().filter(|results| results.blocks.fewest < results.blocks.most);
    let ranges: Vec<String> = unequal
        .map(|results| {
            format!("{} in {}", format::blocks(results.blocks.fewest, results.blocks.most), results.task.name)
        })
        .collect();
    let why = if facts.went_on_with_some() {
        " Cells that decide come first and get most blocks: strategies and core counts at the default size, then partition \
         sizes on all cores. Later blocks measure only cells with a wide interval or an undecided comparison."
    } else {
        ""
    };
    list.add(
        "unequal_blocks",
        (!ranges.is_empty()).then(|| {
            let ranges = ranges.join(", ");
            format!("Cells differ in their number of blocks: {ranges}. The tables give the number for each cell.{why}")
        }),
    );
    list.add_if(
        facts.environment.processors_read_back,
        "processors",
        "Each process checked which cores it was allowed to use. The record stores them with every sample.",
    );
    list.0
}

/// The conclusions that the data do not support; each completes "you may not conclude". `quality` holds further caveats.
pub(crate) fn caveats(facts: &Facts, quality: Vec<Statement>) -> Vec<Statement> {
    let (run, machine) = (&facts.environment.run, &facts.environment.run.machine);
    let mut list = List(Vec::new());
    let fewest = facts.measured().map(|results| results.blocks.fewest).filter(|blocks| *blocks > 0).min();
    list.add(
        "few_blocks",
        fewest.filter(|fewest| reach(*fewest) < LEVEL).map(|fewest| {
            format!(
                "That every interval reaches {0}: some cells have only {1}. {2}",
                percent(LEVEL),
                format::blocks(fewest, fewest),
                if fewest < BLOCKS_FOR_AN_INTERVAL {
                    "They have no interval.".to_owned()
                } else {
                    format!(
                        "The range of the blocks’ medians contains the true median in {} of runs.",
                        percent(reach(fewest))
                    )
                }
            )
        }),
    );
    list.add("stopped_early", facts.went_on_with_some().then(|| {
        format!(
            "That every interval reaches {}: some cells were measured until their interval was narrow, which favours \
             intervals that are narrow by luck. In simulations with bell-shaped noise, such intervals contain the true median in 91 to 93 of 100 runs.",
            percent(LEVEL)
        )
    }));
    list.add("alarm", facts.environment.alarm.as_ref().map(|alarm| {
        let checks = alarm.checks();
        format!(
            "That these are the times of a quiet machine in good order: {} warned. The top of the report has what was seen.",
            if let [only] = checks[..] { format!("the check {only}") } else { format!("the checks {}", format::names(&checks)) }
        )
    }));
    list.0.extend(quality);
    if let Some(most) = facts.measured().filter_map(TaskResults::most_cores).max() {
        let here = format!("Anything about more than {}: a curve that still rises here may fall beyond.", cores(most));
        list.add("more_cores", [here]);
        list.add(
            "shared_cores",
            (most > machine.cores_available).then(|| {
                let (most, real) = (cores(most), cores(machine.cores_available));
                format!("That {most} were really available: the run could use {real}, so further workers took turns.")
            }),
        );
    }
    list.add_if(
        facts.any_cell(|result| result.cell.workers > result.cell.cores),
        "more_workers",
        "That more workers than cores cost nothing: extra workers help where jobs wait, but elsewhere context switches may \
         cost more than they gain.",
    );
    list.add_if(
        facts.any_cell(is_superlinear),
        "superlinear",
        "That cores alone explain the speed-up: some speed-ups exceed the number of cores. Something else must differ from \
         the plain loop too, such as how much data fits into the caches.",
    );
    list.add_if(
        run.checks.is_empty(),
        "not_checked",
        "That the machine was in order: it was not checked, or the record is too old to say.",
    );
    let unfair = |results: &TaskResults| {
        results.failures.iter().any(|failure| failure.status == Status::Unfair && !results.is_forgiven(failure))
    };
    list.add_if(
        facts.measured().any(unfair),
        "unfair",
        "Anything about an unfair cell: its answer is right, but the strategy used more than others may, or left something \
         out. Unfair cells are listed under Failures and appear in no chart.",
    );
    list.add("background_load", [if machine.cores_available < machine.cores_online {
        format!(
            "That the machine had no other load: the run could use {} of {}, and programs on the other cores shared its \
             memory and caches.",
            machine.cores_available,
            cores(machine.cores_online)
        )
    } else if run.checks.is_empty() {
        "That the machine had no other load: other programs, other virtual machines, heat and clock changes are not in the \
         record. Shuffled blocks spread these disturbances over all cells but do not remove them."
            .into()
    } else {
        "That the machine had no other load throughout: checks ran before the first sample and after the last one, not in \
         between. Shuffled blocks spread a disturbance over all cells but do not remove it."
            .into()
    }]);
    list.add("other_machines", [format!("Anything about a machine other than this {}.", machine.processor)]);
    let input = |results: &TaskResults| {
        let options: Vec<String> = results.task.options.iter().map(|(name, value)| format!("{name} {value}")).collect();
        let with = if options.is_empty() { "no options".into() } else { options.join(", ") };
        format!("{} ({with})", results.task.name)
    };
    let inputs: Vec<String> = facts.measured().map(input).collect();
    list.add(
        "other_data",
        (!inputs.is_empty()).then(|| {
            format!("Anything about other data. Each task had one input and one set of options: {}.", inputs.join("; "))
        }),
    );
    list.add_if(
        facts.measured().any(|results| results.sizes.len() > 1),
        "best_sizes",
        "That a strategy’s best partition size is as fast as shown: the best of several noisy medians is partly luck. The \
         verdicts compare at one size, which was chosen before measuring.",
    );
    list.add_if(
        facts.measured().count() > 1,
        "all_tasks",
        "Which strategy is best over all tasks: the report neither weighs tasks against each other nor averages over them.",
    );
    list.0
}

/// Whether the speed-up's whole interval exceeds the number of cores by more than [`MARGIN`].
fn is_superlinear(result: &CellResult) -> bool {
    let low = result.speed_up.and_then(|speed_up| speed_up.interval).map(|interval| interval.low);
    result.sound && low.is_some_and(|low| low > f64::from(result.cell.cores) * (1.0 + MARGIN))
}
