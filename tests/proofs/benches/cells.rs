//! Measures one cell per task and strategy with criterion. A cell uses all cores, the task's default partition size and
//! the delivery `gather`.
//!
//! A sweep times the same cells between the same two moments, with its own clock and statistics. `prove crosscheck`
//! compares the two. tests/proofs/README.md lists the differences.
//!
//! criterion can drive futures, but no longer with async-std. The bench does not need that: every strategy, `async_std`
//! included, brings its own executor and blocks until the run is complete. criterion sees a plain function.

use clap::Parser;
use criterion::{BatchSize, Criterion, SamplingMode};
use harness::data::Prepared;
use harness::interrupt::Interrupt;
use harness::load_task;
use harness::machine::processors;
use postgres::{Environment, discovery};
use std::num::NonZeroUsize;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use strategies::{AnyTask, Cancel, Choice, Combine, Delivery, Outcome, Setup, Strategy, Workers};
use tasks::{Entry, Inputs};
use testbed::workspace;

/// The inputs of a sweep without options.
#[derive(Parser)]
struct Defaults {
    #[command(flatten)]
    inputs: Inputs,
}

fn main() {
    size_pools();
    // A sample is one run of about 50 ms, or the mean of a few. With criterion's default of 100 samples and 8 s per cell,
    // the bench would take four minutes.
    let criterion = Criterion::default().sample_size(20).warm_up_time(Duration::from_secs(1));
    let mut criterion = criterion.measurement_time(Duration::from_secs(2)).configure_from_args();
    for entry in &tasks::ALL[..3] {
        compare(&mut criterion, entry);
    }
    criterion.final_summary();
}

/// Restarts this program with process-wide pools of the same size as in a sweep. Environment variables set that size, and
/// a running process cannot change its environment safely.
fn size_pools() {
    let (pool, workers) = ("BLOCKING_MAX_THREADS", processors().len().to_string());
    if std::env::var(pool).is_ok_and(|size| size == workers) {
        return;
    }
    let program = std::env::current_exe().expect("a bench knows its own file");
    let mut again = Command::new(program);
    again.args(std::env::args_os().skip(1)).env("ASYNC_STD_THREAD_COUNT", "1").env(pool, workers);
    panic!("cannot start this bench again: {}", again.exec());
}

/// Measures every strategy on one task. The first benchmark that is not filtered out prepares the task's input.
fn compare(criterion: &mut Criterion, entry: &Entry) {
    let environment = Environment::of_this_process();
    if entry.name.starts_with("cursor_")
        && environment.address.is_none()
        && let Err(error) = discovery::find(&environment)
    {
        eprintln!("{} is skipped: {error}", entry.name);
        return;
    }
    let mut input = None;
    let mut group = criterion.benchmark_group(entry.name);
    group.sampling_mode(SamplingMode::Flat);
    for strategy in strategies::catalogue::ALL {
        let mut cell = None;
        // criterion calls this closure several times, or never if the benchmark is filtered out.
        group.bench_function(strategy.name, |bencher| {
            let input = input.get_or_insert_with(|| Input::prepare(entry));
            let cell = cell.get_or_insert_with(|| Cell::start(entry, strategy, input));
            // As in a sweep, each run is timed separately, and its result is dropped after the timing.
            bencher.iter_batched(|| (), |()| cell.run(), BatchSize::PerIteration);
        });
    }
    group.finish();
    if let Some(input) = input {
        input.prepared.end().expect("the server stops");
    }
}

/// A task's input, and the correct answer.
struct Input {
    prepared: Prepared,
    digest: String,
}

impl Input {
    fn prepare(entry: &Entry) -> Self {
        let inputs = Defaults::parse_from(["cells"]).inputs;
        let folder = workspace().join("datasets/generated");
        let prepared =
            Prepared::prepare(&[entry.name], inputs, &folder, &Interrupt::default(), &|line| eprintln!("{line}"))
                .expect("the input can be made");
        assert!(prepared.skipped.is_empty(), "{} cannot be measured: {:?}", entry.name, prepared.skipped);
        let (task, _) = load_task(entry.name, &prepared.inputs).expect("the input was just made");
        let digest = digest(&task.baseline().expect("the baseline ends"));
        Input { prepared, digest }
    }
}

/// Started workers, and the task that they repeat.
struct Cell {
    task: Arc<dyn AnyTask>,
    workers: Box<dyn Workers>,
    choice: Choice,
}

impl Cell {
    /// Starts the workers and checks their answer.
    fn start(entry: &Entry, strategy: &Strategy, input: &Input) -> Self {
        let inputs = &input.prepared.inputs;
        let (task, _) = load_task(entry.name, inputs).expect("the input was just made");
        // Only strategies of processes need the program, which cargo may have to build.
        let worker = strategy.name.starts_with("processes").then(|| testbed::worker_for(entry.name, inputs));
        let workers = NonZeroUsize::new(processors().len()).expect("this program runs on a core");
        let workers = (strategy.start)(&Setup { workers, worker }).expect("the workers start");
        let size = usize::try_from(entry.default_size).ok().and_then(NonZeroUsize::new);
        let size = size.expect("a default size is a small number and not zero");
        let choice = Choice { size, delivery: Delivery::Gather, combine: Combine::PerPartition };
        let mut cell = Cell { task, workers, choice };
        assert_eq!(digest(&cell.run()), input.digest, "{} on {} gives a wrong answer", strategy.name, entry.name);
        cell
    }

    fn run(&mut self) -> Outcome {
        let ran = strategies::run(&*self.task, &mut *self.workers, self.choice, &Cancel::default());
        ran.expect("it has run before").0
    }
}

fn digest(outcome: &Outcome) -> String {
    outcome.answer().expect("the input is well-formed").digest
}
