//! Measures what is promised, and prints a line for each: what, figure, bar, holds or not.

use anyhow::{Context, Result, ensure};
use datasets::ngrams::Recipe;
use std::num::NonZeroUsize;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use strategies::{AnyTask, Cancel, Choice, Combine, Delivery, Setup};
use tasks::Inputs;
use tasks::count::kernel::proportion;
use tasks::noop::Noop;
use tasks::virtual_work::VirtualWork;
use tasks::word_totals::TotalsOf;
use tests::prices::{Price, median, price};
use tests::{grams, worker_for, workspace};

fn main() -> ExitCode {
    let asked = std::env::args().nth(1);
    let mut proofs = Proofs { all_hold: true };
    let proved = match asked.as_deref() {
        None | Some("main") => prove_main(&mut proofs),
        Some("seam") => seam(&mut proofs),
        Some(other) => Err(anyhow::anyhow!("there is nothing to prove about `{other}`; there are `main` and `seam`")),
    };
    if let Err(error) = proved {
        eprintln!("error: {error:#}");
        return ExitCode::FAILURE;
    }
    if proofs.all_hold { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

struct Proofs {
    all_hold: bool,
}

impl Proofs {
    fn line(&mut self, what: &str, figure: &str, bar: &str, holds: bool) {
        self.all_hold &= holds;
        println!("{} {what}: {figure} (bar: {bar})", if holds { "holds    " } else { "DOES NOT " });
    }
}

fn prove_main(proofs: &mut Proofs) -> Result<()> {
    seam(proofs)?;
    virtual_speed_up(proofs)?;
    counting(proofs);
    generator(proofs)?;
    interruptions(proofs)?;
    sweep(proofs, "the demo after compilation", "demo", 60.0)?;
    sweep(proofs, "the default sweep after compilation", "bench", 360.0)
}

fn cores() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// The price of the seam: on nothing, per job; on word totals at the default partition size, as a ratio.
fn seam(proofs: &mut Proofs) -> Result<()> {
    const JOBS: u64 = 10_000;
    let inputs = Inputs { noop: tasks::noop::Options { items: JOBS }, ..Inputs::default() };
    let worker = worker_for("noop", &inputs);
    let task = Arc::new(Noop::new(JOBS));
    for strategy in strategies::catalogue::ALL {
        let Price { strategy_ns, twin_ns, difference_ns, .. } =
            price(strategy, &task, NonZeroUsize::MIN, cores(), &worker, Duration::from_secs(5))?;
        let [own, twin, difference] = [strategy_ns, twin_ns, difference_ns].map(|ns| ns / JOBS as f64);
        proofs.line(
            &format!("price of a job, {}", strategy.name),
            &format!("{difference:.0} ns ({own:.0} against the twin's {twin:.0})"),
            "at most 1000 ns over the twin",
            difference <= 1000.0,
        );
    }
    // Larger than the default file, so that a ratio of two percent is more than a moment.
    let mut inputs = Inputs::default();
    inputs.word_totals.input = Some(grams(100_000_000));
    let worker = worker_for("word_totals", &inputs);
    let task = Arc::new(TotalsOf::new(&inputs.word_totals)?);
    let size = NonZeroUsize::new(60_000).context("sixty thousand is not zero")?;
    for strategy in strategies::catalogue::ALL {
        let price = price(strategy, &task, size, cores(), &worker, Duration::from_secs(12))?;
        let Price { strategy_ns, twin_ns, ratio, ratio_within: (low, high), pairs, .. } = price;
        let percent = |ratio: f64| (ratio - 1.0) * 100.0;
        proofs.line(
            &format!("price at 60 000 lines, {}", strategy.name),
            &format!(
                "{:+.2} % ({:+.2} to {:+.2} from {pairs} pairs; {:.1} ms against {:.1} ms)",
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

/// 32 workers on whatever cores there are, on work that only waits.
fn virtual_speed_up(proofs: &mut Proofs) -> Result<()> {
    let workers = NonZeroUsize::new(32).context("32 is not zero")?;
    let waits = tasks::virtual_work::Options { waits: 640, wait_us: 20_000, uneven_waits: false, spin: false };
    let inputs = Inputs { virtual_work: waits, ..Inputs::default() };
    let work = Arc::new(VirtualWork::new(&inputs.virtual_work)?);
    let choice = Choice { size: NonZeroUsize::MIN, delivery: Delivery::Gather, combine: Combine::PerPartition };
    for strategy in strategies::catalogue::ALL.iter().filter(|strategy| strategy.name != "sequential") {
        let worker = Some(worker_for("virtual_work", &inputs));
        let mut up = (strategy.start)(&Setup { workers, worker })?;
        let mut speed_ups = Vec::new();
        for _ in 0..5 {
            let (_, phases) = strategies::run(&work as &dyn AnyTask, &mut *up, choice, &Cancel::default())?;
            // One worker cannot be faster than all waits one after the other.
            speed_ups.push(work.all().as_nanos() as f64 / (phases.run_ns + phases.reduce_ns) as f64);
        }
        let speed_up = median(speed_ups);
        proofs.line(
            &format!("32 workers on waiting work, {}", strategy.name),
            &format!("speed-up {speed_up:.1}"),
            "at least 28",
            speed_up >= 28.0,
        );
    }
    Ok(())
}

fn counting(proofs: &mut Proofs) {
    let (ratio, ns) = proportion(50_000_000, 15);
    proofs.line(
        "counting twice as far",
        &format!("takes {ratio:.3} times as long, {ns:.3} ns an increment"),
        "2 times, within 0.3, and more than 0.1 ns",
        (ratio - 2.0).abs() < 0.3 && ns > 0.1,
    );
}

fn generator(proofs: &mut Proofs) -> Result<()> {
    let recipe = Recipe { bytes: 500_000_000, ..Recipe::default() };
    let mut rates = Vec::new();
    for _ in 0..3 {
        let began = Instant::now();
        let summary = recipe.write(&mut std::io::sink(), &mut |_| ())?;
        rates.push(summary.bytes as f64 / 1e6 / began.elapsed().as_secs_f64());
    }
    let rate = median(rates);
    proofs.line("1-grams made on one core", &format!("{rate:.0} MB/s"), "at least 200 MB/s", rate >= 200.0);
    Ok(())
}

/// 30 sweeps killed, 30 terminated, 30 stopped with Ctrl-C; then resumed.
fn interruptions(proofs: &mut Proofs) -> Result<()> {
    let summary = tests::interruption::interrupt(30, 1, &mut |line| eprintln!("{line}"))?;
    let holds = summary.failures.is_empty() && summary.slowest() <= Duration::from_secs(5);
    proofs.line("interrupted sweeps", &summary.to_string(), "nothing left after 5 s, nothing lost, all resumed", holds);
    Ok(())
}

/// A whole sweep, as a user runs it: how long it takes, and whether every cell is verified.
fn sweep(proofs: &mut Proofs, what: &str, recipe: &str, bar: f64) -> Result<()> {
    let runs = tempfile::tempdir()?;
    let began = Instant::now();
    let output = Command::new("just")
        .args([recipe, "--runs"])
        .arg(runs.path())
        .current_dir(workspace())
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start `just`")?;
    let took: Duration = began.elapsed();
    ensure!(output.status.success(), "the sweep failed");
    let folder = harness::record::find(runs.path(), None)?;
    let record = reports::read(folder.join(harness::record::FILE))?;
    let verified = record.samples.iter().filter(|sample| sample.status == reports::record::Status::Verified);
    let mut cells: Vec<_> = verified.map(|sample| &sample.cell).collect();
    let all = cells.len();
    cells.sort_unstable();
    cells.dedup();
    let expected: usize = record
        .run
        .tasks
        .iter()
        .map(|task| 1 + record.run.strategies.len() * record.run.cores.len() * task.sizes.len())
        .sum();
    let blocks = record.ended.as_ref().map_or(0, |ended| ended.blocks);
    proofs.line(
        what,
        &format!(
            "{:.0} s for {} of {expected} cells verified, {all} of {} samples, {blocks} blocks, {} tasks skipped",
            took.as_secs_f64(),
            cells.len(),
            record.samples.len(),
            record.skipped.len()
        ),
        &format!("{bar:.0} s, all cells"),
        took.as_secs_f64() <= bar
            && cells.len() == expected
            && all == record.samples.len()
            && record.skipped.is_empty(),
    );
    Ok(())
}
