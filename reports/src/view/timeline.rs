//! What the timelines of workers and the charts of delivery show.

use crate::analysis::TaskAnalysis;
use crate::analysis::timeline::{DeliveryTimes, Timeline, WorkerLane};
use crate::format;
use crate::view::chart::{even_ticks, labelled};
use crate::view::lanes::{Block, ChartLane, Curve, LaneChart, Phase, StepChart};
use crate::view::table::{Entry, Row, Table};
use record::{Lane, Span, lane};

/// The most blocks of the timeline that is open, and of each other one.
const MOST_BLOCKS: usize = 600;
const MOST_FOLDED: usize = 200;

/// The most workers with a row of their own in a table.
const MOST_ROWS: usize = 8;

/// The largest share of the width for the start of the workers. It comes before the run and may take far longer.
const MOST_START: f64 = 0.12;

/// The timelines of a task, that of a leading strategy first.
pub fn timelines(task: &TaskAnalysis) -> Vec<LaneChart> {
    let all = &task.timelines.timelines;
    let leaders = task.results.leaders();
    let is_leader = |timeline: &&Timeline| leaders.contains(&timeline.cell.strategy.as_str());
    // Of the leaders, the one that the deliveries show. Without leaders, that one too.
    let delivered = task.timelines.deliveries.first().map(|it| it.cell.strategy.as_str());
    let delivered = || all.iter().find(|it| Some(it.cell.strategy.as_str()) == delivered);
    let open = delivered().filter(|it| leaders.is_empty() || is_leader(it));
    let open = open.or(all.iter().find(is_leader)).or(all.first());
    let others = all.iter().filter(|it| open.is_none_or(|open| open.cell != it.cell));
    open.into_iter().map(|it| chart(task, it, true)).chain(others.map(|it| chart(task, it, false))).collect()
}

fn chart(task: &TaskAnalysis, timeline: &Timeline, is_open: bool) -> LaneChart {
    let run = &timeline.run;
    let strategy = &timeline.cell.strategy;
    let mut lanes = run.lanes.clone();
    lane::merge(&mut lanes, if is_open { MOST_BLOCKS } else { MOST_FOLDED });
    let blocks: usize = lanes.iter().map(|lane| lane.spans.len()).sum();
    let end = (run.run_ns + run.reduce_ns).max(1) as f64;
    let start = (run.start_ns as f64).min(MOST_START * end);
    let statements: Vec<&str> = timeline.statements.iter().map(|it| it.sentence.as_str()).collect();
    let statements = statements.join(" ");
    let shown = match timeline.jobs {
        jobs if jobs > blocks as u64 => format!(
            " The chart draws {} jobs as {} blocks. The height of a block is the share of its time inside jobs.",
            format::count(jobs),
            format::count(blocks as u64)
        ),
        _ => String::new(),
    };
    let shipped = lanes.iter().flat_map(|lane| &lane.spans).any(|span| span.in_task_ns < span.in_jobs_ns);
    let shipped = if shipped { " The dark part of a block is the task itself, the rest is communication." } else { "" };
    let shortened = if start < run.start_ns as f64 { " The start is drawn shortened." } else { "" };
    let last = timeline.straggler.as_ref().map(|it| it.worker);
    LaneChart {
        place: task.results.strategies.iter().find(|it| it.name == *strategy).map_or(0, |it| it.place),
        is_open,
        title: format!("Timeline of {strategy} on {}", format::cores(timeline.cell.cores)),
        description: format!("A lane for each worker; waiting is a gap. {statements}"),
        caption: format!("{statements}{shown}{shipped}{shortened}"),
        extent_ns: (-start, end),
        ticks: labelled(even_ticks(0.0, end), format::short_time),
        phases: phases(timeline, start),
        lanes: lanes.iter().zip(&timeline.workers).map(|(lane, worker)| shown_lane(lane, worker, last)).collect(),
        table: table(timeline),
        strategy: strategy.clone(),
    }
}

/// The phases. A start that is longer than its room is drawn shortened.
fn phases(timeline: &Timeline, start: f64) -> Vec<Phase> {
    let run = &timeline.run;
    let [run_end, end] = [run.run_ns, run.run_ns + run.reduce_ns].map(|ns| ns as f64);
    let phase = |name, ns: u64, from, to| Phase {
        name,
        words: format!("{name}: {}", format::time(ns as f64)),
        extent_ns: (from, to),
    };
    let all = [
        phase("start", run.start_ns, -start, 0.0),
        phase("run", run.run_ns, 0.0, run_end),
        phase("reduce", run.reduce_ns, run_end, end),
    ];
    all.into_iter().filter(|phase| phase.extent_ns.1 > phase.extent_ns.0).collect()
}

fn shown_lane(lane: &Lane, worker: &WorkerLane, last: Option<u32>) -> ChartLane {
    let block = |span: &Span| Block {
        extent_ns: (span.start_ns as f64, span.end_ns() as f64),
        in_jobs: share(span.in_jobs_ns, span.length_ns),
        in_task: share(span.in_task_ns, span.length_ns),
    };
    let is_last = last == Some(worker.worker);
    let [busy, waiting, longest] =
        [worker.in_jobs_ns, worker.waiting_ns, worker.longest_ns].map(|ns| format::time(ns as f64));
    ChartLane {
        worker: worker.worker,
        words: format!(
            "worker {}{}: {} {}, {busy} in jobs, {waiting} waiting; longest job {longest}",
            worker.worker,
            if is_last { ", the last to end" } else { "" },
            format::count(worker.jobs),
            if worker.jobs == 1 { "job" } else { "jobs" },
        ),
        is_last,
        blocks: lane.spans.iter().map(block).collect(),
    }
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 1.0 } else { part as f64 / whole as f64 }
}

/// A row for each worker, or for the least, the median and the most of many workers.
fn table(timeline: &Timeline) -> Table {
    let times = |ns: u64| Entry::bare(format::time(ns as f64));
    let row = |name: String, jobs: u64, [in_jobs, waiting, longest, ended]: [u64; 4]| Row {
        name,
        entries: vec![Entry::bare(format::count(jobs)), times(in_jobs), times(waiting), times(longest), times(ended)],
        ..Row::default()
    };
    let figures = |it: &WorkerLane| [it.in_jobs_ns, it.waiting_ns, it.longest_ns, it.ended_ns];
    let workers = &timeline.workers;
    let rows = if workers.len() <= MOST_ROWS {
        workers.iter().map(|it| row(format!("worker {}", it.worker), it.jobs, figures(it))).collect()
    } else {
        let ranked = |of: &dyn Fn(&WorkerLane) -> u64, rank: usize| {
            let mut all: Vec<u64> = workers.iter().map(of).collect();
            all.sort_unstable();
            all[(all.len() - 1) * rank / 2]
        };
        let of = |(rank, name): (usize, &str)| {
            let figures = [0, 1, 2, 3].map(|nth| ranked(&move |it| figures(it)[nth], rank));
            row(name.to_owned(), ranked(&|it| it.jobs, rank), figures)
        };
        ["least", "median", "most"].into_iter().enumerate().map(of).collect()
    };
    let each = if workers.len() <= MOST_ROWS { "" } else { " Each column has its own least, median and most." };
    Table {
        caption: format!("Where the time of {} went.{each}", counted(workers.len())),
        columns: vec!["worker", "jobs", "in jobs", "waiting", "longest job", "last job ended at"],
        rows,
    }
}

fn counted(workers: usize) -> String {
    if workers == 1 { "1 worker".to_owned() } else { format!("{} workers", format::count(workers as u64)) }
}

/// The chart of delivery; `None` if no strategy was traced with several deliveries.
pub fn delivery(task: &TaskAnalysis) -> Option<StepChart> {
    let deliveries = &task.timelines.deliveries;
    let cell = &deliveries.first()?.cell;
    let most = deliveries.iter().map(|it| it.total_ns).max()?.max(1) as f64;
    let results = deliveries.iter().map(|it| it.results).max()?.max(1) as f64;
    let words = |it: &DeliveryTimes| {
        let [first, half, total] = [it.first_ns, it.half_ns, it.total_ns].map(|ns| format::time(ns as f64));
        format!(
            "{}: the first result after {first}, half of them after {half}, the total after {total}",
            it.cell.delivery
        )
    };
    let curve = |it: &DeliveryTimes| Curve {
        delivery: it.cell.delivery.clone(),
        words: words(it),
        steps: it.steps.iter().map(|(number, ns)| (*ns as f64, *number as f64)).collect(),
    };
    let row = |it: &DeliveryTimes| Row {
        name: it.cell.delivery.clone(),
        entries: [it.first_ns, it.half_ns, it.total_ns].map(|ns| Entry::bare(format::time(ns as f64))).to_vec(),
        ..Row::default()
    };
    let each: Vec<String> = deliveries.iter().map(words).collect();
    let each = each.join("; ");
    let setting = format!("{} on {}", cell.strategy, format::cores(cell.cores));
    Some(StepChart {
        title: format!("When results are usable: {setting}"),
        description: format!("{}.", format::capitalised(&each)),
        caption: format!(
            "One run with each delivery, so a difference in the total is no comparison. {}.",
            format::capitalised(&each)
        ),
        most_ns: most,
        results,
        ticks: labelled(even_ticks(0.0, most), format::short_time),
        counts: labelled(even_ticks(0.0, results), format::short),
        curves: deliveries.iter().map(curve).collect(),
        table: Table {
            caption: "When results were usable, from the beginning of the run.".into(),
            columns: vec!["delivery", "first result", "half of the results", "total"],
            rows: deliveries.iter().map(row).collect(),
        },
    })
}
