//! Promises about whole runs: speed-up on waiting work, correct counting times, interruptions, and durations of sweeps.

use crate::Proofs;
use anyhow::{Context, Result, ensure};
use datasets::ngrams::Recipe;
use harness::plan::Plan;
use harness::plan::stages;
use harness::plan::staging::Stage;
use proofs::interruption::{Interruption, interrupt};
use proofs::overhead::median;
use record::Record;
use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use strategies::{AnyTask, Cancel, Choice, Combine, Delivery, Setup};
use tasks::Inputs;
use tasks::count::kernel::proportion;
use tasks::virtual_work::VirtualWork;
use testbed::{worker_for, workspace};

/// Measures every parallel strategy with 32 workers on work that only waits. The number of cores does not matter.
pub(crate) fn waits(proofs: &mut Proofs) -> Result<()> {
    let workers = NonZeroUsize::new(32).context("32 is not zero")?;
    let waits = tasks::virtual_work::Options { waits: 640, wait_us: 20_000, uneven_waits: false, spin: false };
    let inputs = Inputs { virtual_work: waits, ..Inputs::default() };
    let work = Arc::new(VirtualWork::new(&inputs.virtual_work)?);
    let choice = Choice { size: NonZeroUsize::MIN, delivery: Delivery::Gather, combine: Combine::PerPartition };
    for strategy in strategies::catalogue::ALL {
        let worker = Some(worker_for("virtual_work", &inputs));
        let mut up = (strategy.start)(&Setup { workers, worker })?;
        if !up.is_parallel() {
            continue;
        }
        let mut speed_ups = Vec::new();
        for _ in 0..5 {
            let (_, phases) = strategies::run(&work as &dyn AnyTask, &mut *up, choice, &Cancel::default())?;
            // One worker would take at least the sum of all waits, so the speed-up is relative to that sum.
            speed_ups.push(work.all().as_nanos() as f64 / (phases.run_ns + phases.reduce_ns) as f64);
        }
        let (what, speed_up) = (format!("32 workers on waiting work, {}", strategy.name), median(speed_ups));
        proofs.line(what, format!("speed-up {speed_up:.1}"), "at least 28", speed_up >= 28.0);
    }
    Ok(())
}

pub(crate) fn counting(proofs: &mut Proofs) -> Result<()> {
    let (ratio, ns) = proportion(50_000_000, 15);
    proofs.line(
        "counting twice as far",
        format!("takes {ratio:.3} times as long, {ns:.3} ns an increment"),
        "2 times, within 0.3, and more than 0.1 ns",
        (ratio - 2.0).abs() < 0.3 && ns > 0.1,
    );
    Ok(())
}

pub(crate) fn generator(proofs: &mut Proofs) -> Result<()> {
    made(proofs, "1-grams", Recipe { bytes: 500_000_000, ..Recipe::default() })
}

/// Makes a file of 1-grams three times, discards it, and prints the median rate in MB/s.
pub(crate) fn made(proofs: &mut Proofs, what: &str, recipe: Recipe) -> Result<()> {
    let mut rates = Vec::new();
    for _ in 0..3 {
        let began = Instant::now();
        let summary = recipe.write(&mut std::io::sink(), &mut |_| ())?;
        rates.push(summary.bytes as f64 / 1e6 / began.elapsed().as_secs_f64());
    }
    let (what, rate) = (format!("{what}, {} MB made on one core", recipe.bytes / 1_000_000), median(rates));
    proofs.line(what, format!("{rate:.0} MB/s"), "at least 300 MB/s", rate >= 300.0);
    Ok(())
}

/// Kills 30 sweeps, terminates 30 and stops 30 with Ctrl-C. Ends 6 in each of five other ways. Then resumes them.
pub(crate) fn interruptions(proofs: &mut Proofs) -> Result<()> {
    let signals = ("sweeps ended by signals", &Interruption::SIGNALS[..], 30);
    let others = ("sweeps ended in other ways", &Interruption::OTHERS[..], 6);
    for (what, ways, times) in [signals, others] {
        let summary = interrupt(ways, times, 1)?;
        let holds = summary.failures.is_empty() && summary.slowest() <= Duration::from_secs(5);
        proofs.line(what, &summary, "nothing left after 5 s, nothing lost, all resumed", holds);
    }
    Ok(())
}

pub(crate) fn demo(proofs: &mut Proofs) -> Result<()> {
    recipe(proofs, "the demo after compilation", "demo", 60.0)
}

pub(crate) fn bench(proofs: &mut Proofs) -> Result<()> {
    // 6 minutes and 10 %.
    recipe(proofs, "the default sweep after compilation", "bench", 396.0)
}

/// Runs a whole sweep as a user does. Checks its duration, and that every cell is verified but those of the last stage, for
/// which there may be no time.
fn recipe(proofs: &mut Proofs, what: &str, recipe: &str, bar: f64) -> Result<()> {
    let runs = tempfile::tempdir()?;
    let began = Instant::now();
    let mut just = Command::new("just");
    just.args([recipe, "--runs"]).arg(runs.path()).current_dir(workspace()).stderr(Stdio::inherit());
    let output = just.output().context("cannot start `just`")?;
    let took = began.elapsed().as_secs_f64();
    ensure!(testbed::completed(output.status), "the sweep failed");
    let folder = harness::journal::find(runs.path(), None)?;
    let (record, plan) = (newest(runs.path())?, Plan::read(&folder)?);
    let planned = plan.cells();
    let stages = stages::planned(&plan, &planned);
    let deciding = planned.iter().zip(stages).filter(|(_, planned)| planned.stage != Stage::Grid);
    let deciding: BTreeSet<record::Cell> = deciding.map(|(cell, _)| cell.to_record()).collect();
    let verified = record.samples.iter().filter(|sample| sample.status == record::Status::Verified);
    let cells: Vec<_> = verified.map(|sample| &sample.cell).collect();
    let verified = cells.len();
    let cells: BTreeSet<_> = cells.into_iter().filter(|cell| deciding.contains(cell)).collect();
    let expected = deciding.len();
    let blocks = record.ended.as_ref().map_or(0, |ended| ended.blocks);
    let (cells, samples, skipped) = (cells.len(), record.samples.len(), record.skipped.len());
    proofs.line(
        what,
        format!(
            "{took:.0} s for {cells} of {expected} deciding cells verified, {verified} of {samples} samples, {blocks} blocks, \
             {skipped} tasks skipped"
        ),
        format!("{bar:.0} s, all deciding cells"),
        took <= bar && cells == expected && verified == samples && skipped == 0,
    );
    Ok(())
}

/// The record of the newest run in a folder.
fn newest(runs: &Path) -> Result<Record> {
    let folder = harness::journal::find(runs, None)?;
    Ok(record::read(folder.join(harness::journal::FILE))?)
}

/// Runs a sweep of a program and returns its record.
pub(crate) fn sweep(program: &Path, arguments: &[&str]) -> Result<Record> {
    let runs = tempfile::tempdir()?;
    let mut sweep = Command::new(program);
    sweep.args(["sweep", "--anyway", "--runs"]).arg(runs.path()).args(arguments).current_dir(workspace());
    let output = sweep.output().context("cannot start a sweep")?;
    ensure!(testbed::completed(output.status), "a sweep failed: {}", String::from_utf8_lossy(&output.stderr));
    newest(runs.path())
}
