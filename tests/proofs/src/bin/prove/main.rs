//! Measures what is promised, and prints a line for each: what, figure, bar, holds or not.

mod cursor;
mod seam;
mod speed;
mod truth;

use anyhow::{Context, Result, ensure};
use datasets::ngrams::Recipe;
use proofs::crosscheck::CELLS;
use proofs::interruption::{Interruption, interrupt};
use proofs::overhead::median;
use std::num::NonZeroUsize;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use strategies::{AnyTask, Cancel, Choice, Combine, Delivery, Setup};
use tasks::Inputs;
use tasks::count::kernel::proportion;
use tasks::virtual_work::VirtualWork;
use testbed::{worker_for, workspace};

fn main() -> ExitCode {
    let asked = std::env::args().nth(1);
    let mut proofs = Proofs { all_hold: true };
    let proved = match asked.as_deref() {
        None | Some("main") => prove_main(&mut proofs),
        Some("seam") => seam::prove(&mut proofs),
        Some("agreement") => agreement(&mut proofs),
        Some("crosscheck") => crosscheck(&mut proofs),
        Some("cursor") => cursor::prove(&mut proofs, &std::env::args().skip(2).collect::<Vec<_>>()),
        // One process of a comparison of the seam; see there.
        Some(seam::PAIRS) => seam::pairs(std::env::args().skip(2)),
        // One process in which rates are measured; see there.
        Some(cursor::rates::PROCESS) => cursor::rates::process(std::env::args().skip(2)),
        // One owner of a server, to be ended; see there.
        Some(cursor::server::OWNER) => cursor::server::owner(std::env::args().skip(2)),
        Some("truth") => truth::prove(&mut proofs, &std::env::args().skip(2).collect::<Vec<_>>()),
        Some("speed") => speed::prove(&mut proofs, &std::env::args().skip(2).collect::<Vec<_>>()),
        Some(other) => Err(anyhow::anyhow!(
            "there is nothing to prove about `{other}`; there are `main`, `seam`, `agreement`, `crosscheck`, `cursor`, \
             `speed` and `truth`"
        )),
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

    /// A figure that nothing is promised of.
    fn without_bar(what: &str, figure: &str) {
        println!("          {what}: {figure}");
    }
}

fn prove_main(proofs: &mut Proofs) -> Result<()> {
    seam::prove(proofs)?;
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

/// 32 workers on whatever cores there are, on work that only waits.
fn virtual_speed_up(proofs: &mut Proofs) -> Result<()> {
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
    proofs.line("1-grams made on one core", &format!("{rate:.0} MB/s"), "at least 300 MB/s", rate >= 300.0);
    Ok(())
}

/// 30 sweeps killed, 30 terminated, 30 stopped with Ctrl-C; then resumed.
fn interruptions(proofs: &mut Proofs) -> Result<()> {
    let summary = interrupt(&Interruption::ALL, 30, 1, &mut |line| eprintln!("{line}"))?;
    let holds = summary.failures.is_empty() && summary.slowest() <= Duration::from_secs(5);
    proofs.line("interrupted sweeps", &summary.to_string(), "nothing left after 5 s, nothing lost, all resumed", holds);
    Ok(())
}

/// Ten cells by our own harness and by criterion.
/// Every strategy, number of workers, size, delivery and combine, on 20 MB sorted and shuffled, against awk and sort.
fn agreement(proofs: &mut Proofs) -> Result<()> {
    for (cores, test) in [("one core", "agreement_on_one_core"), ("two cores", "agreement_on_two_cores")] {
        let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args([
                "test",
                "--release",
                "--package",
                "testbed",
                "--test",
                test,
                "every_way_to_run_20_mb",
                "--",
                "--ignored",
            ])
            .current_dir(workspace())
            .status()
            .context("cannot start the tests")?;
        let (strategies, found) = (strategies::catalogue::ALL.len(), if status.success() { "all" } else { "not all" });
        // Workers, sizes, and files.
        let ways = strategies * 5 * 3 * Delivery::ALL.len() * Combine::ALL.len() * 2;
        proofs.line(
            &format!("word totals of 20 MB on {cores}, {ways} ways"),
            &format!("{found} are byte for byte what awk and sort give"),
            "all",
            status.success(),
        );
    }
    Ok(())
}

fn crosscheck(proofs: &mut Proofs) -> Result<()> {
    let agreements = proofs::crosscheck::compare(&CELLS, &mut |line| eprintln!("{line}"))?;
    for agreement in &agreements {
        proofs.line(
            &format!("our median and criterion's, {}", agreement.cell),
            &agreement.to_string(),
            "within each other's interval, or within 3 %",
            agreement.holds(),
        );
    }
    let holding = agreements.iter().filter(|agreement| agreement.holds()).count();
    let all = agreements.len();
    proofs.line("our medians and criterion's", &format!("{holding} of {all} agree"), "all", holding == all);
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
    ensure!(testbed::completed(output.status), "the sweep failed");
    let folder = harness::journal::find(runs.path(), None)?;
    let record = record::read(folder.join(harness::journal::FILE))?;
    let verified = record.samples.iter().filter(|sample| sample.status == record::Status::Verified);
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
