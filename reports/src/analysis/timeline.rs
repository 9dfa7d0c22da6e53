//! What the traced runs of a task show: where the workers' time went, and when results became usable.

use crate::analysis::results::{Statement, TaskResults};
use crate::format;
use record::{Cell, Lane, Record, Trace, TracedRun, statistics};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

/// The share of a run from which a gap is worth a sentence of its own.
const NOTABLE: f64 = 0.01;

/// The deliveries in the order in which the report names them.
const DELIVERIES: [&str; 3] = ["gather", "in_order", "as_completed"];

/// What the traced runs of a task show.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct Timelines {
    /// One traced run for each strategy that has one, in the order of the run.
    pub timelines: Vec<Timeline>,
    /// When results became usable: the same strategy with each delivery.
    pub deliveries: Vec<DeliveryTimes>,
    /// The strategies without a trace, with the reasons.
    pub missing: Vec<Statement>,
}

/// The traced run of one strategy. Times are in nanoseconds.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Timeline {
    /// The traced cell.
    pub cell: Cell,
    /// The number of jobs.
    pub jobs: u64,
    /// The time inside jobs, over all workers.
    pub in_jobs_ns: u64,
    /// The processor time of the run and its reduce.
    pub cpu_ns: u64,
    /// The share of the workers' time until the last job was done that passed inside jobs.
    pub busy: f64,
    /// The workers that had a job.
    pub workers: Vec<WorkerLane>,
    /// The worker that ended last; `null` with fewer than two workers.
    pub straggler: Option<Straggler>,
    /// The longest gap.
    pub gap: Option<Gap>,
    /// What the timeline shows, in sentences.
    pub statements: Vec<Statement>,
    /// The run itself.
    #[serde(skip)]
    pub run: TracedRun,
}

/// The time of one worker, in nanoseconds.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct WorkerLane {
    /// The worker's slot, from 0.
    pub worker: u32,
    /// The number of its jobs.
    pub jobs: u64,
    /// The time inside jobs.
    pub in_jobs_ns: u64,
    /// The rest of the run.
    pub waiting_ns: u64,
    /// The duration of the longest job.
    pub longest_ns: u64,
    /// The end of the last job, from the beginning of the run.
    pub ended_ns: u64,
}

/// The worker that ended last.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Straggler {
    /// The worker's slot.
    pub worker: u32,
    /// How much later it ended than the median of the other workers, in nanoseconds.
    pub later_ns: u64,
    /// `later_ns` as a share of the run.
    pub share: f64,
}

/// A gap during which no job ran.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Gap {
    /// The worker that waited; `null` if no worker had a job.
    pub worker: Option<u32>,
    /// The start, in nanoseconds from the beginning of the run.
    pub start_ns: u64,
    /// The duration in nanoseconds.
    pub length_ns: u64,
    /// The duration as a share of the run.
    pub share: f64,
}

/// When results became usable in one traced run.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DeliveryTimes {
    /// The traced cell.
    pub cell: Cell,
    /// The number of results.
    pub results: u64,
    /// When the first result was usable, in nanoseconds from the beginning of the run.
    pub first_ns: u64,
    /// When half of the results were usable.
    pub half_ns: u64,
    /// When the total was complete.
    pub total_ns: u64,
    /// The numbers of results with the times at which they became usable, ascending.
    #[serde(skip)]
    pub steps: Vec<(u64, u64)>,
}

impl Timelines {
    /// What the traces of a task show.
    pub(crate) fn new(record: &Record, results: &TaskResults) -> Self {
        let own: Vec<&Trace> = record.traces.iter().filter(|trace| trace.cell.task == results.task.name).collect();
        let of =
            |name: &str| -> Vec<&Trace> { own.iter().copied().filter(|trace| trace.cell.strategy == name).collect() };
        let strategies = || record.run.strategies.iter().map(|strategy| of(&strategy.name));
        let shown: Vec<&Trace> = strategies()
            .filter_map(|traces| {
                let usual = traces.iter().find(|trace| results.is_usual(&trace.cell));
                usual.or(traces.first()).copied()
            })
            .collect();
        let missing = own.iter().filter(|trace| trace.run.is_none()).map(|trace| missing(trace));
        Self {
            timelines: shown.iter().filter_map(|trace| Some(Timeline::new(&trace.cell, trace.run.as_ref()?))).collect(),
            deliveries: strategies().map(|traces| deliveries(&traces)).rev().max_by_key(Vec::len).unwrap_or_default(),
            missing: missing.collect(),
        }
    }

    /// Whether the record has no trace of the task.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The timeline of a strategy.
    pub fn of(&self, strategy: &str) -> Option<&Timeline> {
        self.timelines.iter().find(|timeline| timeline.cell.strategy == strategy)
    }
}

fn missing(trace: &Trace) -> Statement {
    let Cell { strategy, delivery, .. } = &trace.cell;
    let sentence = format!("No trace of {strategy} with {delivery}: {}.", trace.reason.trim_end_matches('.'));
    Statement { about: "trace_missing", sentence, facts: json!({ "cell": trace.cell }) }
}

/// The deliveries of one strategy, if it was traced with several. The traces differ in nothing else.
fn deliveries(traces: &[&Trace]) -> Vec<DeliveryTimes> {
    let with = |name: &&str| traces.iter().find(|it| it.cell.delivery == *name && it.cell.combine == "per_partition");
    let times = |trace: &&Trace| {
        let run = trace.run.as_ref()?;
        let steps: Vec<(u64, u64)> = run.deliveries().collect();
        let (first_ns, half) =
            (steps.first()?.1, steps.iter().find(|(number, _)| number.saturating_mul(2) >= run.jobs)?);
        Some(DeliveryTimes {
            cell: trace.cell.clone(),
            results: run.jobs,
            first_ns,
            half_ns: half.1,
            total_ns: run.run_ns + run.reduce_ns,
            steps,
        })
    };
    let each: Vec<DeliveryTimes> = DELIVERIES.iter().filter_map(with).filter_map(times).collect();
    if each.len() < 2 { Vec::new() } else { each }
}

impl Timeline {
    fn new(cell: &Cell, run: &TracedRun) -> Self {
        let worker = |lane: &Lane| WorkerLane {
            worker: lane.worker,
            jobs: lane.jobs(),
            in_jobs_ns: lane.in_jobs_ns(),
            waiting_ns: run.run_ns.saturating_sub(lane.in_jobs_ns()),
            longest_ns: lane.longest_ns,
            ended_ns: lane.extent_ns().1,
        };
        let workers: Vec<WorkerLane> = run.lanes.iter().map(worker).collect();
        let in_jobs_ns = workers.iter().fold(0_u64, |sum, worker| sum.saturating_add(worker.in_jobs_ns));
        let places = cell.workers.max(u32::try_from(workers.len()).unwrap_or(u32::MAX)).max(1);
        let mut timeline = Self {
            cell: cell.clone(),
            jobs: run.jobs,
            in_jobs_ns,
            cpu_ns: run.cpu_ns,
            busy: share(in_jobs_ns, run.run_ns) / f64::from(places),
            straggler: straggler(&workers, run.run_ns),
            gap: longest_gap(run),
            workers,
            statements: Vec::new(),
            run: run.clone(),
        };
        timeline.statements = timeline.state();
        timeline
    }

    fn state(&self) -> Vec<Statement> {
        let sentences = [
            Some(("trace_phases", self.phases_sentence())),
            Some(("trace_busy", self.busy_sentence())),
            self.straggler.as_ref().map(|straggler| ("trace_straggler", self.straggler_sentence(straggler))),
            self.longest_job().map(|sentence| ("trace_longest_job", sentence)),
            self.gap.as_ref().map(|gap| ("trace_gap", gap_sentence(gap, self.run.run_ns))),
            Some(("trace_processor_time", self.processor_sentence())),
        ];
        sentences.into_iter().flatten().map(|(about, sentence)| Statement::new(about, sentence)).collect()
    }

    fn phases_sentence(&self) -> String {
        let TracedRun { start_ns, run_ns, reduce_ns, .. } = self.run;
        let [start, run, reduce] = [start_ns, run_ns, reduce_ns].map(|ns| format::time(ns as f64));
        let workers = if self.cell.workers == 1 { "worker" } else { "workers" };
        format!("Starting the {workers} takes {start}, the run {run} and the final reduce {reduce}.")
    }

    fn busy_sentence(&self) -> String {
        let idle = (self.cell.workers as usize).saturating_sub(self.workers.len());
        let without = match idle {
            0 => String::new(),
            _ => format!(", and {idle} of {} had no job", self.cell.workers),
        };
        let who = if self.cell.workers == 1 { "The worker spends" } else { "The workers spend" };
        format!("{who} {} of the run in jobs{without}.", format::percent(self.busy))
    }

    fn longest_job(&self) -> Option<String> {
        let lane = self.run.lanes.iter().rev().max_by_key(|lane| lane.longest_ns)?;
        let (length, share) = (format::time(lane.longest_ns as f64), share(lane.longest_ns, self.run.run_ns));
        if share < NOTABLE {
            return Some(format!("No job takes longer than {length}."));
        }
        let (partition, worker) = (format::count(lane.longest_job), lane.worker);
        let share = format::percent(share);
        Some(format!("The longest job, partition {partition} on worker {worker}, takes {length}: {share} of the run."))
    }

    fn straggler_sentence(&self, straggler: &Straggler) -> String {
        format!(
            "Worker {} ends last, {} after {}: {} of the run.",
            straggler.worker,
            format::time(straggler.later_ns as f64),
            if self.workers.len() == 2 { "the other" } else { "the median of the others" },
            format::percent(straggler.share)
        )
    }

    /// Compares the time inside jobs with the processor time. A job that waits uses none.
    fn processor_sentence(&self) -> String {
        let [jobs, cpu] = [self.in_jobs_ns, self.cpu_ns].map(|ns| format::time(ns as f64));
        let waited = 1.0 - share(self.cpu_ns, self.in_jobs_ns);
        let why = if waited > 0.05 {
            format!(
                ": jobs wait for at least {} of their time, such as for a core, a lock or a socket",
                format::percent(waited)
            )
        } else {
            String::new()
        };
        format!("Jobs last {jobs} in all, and the process uses {cpu} of processor time{why}.")
    }
}

fn straggler(workers: &[WorkerLane], run_ns: u64) -> Option<Straggler> {
    let last = workers.iter().max_by_key(|worker| worker.ended_ns)?;
    let others = workers.iter().filter(|worker| worker.worker != last.worker).map(|worker| worker.ended_ns as f64);
    let median = statistics::median(&others.collect::<Vec<_>>())?;
    let later_ns = last.ended_ns.saturating_sub(median as u64);
    Some(Straggler { worker: last.worker, later_ns, share: share(later_ns, run_ns) })
}

/// The longest time without a job: of all workers together, unless one worker waits more than twice as long.
fn longest_gap(run: &TracedRun) -> Option<Gap> {
    let extents = |lane: &Lane| lane.spans.iter().map(|span| (span.start_ns, span.end_ns())).collect::<Vec<_>>();
    let all = gap(run.lanes.iter().flat_map(extents).collect(), run.run_ns);
    let one = run.lanes.iter().filter_map(|lane| Some((lane.worker, gap(extents(lane), run.run_ns)?)));
    let one = one.max_by_key(|(_, (_, length_ns))| *length_ns);
    let of = |worker, (start_ns, length_ns)| Gap { worker, start_ns, length_ns, share: share(length_ns, run.run_ns) };
    match (all, one) {
        (Some(all), Some((worker, one))) if one.1 / 2 > all.1 => Some(of(Some(worker), one)),
        (Some(all), _) if run.lanes.len() != 1 => Some(of(None, all)),
        (_, one) => one.map(|(worker, one)| of(Some(worker), one)),
    }
}

/// The start and the length of the longest time that no span covers.
fn gap(mut spans: Vec<(u64, u64)>, run_ns: u64) -> Option<(u64, u64)> {
    spans.sort_unstable();
    spans.push((run_ns, run_ns));
    let mut covered = 0;
    let gaps = spans.into_iter().map(|(start, end)| {
        let gap = (covered, start.saturating_sub(covered));
        covered = covered.max(end);
        gap
    });
    gaps.filter(|(_, length)| *length > 0).max_by_key(|(_, length)| *length)
}

fn gap_sentence(gap: &Gap, run_ns: u64) -> String {
    let length = format::time(gap.length_ns as f64);
    if gap.share < NOTABLE {
        return format!("No worker waits longer than {length} at a stretch.");
    }
    let end_ns = gap.start_ns.saturating_add(gap.length_ns);
    let [start, end] = [gap.start_ns, end_ns].map(|ns| format::time(ns as f64));
    let start = if gap.start_ns == 0 { "the beginning".to_owned() } else { start };
    let end = if end_ns >= run_ns { "the end of the run".to_owned() } else { end };
    let who = match gap.worker {
        Some(worker) => format!("worker {worker} waits"),
        None => "no worker runs a job".to_owned(),
    };
    format!("From {start} to {end}, {who}: {length}, {} of the run.", format::percent(gap.share))
}

fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use record::Span;

    fn span(job: u64, start_ms: u64, end_ms: u64) -> Span {
        let (start_ns, length_ns) = (start_ms * 1_000_000, (end_ms - start_ms) * 1_000_000);
        Span { job, jobs: 1, start_ns, length_ns, in_jobs_ns: length_ns, in_task_ns: length_ns }
    }

    fn timeline(lanes: [Vec<Span>; 2], run_ms: u64) -> Timeline {
        let lanes: Vec<Lane> = (0..).zip(lanes).filter_map(|(worker, spans)| Lane::of(worker, spans)).collect();
        let jobs = lanes.iter().map(Lane::jobs).sum();
        let cell = Cell {
            task: "count".into(),
            strategy: "rayon".into(),
            cores: 2,
            workers: 2,
            size: 1,
            delivery: "gather".into(),
            combine: "per_partition".into(),
        };
        let run_ns = run_ms * 1_000_000;
        let run = TracedRun {
            start_ns: 0,
            run_ns,
            reduce_ns: 0,
            cpu_ns: run_ns,
            jobs,
            lanes,
            delivered_ns: vec![run_ns; jobs as usize],
        };
        Timeline::new(&cell, &run)
    }

    fn sentences(timeline: &Timeline) -> String {
        let all: Vec<&str> = timeline.statements.iter().map(|it| it.sentence.as_str()).collect();
        all.join(" ").replace(format::SPACE, " ")
    }

    #[test]
    fn a_hole_of_200_ms_is_named_even_if_the_workers_leave_it_at_different_times() {
        let first = vec![span(0, 0, 100), span(2, 301, 400)];
        let second = vec![span(1, 1, 98), span(3, 310, 390)];
        let timeline = timeline([first, second], 400);
        let gap = timeline.gap.clone().unwrap();
        assert_eq!((gap.worker, gap.start_ns, gap.length_ns), (None, 100_000_000, 201_000_000));
        let text = sentences(&timeline);
        assert!(text.contains("From 100 ms to 301 ms, no worker runs a job: 201 ms, 50 % of the run."), "{text}");
    }

    #[test]
    fn a_worker_that_waits_alone_and_the_last_worker_are_named() {
        let timeline = timeline([vec![span(0, 0, 40)], vec![span(1, 0, 99)]], 100);
        let waits: Vec<u64> = timeline.workers.iter().map(|worker| worker.waiting_ns / 1_000_000).collect();
        assert_eq!(waits, [60, 1]);
        let text = sentences(&timeline);
        for words in [
            "The workers spend 70 % of the run in jobs.",
            "Worker 1 ends last, 59.0 ms after the other: 59 % of the run.",
            "The longest job, partition 1 on worker 1, takes 99.0 ms: 99 % of the run.",
            "From 40.0 ms to the end of the run, worker 0 waits: 60.0 ms, 60 % of the run.",
            "Jobs last 139 ms in all, and the process uses 100 ms of processor time: jobs wait for at least 28 %",
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
    }

    #[test]
    fn a_run_without_notable_gaps_and_one_without_lanes_have_sentences_too() {
        let text = sentences(&timeline([vec![span(0, 0, 500)], vec![span(1, 1, 500)]], 500));
        assert!(text.contains("No worker waits longer than 1.00 ms at a stretch."), "{text}");
        let text = sentences(&timeline([vec![], vec![]], 0));
        assert!(text.contains("2 of 2 had no job"), "{text}");
    }
}
