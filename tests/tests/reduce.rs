//! The final reduce loses nothing, with every strategy and combine, and reports its errors by name.

use serde::{Deserialize, Serialize};
use std::io::Write;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;
use strategies::{
    Answer, AnyTask, Cancel, Choice, Combine, Delivery, Error, Jobs, Outcome, Partitions, Result, Strategy, Task,
    Workers, catalogue,
};
use tasks::Inputs;
use tasks::word_totals::Kernel;
use testbed::{nonzero, written};

fn choice(size: usize, combine: Combine) -> Choice {
    Choice { size: nonzero(size), delivery: Delivery::Gather, combine }
}

fn start(strategy: &Strategy, workers: usize, inputs: &Inputs) -> Box<dyn Workers> {
    testbed::start("word_totals", inputs, strategy, workers)
}

/// The file has enough words that every table is spread over shards and workers pass tables on during a run.
#[test]
fn many_words_are_reduced_to_the_same_totals_by_every_strategy_and_combine() {
    let folder = tempfile::tempdir().unwrap();
    for shuffled in [false, true] {
        let recipe = datasets::ngrams::Recipe { bytes: 8_000_000, shuffled, ..Default::default() };
        let mut inputs = Inputs::default();
        inputs.word_totals.input = Some(recipe.file(folder.path(), &mut |_| ()).unwrap());
        inputs.word_totals.kernel = Kernel::Runs;
        let task = (tasks::word_totals::ENTRY.load)(&inputs).unwrap();
        let expected = written(&task.baseline().unwrap());
        for strategy in catalogue::ALL {
            for workers in [1, 2, 9] {
                let mut up = start(strategy, workers, &inputs);
                for combine in Combine::APART {
                    let ran = strategies::run(&*task, &mut *up, choice(20_000, *combine), &Cancel::default());
                    let way = || format!("{strategy:?}, {workers} workers, {}, shuffled: {shuffled}", combine.name());
                    let (outcome, _) = ran.unwrap_or_else(|error| panic!("{}: {error}", way()));
                    assert!(written(&outcome) == expected, "{}: other totals than the baseline's", way());
                }
            }
        }
    }
}

/// A serial reduce may take as long as the run. The thread that computes the total is no extra thread.
#[test]
fn the_thread_that_computes_the_total_counts_as_working() {
    let own = rustix::thread::gettid().as_raw_nonzero().get().unsigned_abs();
    let mut inputs = Inputs::default();
    inputs.noop.items = 100;
    for strategy in catalogue::ALL {
        let mut up = testbed::start("noop", &inputs, strategy, 2);
        let task = (tasks::noop::ENTRY.load)(&inputs).unwrap();
        let ran = strategies::run(&*task, &mut *up, choice(10, Combine::PerPartition), &Cancel::default());
        assert!(ran.unwrap().0.threads.contains(&own), "{strategy:?}");
    }
}

/// Workers that run all jobs in their first run. In later runs they drop all jobs, or all but the first.
struct Forgetful {
    workers: Box<dyn Workers>,
    runs: usize,
    run_one: bool,
}

impl Workers for Forgetful {
    fn run(&mut self, mut jobs: Jobs) -> Result<()> {
        self.runs += 1;
        if self.runs == 1 {
            return self.workers.run(jobs);
        }
        if self.run_one {
            jobs.next().expect("there is at least one merge").run();
        }
        Ok(())
    }
}

/// A task whose partitions wait, so that every worker slot is used. Its reduce panics if `reduce_panics` is set.
struct Waits {
    reduce_panics: bool,
}

#[derive(Default, Serialize, Deserialize)]
struct Waited {
    partitions: u64,
    panics: bool,
}

impl Task for Waits {
    type Partition = u64;
    type Partial = Waited;

    fn partitions(self: &Arc<Self>, _: NonZeroUsize) -> Result<Partitions<u64>> {
        Ok(Box::new((0..24).map(Ok)))
    }

    fn map(&self, _: u64, into: &mut Waited) -> Result<()> {
        std::thread::sleep(Duration::from_millis(20));
        into.partitions += 1;
        into.panics = self.reduce_panics;
        Ok(())
    }

    fn reduce(into: &mut Waited, other: Waited) {
        assert!(!other.panics, "the reduce is set to panic");
        into.partitions += other.partitions;
    }

    fn baseline(&self) -> Result<Waited> {
        Ok(Waited { partitions: 24, panics: false })
    }

    fn answer(&self, total: &Waited) -> Result<Answer> {
        Ok(Answer { digest: total.partitions.to_string(), figures: Vec::new() })
    }

    fn write(&self, total: &Waited, out: &mut dyn Write) -> std::io::Result<()> {
        writeln!(out, "{}", total.partitions)
    }
}

fn waits(reduce_panics: bool, workers: &mut dyn Workers, combine: Combine) -> Result<Outcome> {
    let task = Arc::new(Waits { reduce_panics });
    strategies::run(&task as &dyn AnyTask, workers, choice(1, combine), &Cancel::default()).map(|(outcome, _)| outcome)
}

#[test]
fn a_strategy_that_loses_jobs_of_the_final_reduce_is_detected() {
    let strategy = catalogue::find("threads_shared").unwrap();
    // Eight accumulators make four merges of pairs in a tree, or eight merges with shards.
    for (combine, merges) in [(Combine::Tree, 4), (Combine::Sharded, 8)] {
        for run_one in [false, true] {
            let workers = start(strategy, 8, &Inputs::default());
            let outcome = waits(false, &mut Forgetful { workers, runs: 0, run_one }, combine);
            let expected = Error::Unreduced { missing: merges - usize::from(run_one), planned: merges };
            assert_eq!(outcome.err(), Some(expected), "{}", combine.name());
        }
    }
}

#[test]
fn a_reduce_that_panics_on_a_worker_fails_the_run_and_the_workers_survive() {
    // Strategies of processes are left out because their worker processes run a different task.
    for strategy in catalogue::ALL.iter().filter(|strategy| !strategy.name.starts_with("processes")) {
        let mut up = start(strategy, 4, &Inputs::default());
        if !up.is_parallel() {
            continue;
        }
        for combine in [Combine::Tree, Combine::Sharded] {
            let outcome = waits(true, &mut *up, combine);
            let expected = Error::Panicked("the reduce is set to panic".to_owned());
            assert_eq!(outcome.err(), Some(expected), "{strategy:?}, {}", combine.name());
            let outcome = waits(false, &mut *up, combine).unwrap();
            assert_eq!(outcome.answer().unwrap().digest, "24", "{strategy:?}, {}", combine.name());
        }
    }
}
