//! The child process that measures one cell: it sees only its cores, does one thing, and says how it went.

use crate::measure::census::{self, Sampler};
use crate::measure::fairness::{self, SampleFacts};
use crate::measure::protocol::{Message, Order};
use crate::measure::resource_usage::{self, Counters, Usage};
use record::{BASELINE, Fault, Times};
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use strategies::{
    Answer, AnyTask, Cancel, Choice, Error, Outcome, Phases, Result, Setup, WorkerCommand, WorkerTime, Workers,
    most_in_progress,
};
use system::page_cache;
use tasks::Inputs;

/// The environment variable in which a worker process finds its task.
pub const TASK: &str = "GOLDILOCKS_TASK";

/// Measures what `order` asks for, and hands each message to `say` as soon as it is known.
///
/// Must be called on the main thread before any other exists, so that all of them inherit its processors.
pub fn measure(order: &Order, mut say: impl FnMut(&Message)) {
    if let Err(error) = follow(order, &mut say) {
        say(&Message::Failed { fault: fault(&error), reason: error.to_string() });
    }
}

fn follow(order: &Order, say: &mut impl FnMut(&Message)) -> Result<()> {
    die_with(order.parent)?;
    raise_file_limit();
    let processors = pin(&order.processors)?;
    let mut counters = Counters::open();
    say(&Message::Settled { processors: numbers(&processors), unmeasured: counters.unmeasured().clone() });
    let (task, _) = load(&order.task, &order.inputs)?;
    let choice = Choice {
        size: order.size,
        delivery: order.delivery.parse().map_err(Error::Task)?,
        combine: order.combine.parse().map_err(Error::Task)?,
    };
    let cores = processors.len();
    let sampler = order.census.then(|| Sampler::start(processors.into_iter().collect())).transpose();
    let sampler = sampler.map_err(|error| Error::worker(format!("cannot start the census: {error}")))?;
    let threads_before = threads();
    let starting = Instant::now();
    let mut workers = match order.strategy.as_str() {
        BASELINE => None,
        name => {
            let strategy = crate::find_strategy(name).ok_or_else(|| Error::task(format!("no strategy `{name}`")))?;
            let program = std::env::current_exe()
                .map_err(|error| Error::worker(format!("cannot find this program's own file: {error}")))?;
            let worker = worker_command(program, &order.task, &order.inputs)?;
            Some(strategy.start(&Setup { workers: order.workers, worker: Some(worker) })?)
        }
    };
    let start_ns = nanoseconds(starting);
    let is_parallel = workers.as_ref().is_some_and(|workers| workers.is_parallel());
    let allowed = if is_parallel { order.workers.get() } else { 1 };
    for _ in 0..order.warm_ups {
        let (outcome, phases) = run(&*task, &mut workers, choice, &Cancel::default())?;
        let Answer { digest, figures } = outcome.answer()?;
        say(&Message::WarmedUp { digest, figures, wall_ns: phases.run_ns + phases.reduce_ns });
    }
    let mut last = Times::default();
    for sample in 1..=order.samples {
        let resident = file_in_memory(order)?;
        let processes = census::processes();
        resource_usage::forget_peak_memory(&processes);
        if let Some(sampler) = &sampler {
            sampler.begin();
        }
        let (used, counted) = (Usage::now(&processes), counters.read());
        let (outcome, phases) = run(&*task, &mut workers, choice, &Cancel::default())?;
        let (counted_after, used_after) = (counters.read(), Usage::now(&processes));
        let seen = sampler.as_ref().map(Sampler::end);
        let spent = workers.is_some().then(|| WorkerTime::of(&outcome.spans, order.workers.get(), phases.run_ns));
        let mut times = Times {
            wall_ns: phases.run_ns + phases.reduce_ns,
            start_ns,
            run_ns: phases.run_ns,
            reduce_ns: phases.reduce_ns,
            first_result_ns: outcome.first_result_ns,
            peak_memory_bytes: resource_usage::peak_memory_bytes(&processes),
            resident,
            in_jobs_ns: spent.map(|spent| spent.in_jobs_ns),
            in_task_ns: spent.map(|spent| spent.in_task_ns),
            at_ends_ns: spent.map(|spent| spent.at_ends_ns),
            partitions: outcome.spans.len() as u64,
            most_in_progress: u32::try_from(most_in_progress(&outcome.spans)).unwrap_or(u32::MAX),
            // Without the one that looks.
            threads: threads().saturating_sub(u32::from(sampler.is_some())),
            migrations: seen.as_ref().and_then(|seen| seen.migrations),
            ..Times::default()
        };
        used_after.since(&used, &mut times);
        counters.between(&counted, &counted_after, &mut times);
        let answer = outcome.answer()?;
        if let Some(path) = order.output.as_ref().filter(|_| sample == order.samples) {
            write(&outcome, path)?;
        }
        let unfair = seen.as_ref().filter(|_| workers.is_some()).and_then(|seen| {
            let working = outcome.spans.iter().map(|span| span.thread).collect();
            times.census = Some(seen.census(&working));
            fairness::judge(&SampleFacts {
                workers: allowed,
                cores,
                spans: &outcome.spans,
                attended: &outcome.threads,
                seen,
                wall_ns: times.wall_ns,
                cpu_ns: times.user_ns + times.system_ns,
                baseline_cpu_ns: order.baseline_cpu_ns,
            })
        });
        last = times.clone();
        say(&Message::Sample { digest: answer.digest, figures: answer.figures, times: Box::new(times), unfair });
    }
    if let Some(mut up) = workers {
        if order.probe
            && let Some(reason) = ignored_cancel(&*task, &mut *up, choice, order.workers, &last)?
        {
            say(&Message::Unfair { fault: Fault::IgnoredCancel, reason });
        }
        drop(up);
        if let Some(reason) = left_behind(threads_before) {
            say(&Message::Unfair { fault: Fault::LeakedThreads, reason });
        }
    }
    Ok(())
}

/// The part of the task's file that is in memory. If the order is for a cold one, that is hardly any of it from here on.
fn file_in_memory(order: &Order) -> Result<Option<f64>> {
    let options = &order.inputs.word_totals;
    let Some(path) = options.input.as_ref().filter(|_| order.task == tasks::word_totals::ENTRY.name) else {
        return Ok(None);
    };
    let failed = |error: std::io::Error| Error::task(format!("cannot make {} cold: {error}", path.display()));
    let file = File::open(path);
    if !options.cold {
        return Ok(file.and_then(|file| page_cache::resident(&file)).ok());
    }
    let file = file.map_err(failed)?;
    page_cache::forget(&file).map_err(failed)?;
    let resident = page_cache::resident(&file).map_err(failed)?;
    // Not to the last page: whoever asks which are there may touch one.
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

/// One run, by the workers or, without any, by the plain loop.
fn run(
    task: &dyn AnyTask,
    workers: &mut Option<Box<dyn Workers>>,
    choice: Choice,
    cancel: &Cancel,
) -> Result<(Outcome, Phases)> {
    // Asserting unwind safety is sound: after a panic this process measures nothing any more.
    let ran = catch_unwind(AssertUnwindSafe(|| match workers {
        Some(workers) => strategies::run(task, &mut **workers, choice, cancel),
        None => {
            let began = Instant::now();
            let outcome = task.baseline()?;
            Ok((outcome, Phases { run_ns: nanoseconds(began), reduce_ns: 0 }))
        }
    }));
    ran.unwrap_or_else(|_| {
        Err(Error::Panicked("outside of any job; its message is on the standard error output".to_owned()))
    })
}

/// Which of the known faults an error is.
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
        Error::Task(_) | Error::Worker(_) | Error::Wire(_) | Error::Cancelled { .. } => Fault::Error,
    }
}

/// Cancels a run when a part of it is done, and says so if jobs are begun all the same: more than wait in a bounded
/// queue. Not tried where there is too little to cancel, or where all jobs are handed out before the first is begun.
fn ignored_cancel(
    task: &dyn AnyTask,
    workers: &mut dyn Workers,
    choice: Choice,
    limit: NonZeroUsize,
    last: &Times,
) -> Result<Option<String>> {
    let ahead = 2 * limit.get() as u64 + 2;
    if workers.splits_in_advance() || last.partitions < 4 * ahead || last.wall_ns < 5_000_000 {
        return Ok(None);
    }
    // On a busy machine the run may have ended before the timer; then it shows nothing.
    for _ in 0..5 {
        let cancel = Cancel::default();
        let ended = std::thread::scope(|scope| {
            let (timer, part) = (cancel.clone(), Duration::from_nanos(last.wall_ns / 5));
            scope.spawn(move || {
                std::thread::sleep(part);
                timer.cancel();
            });
            strategies::run(task, workers, choice, &cancel)
        });
        match ended {
            Ok(_) => {}
            Err(Error::Cancelled { late, .. }) if late > ahead => {
                let reason =
                    format!("after the run had been cancelled, {late} more jobs were begun; a queue may hold {ahead}");
                return Ok(Some(reason));
            }
            Err(Error::Cancelled { .. }) => break,
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// Pools that belong to the process and stay until it ends, by the names of their threads.
const PROCESS_WIDE: [&str; 3] = ["async-std", "async-io", "blocking"];

/// Threads that are still there when the workers have ended and some time has passed, and no library's own.
fn left_behind(before: u32) -> Option<String> {
    let patience = Instant::now() + Duration::from_secs(2);
    loop {
        let entries = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| std::fs::read_to_string(entry.path().join("comm")).ok());
        let (known, mut others): (Vec<String>, Vec<String>) =
            names.partition(|name| PROCESS_WIDE.iter().any(|pool| name.starts_with(pool)));
        drop(known);
        let left = others.len().saturating_sub(before as usize);
        if left == 0 {
            return None;
        }
        if Instant::now() > patience {
            others.sort_unstable();
            others.dedup();
            let names = others.iter().map(|name| name.trim_end()).collect::<Vec<_>>().join(", ");
            return Some(format!("{left} threads were left behind when the workers had ended; there are {names}"));
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn numbers(processors: &[usize]) -> Vec<u32> {
    processors.iter().map(|number| u32::try_from(*number).unwrap_or(u32::MAX)).collect()
}

/// Loads a task by name.
///
/// # Errors
/// When there is none of that name, or its input is not there.
pub fn load(task: &str, inputs: &Inputs) -> Result<(std::sync::Arc<dyn AnyTask>, &'static tasks::Entry)> {
    let entry = crate::find_task(task)
        .ok_or_else(|| Error::task(format!("no task `{task}`; `goldilocks list` has them all")))?;
    Ok(((entry.load)(inputs)?, entry))
}

/// Asks the kernel to kill this process when `parent` dies, and makes sure that it has not died already.
///
/// # Errors
/// When it is too late.
pub fn die_with(parent: u32) -> Result<()> {
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).map_err(Error::task)?;
    let is_parent = rustix::process::getppid().map(Pid::as_raw_nonzero).map(std::num::NonZeroI32::get);
    if is_parent.and_then(|pid| u32::try_from(pid).ok()) == Some(parent) {
        Ok(())
    } else {
        Err(Error::worker("the process that asked for this measurement has gone"))
    }
}

/// Allows as many open files as the system lets: worker processes need two pipes each and every thread that the census
/// watches three files, and many systems begin with 1,024.
fn raise_file_limit() {
    let most = getrlimit(Resource::Nofile);
    // If it is refused, what cannot be opened says so.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: most.maximum, ..most });
}

/// Restricts this process to `processors`, and asks the system which they are now.
pub(crate) fn pin(processors: &[usize]) -> Result<Vec<usize>> {
    let mut set = CpuSet::new();
    for processor in processors {
        set.set(*processor);
    }
    sched_setaffinity(None, &set).map_err(|error| {
        Error::worker(format!("cannot restrict this process to processors {processors:?}: {error}"))
    })?;
    let now = sched_getaffinity(None).map_err(Error::worker)?;
    // The system is content when one of them is left.
    let missing: Vec<usize> = processors.iter().copied().filter(|number| !now.is_set(*number)).collect();
    if !missing.is_empty() {
        return Err(Error::worker(format!(
            "processors {missing:?} are no longer there for this process, so fewer cores would be measured than are \
             said: begin a new run"
        )));
    }
    Ok((0..CpuSet::MAX_CPU).filter(|number| now.is_set(*number)).collect())
}

/// `program`, which is this one, as a worker process for `task`.
///
/// # Errors
/// When the inputs cannot be written down.
pub fn worker_command(program: PathBuf, task: &str, inputs: &Inputs) -> Result<WorkerCommand> {
    let wanted = WorkerOrder { task: task.to_owned(), inputs: inputs.clone(), parent: std::process::id() };
    let wanted = serde_json::to_string(&wanted).map_err(Error::worker)?;
    Ok(WorkerCommand { program, arguments: vec!["worker".into()], environment: vec![(TASK.into(), wanted.into())] })
}

#[derive(Serialize, Deserialize)]
struct WorkerOrder {
    task: String,
    inputs: Inputs,
    parent: u32,
}

/// All that a worker process does: loads the task it was told and serves its partitions.
///
/// # Errors
/// When it was not started by a strategy, the task cannot be loaded, or a pipe breaks.
pub fn serve() -> anyhow::Result<()> {
    use anyhow::Context;
    let wanted = std::env::var(TASK).with_context(|| {
        format!("`goldilocks worker` is started by the strategy `processes`, which names the task in {TASK}")
    })?;
    let order: WorkerOrder = serde_json::from_str(&wanted).with_context(|| format!("{TASK} is not a task"))?;
    die_with(order.parent)?;
    let (task, _) = load(&order.task, &order.inputs)?;
    let (requests, answers) = (std::io::stdin().lock(), std::io::stdout().lock());
    strategies::wire::serve(&*task, &mut std::io::BufReader::new(requests), &mut { answers })?;
    Ok(())
}

fn write(outcome: &Outcome, path: &std::path::Path) -> Result<()> {
    let failed = |error: std::io::Error| Error::task(format!("cannot write {}: {error}", path.display()));
    system::atomic_file::fill(path, |out| outcome.write(out)).map_err(failed)
}

/// How many threads this process has.
fn threads() -> u32 {
    std::fs::read_dir("/proc/self/task").map_or(0, |threads| u32::try_from(threads.count()).unwrap_or(u32::MAX))
}

fn nanoseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
