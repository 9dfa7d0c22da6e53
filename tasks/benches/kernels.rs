//! The kernels alone: what a partition costs when nobody schedules it. And the proof that counting counts.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use datasets::ngrams::Recipe;
use std::hint::black_box;
use tasks::count::kernel::{count_to, proportion};
use tasks::word_totals::runs::Vector;
use tasks::word_totals::{book, bytes};
use tasks::words::WordTotals;

/// A kernel of `word_totals`.
type Kernel = fn(&[u8], &mut WordTotals) -> Result<(), usize>;

fn counting(bench: &mut Criterion) {
    let (ratio, ns) = proportion(20_000_000, 15);
    println!("counting twice as far takes {ratio:.3} times as long; {ns:.3} ns an increment");
    assert!(
        (ratio - 2.0).abs() < 0.3,
        "counting twice as far takes {ratio:.3} times as long: is the loop still there?"
    );
    assert!(ns > 0.1, "{ns:.3} ns an increment is faster than any processor counts: is the loop still there?");
    let mut group = bench.benchmark_group("count");
    for n in [1_000_000, 2_000_000] {
        group.throughput(Throughput::Elements(n));
        group.bench_with_input(BenchmarkId::from_parameter(n), &n, |bencher, n| {
            bencher.iter(|| count_to(black_box(*n)))
        });
    }
    group.finish();
}

fn words(bench: &mut Criterion) {
    let mut text = Vec::new();
    let recipe = Recipe { bytes: 2_000_000, ..Recipe::default() };
    recipe.write(&mut text, &mut |_| ()).expect("a vector takes everything");
    let mut group = bench.benchmark_group("word_totals");
    group.throughput(Throughput::Bytes(text.len() as u64));
    let paths = Vector::ALL.into_iter().filter(|vector| *vector != Vector::Auto);
    let runs = paths.filter_map(|vector| Some((format!("runs_{}", vector.name()), vector.kernel()?)));
    let kernels = [("book".to_owned(), book::add as Kernel), ("bytes".to_owned(), bytes::add as Kernel)];
    for (name, kernel) in kernels.into_iter().chain(runs) {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let mut totals = WordTotals::default();
                kernel(black_box(&text), &mut totals).map(|()| totals)
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = counting, words
}
criterion_main!(benches);
