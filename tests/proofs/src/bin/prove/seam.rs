//! The overhead of the seam: every strategy compared with its twin, on empty jobs and on words.

use crate::Proofs;
use anyhow::{Context, Result, bail, ensure};
use proofs::overhead::{self, Overhead, Pairs};
use std::num::NonZeroUsize;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;
use strategies::{Strategy, Task, catalogue};
use tasks::Inputs;
use tasks::noop::Noop;
use tasks::word_totals::{Kernel, TotalsOf};
use testbed::{grams, worker_for};

/// The subcommand that runs this program as one process of a comparison.
pub(crate) const PAIRS: &str = "pairs";

/// The name of word totals with the kernel `runs`, as a task for comparisons.
pub(crate) const RUNS: &str = "runs";

/// Jobs of a run: few enough that the machine's speed does not drift within a pair.
const JOBS: u64 = 2_000;

/// The default partition size of word totals.
const LINES: NonZeroUsize = NonZeroUsize::new(60_000).unwrap();

/// Processes per comparison. The memory layout is fixed within a process and differs between processes. It affects a ratio
/// more than the seam does.
const PROCESSES: std::ops::RangeInclusive<usize> = 6..=16;

pub(crate) fn prove(proofs: &mut Proofs) -> Result<()> {
    for strategy in catalogue::ALL {
        let Overhead { strategy_ns, twin_ns, difference_ns, .. } = compare(strategy, "noop", 0.5)?;
        let [own, twin, difference] = [strategy_ns, twin_ns, difference_ns].map(|ns| ns / JOBS as f64);
        proofs.line(
            format!("overhead of a job, {}", strategy.name),
            format!("{difference:.0} ns ({own:.0} against the twin's {twin:.0})"),
            "at most 1000 ns over the twin",
            difference <= 1000.0,
        );
    }
    for strategy in catalogue::ALL {
        let overhead = compare(strategy, "word_totals", 0.02)?;
        proofs.line(
            format!("overhead at 60 000 lines, {}", strategy.name),
            ratio(&overhead),
            "at most +2 %",
            overhead.ratio <= 1.02,
        );
    }
    Ok(())
}

/// Describes the ratio of an overhead in words.
pub(crate) fn ratio(overhead: &Overhead) -> String {
    let Overhead { ratio, ratio_within: (low, high), pairs, processes, strategy_ns, twin_ns, .. } = overhead;
    let [ratio, low, high] = [ratio, low, high].map(|ratio| (ratio - 1.0) * 100.0);
    let (own, twin) = (strategy_ns / 1e6, twin_ns / 1e6);
    format!(
        "{ratio:+.2} % ({low:+.2} to {high:+.2} from {pairs} pairs in {processes} processes; {own:.1} ms against \
         {twin:.1} ms)"
    )
}

/// Starts processes until the ratio's interval is narrower than `width`, or until the maximum of [`PROCESSES`].
pub(crate) fn compare(strategy: &Strategy, task: &str, width: f64) -> Result<Overhead> {
    let mut processes: Vec<Pairs> = Vec::new();
    loop {
        let mut again = Command::new(std::env::current_exe()?);
        again.args([PAIRS, strategy.name, task]).stderr(Stdio::inherit());
        let output = again.output().context("cannot start this program again")?;
        ensure!(output.status.success(), "{} on {task}: the comparison failed", strategy.name);
        processes.push(serde_json::from_slice(&output.stdout).context("the comparison printed no pairs")?);
        let overhead = Overhead::of(&processes);
        let (low, high) = overhead.ratio_within;
        let enough = processes.len() >= *PROCESSES.start() && high - low < width;
        if enough || processes.len() == *PROCESSES.end() {
            return Ok(overhead);
        }
    }
}

/// Runs one process of a comparison and prints its pairs.
pub(crate) fn pairs(arguments: &[&String]) -> Result<()> {
    let [strategy, task] = arguments else { bail!("`{PAIRS}` is followed by a strategy and a task") };
    let strategy = catalogue::find(strategy).with_context(|| format!("no strategy `{strategy}`"))?;
    let mut inputs = Inputs { noop: tasks::noop::Options { items: JOBS }, ..Inputs::default() };
    let pairs = match task.as_str() {
        "noop" => measure(strategy, "noop", &Arc::new(Noop::new(JOBS)), NonZeroUsize::MIN, &inputs, 2)?,
        "word_totals" | RUNS => {
            if *task == RUNS {
                inputs.word_totals.kernel = Kernel::Runs;
            }
            // The file is larger than the default, so that two per cent of a run is a measurable time.
            inputs.word_totals.input = Some(grams(100_000_000));
            // A difference of ten per cent shows sooner than one of two.
            let seconds = if *task == RUNS { 1 } else { 4 };
            let totals = Arc::new(TotalsOf::new(&inputs.word_totals)?);
            measure(strategy, "word_totals", &totals, LINES, &inputs, seconds)?
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
    let workers = available_parallelism().unwrap_or(NonZeroUsize::MIN);
    Ok(overhead::pairs(strategy, task, size, workers, &worker_for(name, inputs), Duration::from_secs(seconds))?)
}
