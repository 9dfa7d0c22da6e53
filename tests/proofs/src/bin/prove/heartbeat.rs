//! Promises about the heartbeat: a stall reads as long as it is, computation inside a runtime shows, computation beside it does
//! not, and the heart itself costs almost nothing.

use crate::Proofs;
use anyhow::{Context, Result};
use proofs::overhead::{Overhead, median};
use std::num::NonZeroUsize;
use std::sync::Arc;
use strategies::{AnyTask, Cancel, Choice, Combine, Delivery, Lateness, Setup, Workers, catalogue};
use tasks::Inputs;
use tasks::count::kernel::proportion;
use testbed::worker_for;

const CHOICE: Choice = Choice { size: NonZeroUsize::MIN, delivery: Delivery::Gather, combine: Combine::PerPartition };

/// The time of a job, in milliseconds.
const JOB_MS: f64 = 20.0;

/// The jobs of a run.
const JOBS: usize = 20;

/// The runs of a strategy whose percentiles are compared.
const RUNS: usize = 7;

/// The pairs of a run with a heart and one without.
const PAIRS: usize = 21;

/// How late the ticks of a responsive runtime may be, in milliseconds.
const RESPONSIVE_MS: f64 = 5.0;

pub(crate) fn prove(proofs: &mut Proofs) -> Result<()> {
    stall(proofs)?;
    let cell = Cell::new()?;
    for (strategy, responsive) in [("tokio_tasks", false), ("tokio_blocking", true), ("tokio_rayon", true)] {
        let mut up = cell.start(strategy)?;
        let beats: Vec<Lateness> = (0..RUNS).map(|_| cell.beat(&mut *up)).collect::<Result<_>>()?;
        let middle = |of: fn(&Lateness) -> u64| median(beats.iter().map(|beat| of(beat) as f64 / 1e6).collect());
        let (p50, p99, most) = (middle(|it| it.p50_ns), middle(|it| it.p99_ns), middle(|it| it.max_ns));
        let bar = if responsive { "99th percentile below 5 ms" } else { "99th percentile at least the time of a job" };
        let holds = if responsive { p99 < RESPONSIVE_MS } else { p99 >= cell.job_ms };
        proofs.line(
            format!("ticks beside {strategy}, jobs of {:.1} ms on {} cores", cell.job_ms, cell.workers),
            format!("late by {p50:.2} ms in the median, {p99:.2} ms in the 99th percentile, {most:.2} ms at most"),
            bar,
            holds,
        );
    }
    for strategy in ["tokio_tasks", "tokio_blocking", "tokio_rayon", "async_std", "smol", "threads_shared"] {
        let mut up = cell.start(strategy)?;
        let mut pairs = vec![(0.0, 0.0); PAIRS];
        for (nth, pair) in pairs.iter_mut().enumerate() {
            // The order alternates, because the speed of the machine may drift.
            for second in [false, true] {
                let with_heart = nth.is_multiple_of(2) == second;
                let ns = cell.run(&mut *up, with_heart)?;
                *(if with_heart { &mut pair.0 } else { &mut pair.1 }) = ns;
            }
        }
        let ratio = 100.0 * (Overhead::of(&[pairs.split_off(1)]).ratio - 1.0);
        proofs.line(format!("a heart beside {strategy}"), format!("{ratio:+.2} % time"), "at most +1 %", ratio <= 1.0);
    }
    Ok(())
}

/// Stalls the only thread of a runtime for 50 ms, several times.
fn stall(proofs: &mut Proofs) -> Result<()> {
    let mut inputs = Inputs::default();
    (inputs.virtual_work.waits, inputs.virtual_work.wait_us) = (1, 50_000);
    let task = (tasks::virtual_work::ENTRY.load)(&inputs)?;
    let mut up = start("tokio_tasks", NonZeroUsize::MIN, "virtual_work", &inputs)?;
    let mut late_ms = Vec::new();
    for _ in 0..20 {
        let (outcome, _) = strategies::run_with_heartbeat(&*task, &mut *up, CHOICE, &Cancel::default())?;
        late_ms.push(outcome.heartbeat.context("the heart did not beat")?.max_ns as f64 / 1e6);
    }
    late_ms.sort_by(f64::total_cmp);
    let (least, most) = (late_ms[0], late_ms[late_ms.len() - 1]);
    proofs.line(
        "a stall of 50 ms, 20 times",
        format!("reads {least:.1} to {most:.1} ms"),
        "45 to 60 ms",
        least >= 45.0 && most <= 60.0,
    );
    Ok(())
}

/// Counting on all cores, in jobs that are long enough to be felt.
struct Cell {
    task: Arc<dyn AnyTask>,
    inputs: Inputs,
    workers: NonZeroUsize,
    job_ms: f64,
}

impl Cell {
    fn new() -> Result<Self> {
        let workers = NonZeroUsize::new(harness::machine::processors().len()).context("there is no core")?;
        let increments = (JOB_MS * 1e6 / proportion(5_000_000, 15).1) as u64;
        let mut inputs = Inputs::default();
        inputs.count.numbers = vec![increments; JOBS];
        let task = (tasks::count::ENTRY.load)(&inputs)?;
        let mut cell = Cell { task, inputs, workers, job_ms: 0.0 };
        let mut up = cell.start("tokio_tasks")?;
        let (outcome, _) = strategies::run(&*cell.task, &mut *up, CHOICE, &Cancel::default())?;
        let spans = outcome.spans.iter().map(|span| (span.end_ns - span.start_ns) as f64 / 1e6);
        cell.job_ms = median(spans.collect());
        Ok(cell)
    }

    fn start(&self, strategy: &str) -> Result<Box<dyn Workers>> {
        start(strategy, self.workers, "count", &self.inputs)
    }

    /// Returns the time of a run, in nanoseconds.
    fn run(&self, up: &mut dyn Workers, with_heart: bool) -> Result<f64> {
        let run = if with_heart { strategies::run_with_heartbeat } else { strategies::run };
        let (_, phases) = run(&*self.task, up, CHOICE, &Cancel::default())?;
        Ok((phases.run_ns + phases.reduce_ns) as f64)
    }

    fn beat(&self, up: &mut dyn Workers) -> Result<Lateness> {
        let (outcome, _) = strategies::run_with_heartbeat(&*self.task, up, CHOICE, &Cancel::default())?;
        outcome.heartbeat.context("the heart did not beat")
    }
}

fn start(strategy: &str, workers: NonZeroUsize, task: &str, inputs: &Inputs) -> Result<Box<dyn Workers>> {
    let strategy = catalogue::find(strategy).context("no such strategy")?;
    Ok(strategy.start(&Setup { workers, worker: Some(worker_for(task, inputs)) })?)
}
