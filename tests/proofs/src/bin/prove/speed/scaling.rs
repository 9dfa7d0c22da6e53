//! How word totals scale: with workers, with the number of partitions, with words of other kinds.

use crate::Proofs;
use anyhow::{Context, Result};
use datasets::ngrams::{Recipe, Summary, Zipf};
use kernels::words::WordTotals;
use proofs::overhead::median;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hasher};
use std::io::Write;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Instant;
use strategies::{AnyTask, Cancel, Choice, Combine, Delivery, Setup, Task, catalogue};
use system::usage::Usage;
use tasks::Inputs;
use tasks::word_totals::{Kernel, Options, TotalsOf};
use testbed::{worker_for, workspace};

/// The size of the book's file.
const WHOLE: u64 = 1_800_000_000;

/// So many rounds, in each of which every way comes once.
const ROUNDS: usize = 3;

/// What a run took, in nanoseconds.
struct Took {
    run: f64,
    reduce: f64,
    cpu: f64,
}

/// A way to add up words: strategy, workers, combine.
type Way = (&'static str, usize, Combine);

/// Word totals of a file, each way once a round, after a round that does not count.
fn word_totals(recipe: Recipe, ways: &[Way]) -> Result<BTreeMap<usize, Vec<Took>>> {
    let mut inputs = Inputs::default();
    inputs.word_totals.input = Some(recipe.file(&workspace().join("datasets/generated"), &mut |_| ())?);
    inputs.word_totals.kernel = Kernel::Runs;
    let task: Arc<dyn AnyTask> = (tasks::word_totals::ENTRY.load)(&inputs)?;
    let size = NonZeroUsize::new(60_000).context("sixty thousand is not zero")?;
    let (mut all, mut expected) = (BTreeMap::<usize, Vec<Took>>::new(), None);
    for round in 0..=ROUNDS {
        for (place, (strategy, workers, combine)) in ways.iter().enumerate() {
            let workers = NonZeroUsize::new(*workers).context("there is at least one worker")?;
            let worker = Some(worker_for("word_totals", &inputs));
            let strategy = catalogue::find(strategy).with_context(|| format!("no strategy `{strategy}`"))?;
            let mut up = strategy.start(&Setup { workers, worker })?;
            let choice = Choice { size, delivery: Delivery::Gather, combine: *combine };
            let before = Usage::of_this_process();
            let (outcome, phases) = strategies::run(&*task, &mut *up, choice, &Cancel::default())?;
            let cpu = Usage::of_this_process().since(before).processor_time();
            let digest = outcome.answer()?.digest;
            anyhow::ensure!(*expected.get_or_insert(digest.clone()) == digest, "{strategy:?} gave another answer");
            if round > 0 {
                let took =
                    Took { run: phases.run_ns as f64, reduce: phases.reduce_ns as f64, cpu: cpu.as_nanos() as f64 };
                all.entry(place).or_default().push(took);
            }
        }
    }
    Ok(all)
}

/// The median over rounds.
fn typical(took: &[Took], figure: impl Fn(&Took) -> f64) -> f64 {
    median(took.iter().map(figure).collect())
}

/// The median over rounds of a ratio within the round.
fn ratio(above: &[Took], below: &[Took], figure: impl Fn(&Took) -> f64) -> f64 {
    median(above.iter().zip(below).map(|(above, below)| figure(above) / figure(below)).collect())
}

fn wall(took: &Took) -> f64 {
    took.run + took.reduce
}

/// How the final reduce scales with workers, on the words of the whole file.
pub(super) fn reduce(proofs: &mut Proofs) -> Result<()> {
    const STRATEGY: &str = "threads_shared";
    let ways: Vec<Way> = Combine::ALL
        .iter()
        .flat_map(|combine| [2, 32].map(|workers| (STRATEGY, workers, *combine)))
        .chain([(STRATEGY, 1, Combine::Sharded)])
        .collect();
    for shuffled in [false, true] {
        let order = if shuffled { "shuffled" } else { "sorted" };
        let recipe = Recipe { bytes: WHOLE, shuffled, ..Recipe::default() };
        let took = word_totals(recipe, &ways)?;
        for (place, combine) in Combine::ALL.iter().enumerate() {
            let (two, many) = (&took[&(2 * place)], &took[&(2 * place + 1)]);
            let share = typical(many, |took| took.reduce / wall(took));
            let work = ratio(many, two, |took| took.cpu);
            let figure = format!(
                "{:.1} % of {:.2} s, and {:+.1} % processor time over 2 workers",
                100.0 * share,
                typical(many, wall) / 1e9,
                100.0 * (work - 1.0)
            );
            // The others are there to be compared with.
            let what = format!("final reduce at 32 workers, 1.8 GB {order}, {}", combine.name());
            if *combine == Combine::Sharded {
                proofs.line(&what, &figure, "at most 5 % and +10 %", share <= 0.05 && work <= 1.1);
            } else {
                Proofs::without_bar(&what, &figure);
            }
        }
        let sharded = Combine::ALL.iter().position(|combine| *combine == Combine::Sharded).unwrap_or_default();
        let speed_up = ratio(&took[&(ways.len() - 1)], &took[&(2 * sharded)], wall);
        let what = format!("one worker to two, 1.8 GB {order}, sharded");
        proofs.line(&what, &format!("{speed_up:.2} times as fast"), "at least 1.75", speed_up >= 1.75);
    }
    Ok(())
}

/// How many workers one thread can cut partitions for: cutting is behind a lock, or on a thread of its own.
pub(super) fn cut(proofs: &mut Proofs) -> Result<()> {
    let recipe = Recipe { bytes: WHOLE, ..Recipe::default() };
    let input = Some(recipe.file(&workspace().join("datasets/generated"), &mut |_| ())?);
    let task = Arc::new(TotalsOf::new(&Options { input, kernel: Kernel::Runs, ..Options::default() })?);
    for lines in [2_000, 10_000, 60_000] {
        let size = NonZeroUsize::new(lines).context("there is at least one line")?;
        let (mut cuts, mut maps, mut partitions) = (Vec::new(), Vec::new(), 0);
        for _ in 0..ROUNDS {
            let began = Instant::now();
            let cut = task.partitions(size)?.collect::<strategies::Result<Vec<_>>>()?;
            cuts.push(began.elapsed().as_secs_f64());
            partitions = cut.len();
            let began = Instant::now();
            cut.into_iter().try_for_each(|range| task.map(range, &mut WordTotals::default()))?;
            maps.push(began.elapsed().as_secs_f64());
        }
        let (cut, map) = (1e6 * median(cuts) / partitions as f64, 1e6 * median(maps) / partitions as f64);
        let workers = map / cut;
        // With partitions as small as the smallest, cutting may be what a sweep shows.
        let what = format!("cutting partitions of {lines} lines");
        let figure = format!("{cut:.2} µs each, and {map:.0} µs to map it: {workers:.0} workers can be fed");
        if lines == 60_000 {
            proofs.line(&what, &figure, "at least 32 workers", workers >= 32.0);
        } else {
            Proofs::without_bar(&what, &figure);
        }
    }
    Ok(())
}

/// Makes such a file three times and keeps nothing of it: what it was, and how many MB a second, the median.
fn made(recipe: Recipe) -> Result<(Summary, f64)> {
    let mut rates = Vec::new();
    let mut made = None;
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let summary = recipe.write(&mut std::io::sink(), &mut |_| ())?;
        rates.push(summary.bytes as f64 / 1e6 / began.elapsed().as_secs_f64());
        made = Some(summary);
    }
    Ok((made.context("there are rounds")?, median(rates)))
}

/// Writes a recipe's bytes nowhere, and says what they hash to.
fn hash(recipe: &Recipe) -> Result<u64> {
    struct Hashed(DefaultHasher);
    impl Write for Hashed {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.write(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut hashed = Hashed(DefaultHasher::new());
    recipe.write(&mut hashed, &mut |_| ())?;
    Ok(hashed.0.finish())
}

/// What words, exponent and order do to the time of a line, and how fast such files are made.
pub(super) fn axes(proofs: &mut Proofs) -> Result<()> {
    const BYTES: u64 = 100_000_000;
    let ways = [("threads_shared", 2, Combine::PerWorker), ("threads_shared", 2, Combine::Sharded)];
    let bar = "at least 300 MB/s";
    let (_, rate) = made(Recipe { bytes: WHOLE, ..Recipe::default() })?;
    proofs.line("1-grams as in a book, 1.8 GB made on one core", &format!("{rate:.0} MB/s"), bar, rate >= 300.0);
    for recipe in [
        Recipe { bytes: WHOLE, ..Recipe::default() },
        Recipe { bytes: WHOLE, zipf: Some(Zipf { words: 1_000_000, hundredths: 130 }), ..Recipe::default() },
    ] {
        let (one, other) = (hash(&recipe)?, hash(&recipe)?);
        let what = format!("{} made twice", recipe.file_name());
        proofs.line(&what, &format!("{one:016x}, {other:016x}"), "the same bytes", one == other);
    }
    for words in [100, 10_000, 1_000_000] {
        for hundredths in [0, 100, 130] {
            let zipf = Some(Zipf { words, hundredths });
            let recipe = Recipe { bytes: BYTES, zipf, ..Recipe::default() };
            let what = format!("1-grams of {words} words, exponent {}", f64::from(hundredths) / 100.0);
            let (_, rate) = made(Recipe { bytes: WHOLE, ..recipe })?;
            proofs.line(&format!("{what}, 1.8 GB made on one core"), &format!("{rate:.0} MB/s"), bar, rate >= 300.0);
            // A small file of many words is above all words, each of which has to be thought of.
            let (summary, rate) = made(recipe)?;
            proofs.line(&format!("{what}, 100 MB made on one core"), &format!("{rate:.0} MB/s"), bar, rate >= 300.0);
            for shuffled in [false, true] {
                let took = word_totals(Recipe { shuffled, ..recipe }, &ways)?;
                let gain = ratio(&took[&0], &took[&1], wall);
                let order = if shuffled { "shuffled" } else { "sorted" };
                Proofs::without_bar(
                    &format!("{words} words, exponent {}, {order}, two workers", f64::from(hundredths) / 100.0),
                    &format!(
                        "{:.1} ns a line per_worker; sharded is {gain:.2} times as fast",
                        typical(&took[&0], wall) / summary.lines as f64
                    ),
                );
            }
        }
    }
    Ok(())
}
