//! Measures the loop of `count`, and proves that the loop counts.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use tasks::count::kernel::{count_to, proportion};

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

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = counting
}
criterion_main!(benches);
