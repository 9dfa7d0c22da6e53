//! The process that measures one cell. It stays on the cell's processors, runs the task and reports every sample.

use crate::measure::census::Sampler;
use crate::measure::fairness::{self, SampleFacts};
use crate::measure::protocol::{Message, Order};
use crate::measure::resource_usage::{self, Counters, used_so_far};
use crate::measure::worker;
use crate::measure::{image, last_words, limits, process, trace};
use crate::{find_strategy, load_task};
use record::{BASELINE, Fault, Heartbeat, SharedUpdates, Shipping, Times};
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use strategies::{
    Answer, AnyTask, Cancel, Choice, Error, Lateness, Outcome, Phases, Result, Setup, WorkerTime, Workers,
    most_in_progress,
};
use system::page_cache;
use tasks::Data;

/// Measures the cell that `order` describes, and passes each message to `say` immediately.
///
/// Call this function on the main thread before any other thread exists, because a thread inherits its affinity mask
/// from the thread that starts it.
pub fn measure(order: &Order, mut say: impl FnMut(&Message)) {
    if let Err(error) = run(order, &mut say) {
        say(&Message::Failed { fault: fault(&error), reason: error.to_string(), outside: is_from_outside(&error) });
    }
}

fn run(order: &Order, say: &mut impl FnMut(&Message)) -> Result<()> {
    process::die_with(order.parent)?;
    process::raise_file_limit();
    let processors = process::pin(&order.processors)?;
    let counters = Counters::open();
    say(&Message::Started { processors: numbers(&processors), unmeasured: counters.unmeasured().clone() });
    let mut cell = RunningCell::start(order, processors, counters)?;
    for _ in 0..order.warm_ups {
        say(&cell.warm_up()?);
    }
    for sample in 1..=order.samples {
        say(&cell.sample(sample == order.samples)?);
    }
    cell.end()?.iter().for_each(say);
    Ok(())
}

/// The threads that a cell may need besides its workers: those of a pipeline's stage or of a reactor and an executor, and
/// the timer that cancels a run.
const HELPERS: usize = 3;

/// A cell with a loaded task and running workers.
struct RunningCell<'a> {
    order: &'a Order,
    choice: Choice,
    cores: usize,
    task: Arc<dyn AnyTask>,
    /// The data that the task reads.
    data: Data,
    /// The workers. `None` for the baseline.
    workers: Option<Box<dyn Workers>>,
    /// The maximum number of jobs in progress at one moment.
    allowed: usize,
    /// The time that the workers took to start.
    start_ns: u64,
    threads_before_workers: u32,
    sampler: Option<Sampler>,
    counters: Counters,
    /// The figures of the last sample.
    last: Times,
}

impl<'a> RunningCell<'a> {
    fn start(order: &'a Order, processors: Vec<usize>, counters: Counters) -> Result<Self> {
        let (task, entry) = load_task(&order.task, &order.inputs)?;
        let choice = Choice { size: order.size, delivery: order.delivery, combine: order.combine };
        let cores = processors.len();
        let sampler = order.census.then(|| Sampler::start(processors.into_iter().collect())).transpose();
        let sampler = sampler.map_err(|error| Error::worker(format!("cannot start the census: {error}")))?;
        let enough_threads = limits::check_threads(order.workers.get() + HELPERS);
        let threads_before_workers = process::threads();
        let began = Instant::now();
        let workers = start_workers(order)?;
        let start_ns = nanoseconds(began);
        let is_parallel = workers.as_ref().is_some_and(|workers| workers.is_parallel());
        if is_parallel {
            enough_threads?;
        }
        Ok(RunningCell {
            order,
            choice,
            cores,
            task,
            data: (entry.hooks.data)(&order.inputs),
            workers,
            allowed: if is_parallel { order.workers.get() } else { 1 },
            start_ns,
            threads_before_workers,
            sampler,
            counters,
            last: Times::default(),
        })
    }

    /// Runs the task once with the workers, or with the plain loop for the baseline.
    fn run(&mut self) -> Result<(Outcome, Phases)> {
        let run = if self.order.heartbeat { strategies::run_with_heartbeat } else { strategies::run };
        // Asserting unwind safety is sound, because this process measures nothing more after a panic.
        let ran = catch_unwind(AssertUnwindSafe(|| match &mut self.workers {
            Some(workers) => run(&*self.task, &mut **workers, self.choice, &Cancel::default()),
            None => {
                let began = Instant::now();
                let outcome = self.task.baseline()?;
                Ok((outcome, Phases { run_ns: nanoseconds(began), reduce_ns: 0 }))
            }
        }));
        ran.unwrap_or_else(|_| {
            let words = last_words::panic().unwrap_or("it gave no message");
            Err(Error::Panicked(format!("outside of any job: {words}")))
        })
    }

    fn warm_up(&mut self) -> Result<Message> {
        let (outcome, phases) = self.run()?;
        let Answer { digest, figures } = outcome.answer()?;
        Ok(Message::WarmedUp { digest, figures, wall_ns: phases.run_ns + phases.reduce_ns })
    }

    /// Takes one sample. The last one writes the total and reports the spans, if the order asks for them.
    fn sample(&mut self, is_last: bool) -> Result<Message> {
        let resident = file_in_memory(&self.data)?;
        let processes = system::process::family();
        processes.iter().for_each(|process| system::process::reset_peak_memory(*process));
        if let Some(sampler) = &self.sampler {
            sampler.begin();
        }
        let (used, counted) = (used_so_far(&processes), self.counters.read());
        let (outcome, phases) = self.run()?;
        let (counted_after, used_after) = (self.counters.read(), used_so_far(&processes));
        let snapshot = self.sampler.as_ref().map(Sampler::end);
        let mut times = Times {
            peak_memory_bytes: resource_usage::peak_memory_bytes(&processes),
            resident,
            migrations: snapshot.as_ref().and_then(|snapshot| snapshot.migrations),
            ..self.times(&outcome, phases)
        };
        resource_usage::note(used_after.since(used), &mut times);
        self.counters.between(&counted, &counted_after, &mut times);
        let Answer { digest, figures } = outcome.answer()?;
        if let Some(path) = self.order.output.as_deref().filter(|_| is_last) {
            write(&outcome, path)?;
        }
        let is_traced = is_last && self.order.spans > 0;
        let traced = is_traced.then(|| Box::new(trace::traced(&outcome, &times, self.order.spans)));
        let mut unfair = None;
        if let Some(snapshot) = snapshot.filter(|_| self.workers.is_some()) {
            times.census = Some(snapshot.census(&outcome.spans.iter().map(|span| span.thread).collect()));
            unfair = fairness::judge(&SampleFacts {
                workers: self.allowed,
                cores: self.cores,
                spans: &outcome.spans,
                repeated: outcome.shipped.as_ref().map_or(&[], |shipped| &shipped.repeated),
                source_waits: outcome.source_waits,
                attended: &outcome.threads,
                snapshot: &snapshot,
                wall_ns: times.wall_ns,
                cpu_ns: times.user_ns + times.system_ns,
                baseline_cpu_ns: self.order.baseline_cpu_ns,
            });
        }
        self.last = times.clone();
        Ok(Message::Sample { digest, figures, times: Box::new(times), unfair, traced })
    }

    /// Returns the figures that come from the clock and the jobs.
    fn times(&self, outcome: &Outcome, phases: Phases) -> Times {
        let workers = self.order.workers.get();
        let spent = self.workers.is_some().then(|| WorkerTime::of(&outcome.spans, workers, phases.run_ns));
        Times {
            wall_ns: phases.run_ns + phases.reduce_ns,
            start_ns: self.start_ns,
            run_ns: phases.run_ns,
            reduce_ns: phases.reduce_ns,
            first_result_ns: outcome.first_result_ns,
            in_jobs_ns: spent.map(|spent| spent.in_jobs_ns),
            in_task_ns: spent.map(|spent| spent.in_task_ns),
            at_ends_ns: spent.map(|spent| spent.at_ends_ns),
            shipping: outcome.shipped.as_ref().map(|shipped| Shipping {
                packing_ns: shipped.packing_ns,
                transfer_ns: shipped.transfer_ns,
                unpacking_ns: shipped.unpacking_ns,
                sent_bytes: shipped.sent_bytes,
                received_bytes: shipped.received_bytes,
            }),
            shared: outcome.contention.map(|it| SharedUpdates {
                updates: it.updates,
                contended: it.contended,
                waited_ns: it.waited_ns,
                held_ns: it.held_ns,
            }),
            partitions: outcome.spans.len() as u64,
            heartbeat: outcome.heartbeat.map(heartbeat),
            most_in_progress: u32::try_from(most_in_progress(&outcome.spans)).unwrap_or(u32::MAX),
            // The sampling thread of the census does not count.
            threads: process::threads().saturating_sub(u32::from(self.sampler.is_some())),
            ..Times::default()
        }
    }

    /// Stops the workers. Returns messages if the workers ignored a cancel or left threads behind.
    fn end(self) -> Result<Vec<Message>> {
        let Some(mut workers) = self.workers else { return Ok(Vec::new()) };
        let ignored_cancel = match self.order.check_cancel {
            true => fairness::ignored_cancel(&*self.task, &mut *workers, self.choice, self.order.workers, &self.last)?,
            false => None,
        };
        drop(workers);
        let leaked = fairness::leaked_threads(self.threads_before_workers);
        let unfair = [(Fault::IgnoredCancel, ignored_cancel), (Fault::LeakedThreads, leaked)];
        Ok(unfair.into_iter().filter_map(|(fault, reason)| Some(Message::Unfair { fault, reason: reason? })).collect())
    }
}

fn start_workers(order: &Order) -> Result<Option<Box<dyn Workers>>> {
    if order.strategy == BASELINE {
        return Ok(None);
    }
    let strategy = find_strategy(&order.strategy);
    let strategy = strategy.ok_or_else(|| Error::task(format!("no strategy `{}`", order.strategy)))?;
    let worker = worker::command(image::PROGRAM.into(), image::name(), &order.task, &order.inputs)?;
    strategy.start(&Setup { workers: order.workers, worker: Some(worker) }).map(Some)
}

/// Returns the share of the task's file that is in memory. Evicts the file first if it must be cold.
fn file_in_memory(data: &Data) -> Result<Option<f64>> {
    let Some(path) = &data.file else { return Ok(None) };
    let failed = |error: std::io::Error| Error::task(format!("cannot make {} cold: {error}", path.display()));
    let file = File::open(path);
    if !data.cold {
        return Ok(file.and_then(|file| page_cache::resident(&file)).ok());
    }
    let file = file.map_err(failed)?;
    page_cache::forget(&file).map_err(failed)?;
    let resident = page_cache::resident(&file).map_err(failed)?;
    // A few pages may return, because the check itself can touch them.
    if resident > 0.01 {
        return Err(Error::task(format!(
            "{:.0} % of {} stay in memory although it was to be cold: some process has it mapped, or its file system is \
             memory itself; use --read pread, and a file on a disk",
            100.0 * resident,
            path.display()
        )));
    }
    Ok(Some(resident))
}

/// Returns the fault under which the record lists an error.
fn fault(error: &Error) -> Fault {
    match error {
        Error::Dropped => Fault::DroppedJob,
        Error::Abandoned { .. } => Fault::AbandonedSource,
        Error::Unfinished { .. } | Error::Unreduced { .. } => Fault::ReportedEarly,
        Error::Mismatched { .. } => Fault::MismatchedReply,
        Error::Repeated { .. } => Fault::RepeatedReply,
        Error::Stale => Fault::StaleReply,
        Error::Panicked(_) => Fault::Panicked,
        Error::Partition { source, .. } => fault(source),
        Error::Task(_) | Error::Worker(_) | Error::Killed(_) | Error::Wire(_) | Error::Cancelled { .. } => Fault::Error,
    }
}

/// Returns whether the reason of an error lies outside the program.
fn is_from_outside(error: &Error) -> bool {
    match error {
        Error::Partition { source, .. } => is_from_outside(source),
        error => matches!(error, Error::Killed(_)),
    }
}

fn heartbeat(late: Lateness) -> Heartbeat {
    let Lateness { ticks, p50_ns, p99_ns, max_ns, on_runtime } = late;
    Heartbeat { ticks, p50_ns, p99_ns, max_ns, on_runtime }
}

fn numbers(processors: &[usize]) -> Vec<u32> {
    processors.iter().map(|number| u32::try_from(*number).unwrap_or(u32::MAX)).collect()
}

fn write(outcome: &Outcome, path: &Path) -> Result<()> {
    let failed = |error: std::io::Error| Error::task(format!("cannot write {}: {error}", path.display()));
    system::atomic_file::fill(path, |out| outcome.write(out)).map_err(failed)
}

fn nanoseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
