//! Worker processes: what happens when one is killed, whether any outlives its parent, and what shipping costs.

use crate::Proofs;
use crate::sweeps::sweep;
use anyhow::{Context, Result, bail, ensure};
use proofs::killed_workers::{Ending, WORKERS, kill_one};
use reports::analysis::Analysis;
use reports::format;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};
use strategies::{Cancel, Choice, Combine, Delivery, Setup, catalogue};
use system::process::children;
use tasks::Inputs;
use testbed::{goldilocks, nonzero, worker_for};

/// The strategies of worker processes.
const STRATEGIES: [&str; 2] = ["processes", "processes_by_value"];

/// The seeds of a proof.
const SEEDS: u64 = 50;

/// The longest time for which workers may outlive the process that started them.
const ORPHANED: Duration = Duration::from_secs(2);

/// Kills one of four worker processes in the middle of a run.
pub(crate) fn killed(proofs: &mut Proofs) -> Result<()> {
    for strategy in STRATEGIES {
        let endings: Vec<Ending> = (0..SEEDS).map(|seed| kill_one(strategy, seed)).collect::<Result<_>>()?;
        let right = endings.iter().filter(|ending| matches!(ending, Ending::Right(_))).count();
        let repeated = endings.iter().filter(|ending| matches!(ending, Ending::Right(1..))).count();
        let named = endings.iter().filter(|ending| matches!(ending, Ending::Named(_))).count();
        endings.iter().filter(|ending| matches!(ending, Ending::Bad(_))).for_each(|ending| eprintln!("{ending:?}"));
        proofs.line(
            format!("one of {WORKERS} workers killed, {strategy}"),
            format!(
                "{right} right answers ({repeated} after a repeated partition) and {named} named failures of {SEEDS}"
            ),
            "all",
            right + named == endings.len(),
        );
    }
    Ok(())
}

/// Kills the process that started worker processes in the middle of a run.
pub(crate) fn orphans(proofs: &mut Proofs) -> Result<()> {
    for strategy in STRATEGIES {
        let times: Vec<Duration> = (0..20).map(|_| outlived(strategy)).collect::<Result<_>>()?;
        let longest = times.iter().max().copied().unwrap_or_default();
        proofs.line(
            format!("{WORKERS} workers of {strategy} after their parent was killed, 20 times"),
            format!("the last one ended after {:.0} ms", longest.as_secs_f64() * 1e3),
            format!("none after {} s", ORPHANED.as_secs()),
            longest <= ORPHANED,
        );
    }
    Ok(())
}

/// Returns the time for which worker processes outlive their parent.
fn outlived(strategy: &str) -> Result<Duration> {
    let mut parent = Command::new(std::env::current_exe()?).args([OWNER, strategy]).spawn()?;
    let patience = Duration::from_secs(60);
    let began = Instant::now();
    let mut workers = Vec::new();
    while workers.len() < WORKERS {
        ensure!(began.elapsed() < patience, "the workers of {strategy} do not start");
        thread::sleep(Duration::from_millis(10));
        workers = children(parent.id());
    }
    // Then all workers have a partition.
    thread::sleep(Duration::from_millis(200));
    parent.kill()?;
    let killed = Instant::now();
    let lives = |worker: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{worker}/stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, state)| !state.starts_with(['Z', 'X']))
    };
    while workers.iter().any(lives) && killed.elapsed() < patience {
        thread::sleep(Duration::from_millis(2));
    }
    let outlived = killed.elapsed();
    parent.wait()?;
    Ok(outlived)
}

/// The subcommand that owns worker processes until it is killed.
pub(crate) const OWNER: &str = "owner-of-workers";

/// Runs partitions that take far longer than the bar. A worker that only waited for its pipe to close would be seen.
pub(crate) fn owner(arguments: &[&String]) -> Result<()> {
    let [strategy] = arguments else { bail!("`{OWNER}` is followed by a strategy") };
    let strategy = catalogue::find(strategy).with_context(|| format!("no strategy `{strategy}`"))?;
    let mut inputs = Inputs::default();
    (inputs.virtual_work.waits, inputs.virtual_work.wait_us) = (WORKERS as u64, 100_000_000);
    let task = (tasks::find("virtual_work").context("it is in the catalogue")?.load)(&inputs)?;
    let setup = Setup { workers: nonzero(WORKERS), worker: Some(worker_for("virtual_work", &inputs)) };
    let choice = Choice { size: nonzero(1), delivery: Delivery::Gather, combine: Combine::PerPartition };
    strategies::run(&*task, &mut *strategy.start(&setup)?, choice, &Cancel::default())?;
    Ok(())
}

/// Measures the book's cliff: partitions of 2 lines against 60 000, by value. The report must name shipping as its cause.
pub(crate) fn cliff(proofs: &mut Proofs) -> Result<()> {
    let arguments = "--tasks word_totals --grams 20MB --sizes 2,60000 --blocks 5 --samples 1 --cores 2 --budget 30m \
        --strategies threads_shared,processes,processes_by_value";
    let record = sweep(goldilocks(), &arguments.split_whitespace().collect::<Vec<_>>())?;
    let analysis = Analysis::new(&record);
    let task = analysis.tasks.first().context("the sweep has a task")?;
    let by_value = STRATEGIES[1];
    let cores = task.results.most_cores().context("the sweep has a cell")?;
    let ns = |strategy: &str, size: u64| Some(task.results.sound(strategy, cores, size)?.time?.value);
    for strategy in STRATEGIES.into_iter().chain(["threads_shared"]) {
        let [small, large] = [2, 60_000].map(|size| ns(strategy, size).unwrap_or(f64::NAN));
        proofs.line(
            format!("2 lines against 60 000, {strategy}"),
            format!("{} against {}, {:.1} times", format::time(small), format::time(large), small / large),
            if strategy == by_value { "at least 10 times" } else { "none" },
            strategy != by_value || small >= 10.0 * large,
        );
    }
    let cliff = task.conclusions.iter().find(|it| it.about == "cliff" && it.sentence.contains(by_value));
    let names_shipping = cliff.is_some_and(|it| it.facts["cliffs"][0]["causes"][0]["cause"] == "shipping");
    let sentence = cliff.map_or("no sentence", |it| &it.sentence);
    proofs.line("the cause in the report", sentence, "shipping", names_shipping);
    Ok(())
}
