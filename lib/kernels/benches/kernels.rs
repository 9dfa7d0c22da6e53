//! Measures the kernels alone: the time for one partition without scheduling.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use datasets::ngrams::Recipe;
use kernels::runs::Vector;
use kernels::words::WordTotals;
use kernels::{book, bytes};
use std::hint::black_box;

/// A kernel of `word_totals`.
type Kernel = fn(&[u8], &mut WordTotals) -> Result<(), usize>;

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
    targets = words
}
criterion_main!(benches);
