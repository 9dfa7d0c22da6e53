//! The overhead of the seam: every strategy beside its twin, on empty jobs and on real work.
//!
//! criterion measures a strategy, then its twin, and prints both. `just prove seam` alternates between the two and judges
//! the ratio.

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use proofs::twins;
use std::num::NonZeroUsize;
use std::sync::Arc;
use strategies::{AnyTask, Cancel, Choice, Combine, Delivery, Setup, Task, WorkerCommand};
use tasks::Inputs;
use tasks::noop::Noop;
use tasks::word_totals::{Options, TotalsOf};
use testbed::{grams, worker_for};

fn compare<T: Task>(bench: &mut Criterion, group: &str, task: &Arc<T>, size: usize, worker: &WorkerCommand)
where
    T::Partial: Sync,
{
    let mut group = bench.benchmark_group(group);
    let workers = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let size = NonZeroUsize::new(size).expect("sizes here are not zero");
    let choice = Choice { size, delivery: Delivery::Gather, combine: Combine::PerPartition };
    for strategy in strategies::catalogue::ALL {
        let setup = Setup { workers, worker: Some(worker.clone()) };
        let mut up = (strategy.start)(&setup).expect("the workers start");
        group.bench_function(BenchmarkId::new(strategy.name, "strategy"), |bencher| {
            bencher.iter(|| strategies::run(task as &dyn AnyTask, &mut *up, choice, &Cancel::default()).map(drop));
        });
        drop(up);
        let mut twin = twins::start::<T>(strategy.name, workers.get(), worker).expect("the twin starts");
        group.bench_function(BenchmarkId::new(strategy.name, "twin"), |bencher| {
            bencher.iter(|| twin.run(task, size).map(drop));
        });
    }
    group.finish();
}

fn seam(bench: &mut Criterion) {
    let inputs = Inputs { noop: tasks::noop::Options { items: 1_000 }, ..Inputs::default() };
    compare(bench, "1000 empty jobs", &Arc::new(Noop::new(1_000)), 1, &worker_for("noop", &inputs));

    let options = Options { input: Some(grams(20_000_000)), word: "Aardvark".to_owned(), ..Options::default() };
    let task = Arc::new(TotalsOf::new(&options).expect("the generated file is there"));
    let inputs = Inputs { word_totals: options, ..Inputs::default() };
    compare(bench, "20 MB in 60000 lines", &task, 60_000, &worker_for("word_totals", &inputs));
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = seam
}
criterion_main!(benches);
