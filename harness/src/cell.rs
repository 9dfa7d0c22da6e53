//! The child process that measures one cell: it sees only its cores, does one thing, and says how it went.

use crate::child::Message;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use reports::record::{BASELINE, Times};
use rustix::process::{Pid, Signal};
use rustix::thread::{CpuSet, sched_setaffinity};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use strategies::{AnyTask, Cancel, Choice, Error, Outcome, Phases, Result, Setup, WorkerCommand, most_in_progress};
use tasks::Inputs;

/// The environment variable in which a worker process finds its task.
pub const TASK: &str = "GOLDILOCKS_TASK";

/// Everything a child needs to know to measure a cell.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Order {
    /// The task's name.
    pub task: String,
    /// The task's options.
    pub inputs: Inputs,
    /// The strategy's name, or `baseline`.
    pub strategy: String,
    /// The logical processors it may use.
    pub processors: Vec<usize>,
    /// How many jobs may be in progress at one moment.
    pub workers: NonZeroUsize,
    /// Items in a partition.
    pub size: NonZeroUsize,
    /// One of [`strategies::Delivery`].
    pub delivery: String,
    /// One of [`strategies::Combine`].
    pub combine: String,
    /// How many untimed runs come first.
    pub warm_ups: u32,
    /// How many timed runs follow.
    pub samples: u32,
    /// Where to write the whole total of the last run, if anywhere.
    pub output: Option<PathBuf>,
    /// The process that waits for the answer. If it dies, so does this one.
    pub parent: u32,
}

/// Measures what `order` asks for, and hands each message to `say` as soon as it is known.
///
/// Must be called on the main thread before any other exists, so that all of them inherit its processors.
pub fn measure(order: &Order, mut say: impl FnMut(&Message)) {
    if let Err(error) = follow(order, &mut say) {
        say(&Message::Failed { reason: error.to_string() });
    }
}

fn follow(order: &Order, say: &mut impl FnMut(&Message)) -> Result<()> {
    die_with(order.parent)?;
    pin(&order.processors)?;
    let (task, _) = load(&order.task, &order.inputs)?;
    let choice = Choice {
        size: order.size,
        delivery: order.delivery.parse().map_err(Error::Task)?,
        combine: order.combine.parse().map_err(Error::Task)?,
    };
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
    let mut run = || match &mut workers {
        Some(workers) => strategies::run(&*task, &mut **workers, choice, &Cancel::default()),
        None => {
            let began = Instant::now();
            let outcome = task.baseline()?;
            Ok((outcome, Phases { run_ns: nanoseconds(began), reduce_ns: 0 }))
        }
    };
    for _ in 0..order.warm_ups {
        let (outcome, _) = run()?;
        say(&Message::WarmedUp { digest: outcome.answer()?.digest });
    }
    for sample in 1..=order.samples {
        let before = Usage::now();
        let (outcome, phases) = run()?;
        let after = Usage::now();
        let answer = outcome.answer()?;
        if let Some(path) = order.output.as_ref().filter(|_| sample == order.samples) {
            write(&outcome, path)?;
        }
        let times = times(&outcome, phases, start_ns, &before, &after);
        say(&Message::Sample { digest: answer.digest, figures: answer.figures, times });
    }
    Ok(())
}

/// Loads a task by name.
///
/// # Errors
/// When there is none of that name, or its input is not there.
pub fn load(task: &str, inputs: &Inputs) -> Result<(std::sync::Arc<dyn AnyTask>, &'static tasks::Entry)> {
    let entry =
        tasks::find(task).ok_or_else(|| Error::task(format!("no task `{task}`; `goldilocks list` has them all")))?;
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

fn pin(processors: &[usize]) -> Result<()> {
    let mut set = CpuSet::new();
    for processor in processors {
        set.set(*processor);
    }
    sched_setaffinity(None, &set)
        .map_err(|error| Error::worker(format!("cannot restrict this process to processors {processors:?}: {error}")))
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
    let mut out = BufWriter::new(File::create(path).map_err(failed)?);
    outcome.write(&mut out).and_then(|()| out.flush()).map_err(failed)
}

fn times(outcome: &Outcome, phases: Phases, start_ns: u64, before: &Usage, after: &Usage) -> Times {
    Times {
        wall_ns: phases.run_ns + phases.reduce_ns,
        start_ns,
        run_ns: phases.run_ns,
        reduce_ns: phases.reduce_ns,
        first_result_ns: outcome.first_result_ns,
        user_ns: after.user_ns - before.user_ns,
        system_ns: after.system_ns - before.system_ns,
        voluntary_switches: after.voluntary_switches - before.voluntary_switches,
        involuntary_switches: after.involuntary_switches - before.involuntary_switches,
        minor_faults: after.minor_faults - before.minor_faults,
        major_faults: after.major_faults - before.major_faults,
        peak_memory_bytes: after.peak_memory_bytes,
        partitions: outcome.spans.len() as u64,
        most_in_progress: u32::try_from(most_in_progress(&outcome.spans)).unwrap_or(u32::MAX),
        threads: after.threads,
        ..Times::default()
    }
}

/// What this process has used so far, without its worker processes.
#[derive(Default)]
struct Usage {
    user_ns: u64,
    system_ns: u64,
    voluntary_switches: u64,
    involuntary_switches: u64,
    minor_faults: u64,
    major_faults: u64,
    peak_memory_bytes: u64,
    threads: u32,
}

impl Usage {
    fn now() -> Self {
        let mut usage = Usage { threads: threads(), ..Usage::default() };
        // Only a wrong argument makes it fail; then there is nothing to say.
        if let Ok(own) = getrusage(UsageWho::RUSAGE_SELF) {
            usage.user_ns = time(own.user_time());
            usage.system_ns = time(own.system_time());
            usage.voluntary_switches = own.voluntary_context_switches().unsigned_abs();
            usage.involuntary_switches = own.involuntary_context_switches().unsigned_abs();
            usage.minor_faults = own.minor_page_faults().unsigned_abs();
            usage.major_faults = own.major_page_faults().unsigned_abs();
            // Linux counts it in KiB.
            usage.peak_memory_bytes = own.max_rss().unsigned_abs() * 1024;
        }
        usage
    }
}

fn time(value: TimeVal) -> u64 {
    (Duration::from_secs(value.tv_sec().unsigned_abs()) + Duration::from_micros(value.tv_usec().unsigned_abs()))
        .as_nanos() as u64
}

/// How many threads this process has.
fn threads() -> u32 {
    std::fs::read_dir("/proc/self/task").map_or(0, |threads| u32::try_from(threads.count()).unwrap_or(u32::MAX))
}

fn nanoseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
