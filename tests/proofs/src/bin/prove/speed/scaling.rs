//! The scaling of word totals with workers and partitions, and the rates at which files of all kinds are made.

use super::{FULL, grams};
use crate::Proofs;
use crate::sweeps::made;
use anyhow::{Context, Result};
use datasets::ngrams::{Recipe, Zipf};
use kernels::words::WordTotals;
use proofs::overhead::median;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Instant;
use strategies::{AnyTask, Cancel, Choice, Combine, Delivery, Setup, Task, catalogue};
use system::usage::Usage;
use tasks::Inputs;
use tasks::word_totals::{Kernel, Options, TotalsOf};
use testbed::worker_for;

/// Timed rounds. Each measures every number of workers once.
const ROUNDS: usize = 3;

/// The default partition size.
const LINES: NonZeroUsize = NonZeroUsize::new(60_000).unwrap();

/// The times of a run in nanoseconds.
struct Times {
    run: f64,
    reduce: f64,
    cpu: f64,
}

impl Times {
    fn wall(&self) -> f64 {
        self.run + self.reduce
    }
}

/// Measures how the sharded final reduce of the whole file scales with workers.
pub(crate) fn reduce(proofs: &mut Proofs) -> Result<()> {
    for order in ["sorted", "shuffled"] {
        let options: &[&str] = if order == "shuffled" { &["--shuffled"] } else { &[] };
        let word_totals = Options { input: Some(grams(FULL, options)?), kernel: Kernel::Runs, ..Options::default() };
        let inputs = Inputs { word_totals, ..Inputs::default() };
        let task: Arc<dyn AnyTask> = (tasks::word_totals::ENTRY.load)(&inputs)?;
        let strategy = catalogue::find("threads_shared").context("it is in the catalogue")?;
        let choice = Choice { size: LINES, delivery: Delivery::Gather, combine: Combine::Sharded };
        let (mut rounds, mut expected) = (Vec::new(), None);
        // The first round is not timed.
        for _ in 0..=ROUNDS {
            let mut run = |workers| -> Result<Times> {
                let workers = NonZeroUsize::new(workers).context("there is at least one worker")?;
                let worker = Some(worker_for("word_totals", &inputs));
                let mut up = strategy.start(&Setup { workers, worker })?;
                let before = Usage::of_this_process();
                let (outcome, phases) = strategies::run(&*task, &mut *up, choice, &Cancel::default())?;
                let cpu = Usage::of_this_process().since(before).processor_time().as_nanos() as f64;
                let digest = outcome.answer()?.digest;
                anyhow::ensure!(*expected.get_or_insert(digest.clone()) == digest, "{workers} workers: another answer");
                Ok(Times { run: phases.run_ns as f64, reduce: phases.reduce_ns as f64, cpu })
            };
            rounds.push([run(1)?, run(2)?, run(32)?]);
        }
        let of = |figure: fn(&[Times; 3]) -> f64| median(rounds[1..].iter().map(figure).collect());
        let share = of(|[_, _, many]| many.reduce / many.wall());
        let work = of(|[_, two, many]| many.cpu / two.cpu);
        let figure = format!(
            "{:.1} % of {:.2} s, and {:+.1} % processor time over 2 workers",
            100.0 * share,
            of(|[_, _, many]| many.wall()) / 1e9,
            100.0 * (work - 1.0)
        );
        let what = format!("final reduce at 32 workers, 1.8 GB {order}, sharded");
        proofs.line(what, figure, "at most 5 % and +10 %", share <= 0.05 && work <= 1.1);
        let speed_up = of(|[one, two, _]| one.wall() / two.wall());
        let what = format!("one worker to two, 1.8 GB {order}, sharded");
        proofs.line(what, format!("{speed_up:.2} times as fast"), "at least 1.75", speed_up >= 1.75);
    }
    Ok(())
}

/// Measures how many workers one thread can supply with partitions. A lock or a single thread serialises the cutting.
pub(crate) fn cut(proofs: &mut Proofs) -> Result<()> {
    let input = Some(grams(FULL, &[])?);
    let task = Arc::new(TotalsOf::new(&Options { input, kernel: Kernel::Runs, ..Options::default() })?);
    let (mut cuts, mut maps) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let cut = task.partitions(LINES)?.collect::<strategies::Result<Vec<_>>>()?;
        let a_partition = 1e6 / cut.len() as f64;
        cuts.push(began.elapsed().as_secs_f64() * a_partition);
        let began = Instant::now();
        cut.into_iter().try_for_each(|range| task.map(range, &mut WordTotals::default()))?;
        maps.push(began.elapsed().as_secs_f64() * a_partition);
    }
    let (cut, map) = (median(cuts), median(maps));
    let workers = map / cut;
    proofs.line(
        "cutting partitions of 60000 lines",
        format!("{cut:.2} µs each, and {map:.0} µs to map it: one thread cuts for {workers:.0} workers"),
        "at least 32 workers",
        workers >= 32.0,
    );
    Ok(())
}

/// Measures how fast large and small files are made, for all numbers of words and exponents.
pub(crate) fn axes(proofs: &mut Proofs) -> Result<()> {
    made(proofs, "1-grams as in a book", Recipe { bytes: FULL, ..Recipe::default() })?;
    for words in [100, 10_000, 1_000_000] {
        for hundredths in [0, 100, 130] {
            let what = format!("1-grams of {words} words, exponent {}", f64::from(hundredths) / 100.0);
            // For a small file with many words, most of the time goes into inventing the words.
            for bytes in [FULL, 100_000_000] {
                let zipf = Some(Zipf { words, hundredths });
                made(proofs, &what, Recipe { bytes, zipf, ..Recipe::default() })?;
            }
        }
    }
    Ok(())
}
