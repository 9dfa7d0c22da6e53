//! The price of the seam: every strategy beside its twin, on nothing and on words.

use crate::{Proofs, cores};
use anyhow::{Context, Result, bail, ensure};
use proofs::overhead::{self, Pairs, Price};
use std::num::NonZeroUsize;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use strategies::{Strategy, Task, catalogue};
use tasks::Inputs;
use tasks::noop::Noop;
use tasks::word_totals::{Kernel, TotalsOf};
use testbed::{grams, worker_for};

/// The argument with which this program is one of the processes of a comparison.
pub(crate) const PAIRS: &str = "pairs";

/// Word totals with the kernel `runs`, as a thing to compare on.
pub(crate) const RUNS: &str = "runs";

/// Few enough for a pair to be over before the machine's speed drifts.
const JOBS: u64 = 2_000;

/// The default partition size of word totals.
const LINES: usize = 60_000;

/// At least so many processes on each comparison: how memory happens to be laid out differs between processes, not
/// inside one, and moves a ratio by more than the seam does. And at most so many.
const PROCESSES: std::ops::RangeInclusive<usize> = 6..=16;

pub(crate) fn prove(proofs: &mut Proofs) -> Result<()> {
    for strategy in catalogue::ALL {
        let Price { strategy_ns, twin_ns, difference_ns, .. } = compare(strategy, "noop", 0.5)?;
        let [own, twin, difference] = [strategy_ns, twin_ns, difference_ns].map(|ns| ns / JOBS as f64);
        proofs.line(
            &format!("price of a job, {}", strategy.name),
            &format!("{difference:.0} ns ({own:.0} against the twin's {twin:.0})"),
            "at most 1000 ns over the twin",
            difference <= 1000.0,
        );
    }
    for strategy in catalogue::ALL {
        let price = compare(strategy, "word_totals", 0.02)?;
        let Price { strategy_ns, twin_ns, ratio, ratio_within: (low, high), pairs, processes, .. } = price;
        let percent = |ratio: f64| (ratio - 1.0) * 100.0;
        proofs.line(
            &format!("price at 60 000 lines, {}", strategy.name),
            &format!(
                "{:+.2} % ({:+.2} to {:+.2} from {pairs} pairs in {processes} processes; {:.1} ms against {:.1} ms)",
                percent(ratio),
                percent(low),
                percent(high),
                strategy_ns / 1e6,
                twin_ns / 1e6
            ),
            "at most +2 %",
            ratio <= 1.02,
        );
    }
    Ok(())
}

/// As many processes as it takes to know the ratio to within `width`, or as there may be.
pub(crate) fn compare(strategy: &Strategy, task: &str, width: f64) -> Result<Price> {
    let mut processes: Vec<Pairs> = Vec::new();
    loop {
        let output = Command::new(std::env::current_exe()?)
            .args([PAIRS, strategy.name, task])
            .stderr(Stdio::inherit())
            .output()
            .context("cannot start this program again")?;
        ensure!(output.status.success(), "{} on {task}: the comparison failed", strategy.name);
        processes.push(serde_json::from_slice(&output.stdout).context("the comparison printed no pairs")?);
        let price = Price::of(&processes);
        let (low, high) = price.ratio_within;
        let enough = processes.len() >= *PROCESSES.start() && high - low < width;
        if enough || processes.len() == *PROCESSES.end() {
            return Ok(price);
        }
    }
}

/// One process of a comparison: prints its pairs.
pub(crate) fn pairs(mut arguments: impl Iterator<Item = String>) -> Result<()> {
    let (Some(strategy), Some(task)) = (arguments.next(), arguments.next()) else {
        bail!("`{PAIRS}` is followed by a strategy and a task")
    };
    let strategy = catalogue::find(&strategy).with_context(|| format!("no strategy `{strategy}`"))?;
    let mut inputs = Inputs { noop: tasks::noop::Options { items: JOBS }, ..Inputs::default() };
    let pairs = match task.as_str() {
        "noop" => measure(strategy, &task, &Arc::new(Noop::new(JOBS)), NonZeroUsize::MIN, &inputs, 2)?,
        "word_totals" | RUNS => {
            if task == RUNS {
                inputs.word_totals.kernel = Kernel::Runs;
            }
            // Larger than the default file, so that a ratio of two percent is more than a moment.
            inputs.word_totals.input = Some(grams(100_000_000));
            let size = NonZeroUsize::new(LINES).context("sixty thousand is not zero")?;
            // Ten per cent are seen sooner than two.
            let seconds = if task == RUNS { 1 } else { 4 };
            measure(strategy, "word_totals", &Arc::new(TotalsOf::new(&inputs.word_totals)?), size, &inputs, seconds)?
        }
        _ => bail!("no comparison on `{task}`; there are noop, word_totals and {RUNS}"),
    };
    println!("{}", serde_json::to_string(&pairs)?);
    Ok(())
}

fn measure<T: Task>(
    strategy: &Strategy,
    name: &str,
    task: &Arc<T>,
    size: NonZeroUsize,
    inputs: &Inputs,
    seconds: u64,
) -> Result<Pairs>
where
    T::Partial: Sync,
{
    Ok(overhead::pairs(strategy, task, size, cores(), &worker_for(name, inputs), Duration::from_secs(seconds))?)
}
