//! One cell per task and strategy, through criterion: all cores, the task's default partition size, gathered at the end.
//!
//! The same cells as a sweep's, timed from the same moment to the same moment, but by somebody else's clock and
//! statistics: `prove crosscheck` lays the two beside each other. METHOD.md says what differs.
//!
//! criterion could drive futures itself, though no longer with async-std, for which its support was dropped. That is no
//! loss here: every strategy brings its library's own executor along and blocks until all is done, `async_std` included,
//! so that criterion only ever sees a plain function.

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

/// What the tasks read when a sweep is told nothing else.
#[derive(Parser)]
struct Defaults {
    #[command(flatten)]
    inputs: Inputs,
}

fn main() {
    size_pools();
    // A sample that is one run, or the mean of a few, of some 50 ms: with its default of 100 samples and 8 s a cell,
    // criterion would take four minutes.
    let criterion = Criterion::default().sample_size(20).warm_up_time(Duration::from_secs(1));
    let mut criterion = criterion.measurement_time(Duration::from_secs(2)).configure_from_args();
    for entry in &tasks::ALL[..3] {
        compare(&mut criterion, entry);
    }
    criterion.final_summary();
}

/// Starts this program again with the pools that belong to the process, and are told their size by the environment, as
/// large as in a sweep: the environment of a process that runs already cannot be changed safely.
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

/// Every strategy on one task. What the task reads is made when the first benchmark that is not filtered out needs it.
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
        // Called more than once, and not at all if filtered out.
        group.bench_function(strategy.name, |bencher| {
            let input = input.get_or_insert_with(|| Input::prepare(entry));
            let cell = cell.get_or_insert_with(|| Cell::start(entry, strategy, input));
            // Timed one by one and without dropping what came of it, as in a sweep.
            bencher.iter_batched(|| (), |()| cell.run(), BatchSize::PerIteration);
        });
    }
    group.finish();
    if let Some(input) = input {
        input.prepared.end().expect("what was brought up can be taken down");
    }
}

/// What a task reads, and the right answer to it.
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

/// Workers that are up, and what they do again and again.
struct Cell {
    task: Arc<dyn AnyTask>,
    workers: Box<dyn Workers>,
    choice: Choice,
}

impl Cell {
    /// Brings the workers up and makes sure that they give the right answer.
    fn start(entry: &Entry, strategy: &Strategy, input: &Input) -> Self {
        let inputs = &input.prepared.inputs;
        let (task, _) = load_task(entry.name, inputs).expect("the input was just made");
        // Whoever starts no program need not wait until cargo has looked whether ours is built.
        let worker = (strategy.name == "processes").then(|| testbed::worker_for(entry.name, inputs));
        let workers = NonZeroUsize::new(processors().len()).expect("this program runs on a processor");
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
        ran.expect("it has been seen to run").0
    }
}

fn digest(outcome: &Outcome) -> String {
    outcome.answer().expect("the input is well-formed").digest
}
