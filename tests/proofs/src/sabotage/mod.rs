//! Strategies and tasks that cheat, each in one way: the harness must refuse every one of them, by its own name.
//!
//! They are known to the program `sabotaged` alone, which is `goldilocks` with these and the
//! [`instruments`](crate::instruments) in it.

pub mod strategies;
pub mod tasks;

use anyhow::{Context, Result, bail, ensure};
use datasets::products::Products;
use postgres::{Environment, Server, connect};
use record::{Fault, Sample, Status};
use std::process::Command;
use testbed::sabotaged;
use testbed::sandbox::Sandbox;

/// A way to cheat, and what the harness must call it.
#[derive(Debug, Clone, Copy)]
pub struct Sabotage {
    /// The strategy's name, or the task's.
    pub name: &'static str,
    /// What the record must say.
    pub fault: Fault,
    /// How the sample must have come out.
    pub status: Status,
    /// What it is tried on.
    pub trial: Trial,
}

/// What a sabotage is tried on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trial {
    /// Counting for some milliseconds, in many partitions.
    Short,
    /// Counting for longer than the 200 ms that the census needs, with two workers on one core.
    Long,
    /// Waiting for as long, with four workers on one core: a worker that is missing costs time.
    Waiting,
    /// A task that cheats, with an honest strategy.
    Task,
}

const fn strategy(name: &'static str, fault: Fault, status: Status, trial: Trial) -> Sabotage {
    Sabotage { name, fault, status, trial }
}

/// Every way to cheat.
pub const ALL: &[Sabotage] = &[
    strategy("drops_the_last", Fault::DroppedJob, Status::Failed, Trial::Short),
    strategy("repeats_one", Fault::RepeatedReply, Status::Failed, Trial::Short),
    strategy("swaps_two", Fault::MismatchedReply, Status::Failed, Trial::Short),
    strategy("keeps_answers", Fault::StaleReply, Status::Failed, Trial::Short),
    strategy("stops_early", Fault::AbandonedSource, Status::Failed, Trial::Short),
    strategy("returns_early", Fault::ReportedEarly, Status::Failed, Trial::Short),
    strategy("panics", Fault::Panicked, Status::Failed, Trial::Short),
    strategy("kills_itself", Fault::Crashed, Status::Crashed, Trial::Short),
    strategy("deadlocks", Fault::Hung, Status::Hung, Trial::Short),
    strategy("ignores_cancel", Fault::IgnoredCancel, Status::Unfair, Trial::Short),
    strategy("leaks_threads", Fault::LeakedThreads, Status::Unfair, Trial::Short),
    strategy("ignores_the_limit", Fault::TooManyJobs, Status::Unfair, Trial::Short),
    strategy("takes_all_cores", Fault::ForeignCores, Status::Unfair, Trial::Short),
    strategy("forges_answers", Fault::WorkNotDone, Status::Unfair, Trial::Long),
    strategy("twice_the_threads", Fault::ExtraThreads, Status::Unfair, Trial::Long),
    strategy("half_the_workers", Fault::TooFewJobs, Status::Unfair, Trial::Waiting),
    strategy("splits_words", Fault::WrongAnswer, Status::Wrong, Trial::Task),
    strategy("skips_a_row", Fault::LostItems, Status::Wrong, Trial::Task),
];

/// Whether `sabotage` can be tried on a machine with so many processors.
pub fn can_be_tried(sabotage: &Sabotage, processors: usize) -> bool {
    // There is no foreign core on a machine with one.
    sabotage.fault != Fault::ForeignCores || processors > 1
}

/// Measures every sabotage of `trial`, and returns the samples that each of them got into the record.
///
/// # Errors
/// When a sweep cannot be run, or a cheat is not there at all.
pub fn measure(trial: Trial) -> Result<Vec<(Sabotage, Vec<Sample>)>> {
    let tried: Vec<&Sabotage> = ALL.iter().filter(|sabotage| sabotage.trial == trial).collect();
    let names = tried.iter().map(|sabotage| sabotage.name).collect::<Vec<_>>().join(",");
    let sandbox = Sandbox::default();
    let mut sweep = Command::new(sabotaged());
    sweep.args(["sweep", "--anyway"]).args(["--blocks", "1", "--samples", "2", "--patience", "6s", "--budget", "1h"]);
    sweep.arg("--runs").arg(sandbox.runs()).arg("--data").arg(sandbox.path("data")).current_dir(sandbox.temp());
    let server = match trial {
        Trial::Task => {
            let server = Server::open(&Environment::of_this_process(), 100_000).context("no PostgreSQL")?;
            server.load(&Products::new(1, 1_000)?)?;
            let table = server.table::<Products>();
            let (client, mut driver) = connect(&server.url())?;
            let view = format!("CREATE VIEW {table}_short AS SELECT * FROM {table} WHERE product_id <> 500");
            driver.block_on(client.batch_execute(&view)).context("cannot make the view")?;
            sweep.args(["--tasks", &names, "--strategies", "rayon,processes", "--cores", "1", "--sizes", "100"]);
            sweep.args(["--database-url", &server.url(), "--table", &table]);
            Some(server)
        }
        Trial::Short => {
            sweep.args(["--tasks", "count", "--increments", "50000000", "--deliveries", "in_order"]);
            sweep.args(["--strategies", &names, "--cores", "1", "--workers", "2", "--sizes", "16"]);
            None
        }
        Trial::Long => {
            sweep.args(["--tasks", "count", "--increments", "1600000000"]);
            sweep.args(["--strategies", &names, "--cores", "1", "--workers", "2", "--sizes", "16"]);
            None
        }
        Trial::Waiting => {
            sweep.args(["--tasks", "virtual_work", "--waits", "200"]);
            sweep.args(["--strategies", &names, "--cores", "1", "--workers", "4", "--sizes", "1"]);
            None
        }
    };
    let output = sweep.output().context("cannot start the program with the cheats")?;
    if let Some(server) = server {
        server.stop()?;
    }
    ensure!(testbed::completed(output.status), "the sweep failed: {}", String::from_utf8_lossy(&output.stderr));
    let record = sandbox.record();
    let mut found = Vec::new();
    for sabotage in tried {
        let is_it = |sample: &&Sample| match trial {
            Trial::Task => sample.cell.task == sabotage.name,
            Trial::Short | Trial::Long | Trial::Waiting => sample.cell.strategy == sabotage.name,
        };
        let samples: Vec<Sample> = record.samples.iter().filter(is_it).cloned().collect();
        if samples.is_empty() {
            bail!("`{}` is not in the record: {}", sabotage.name, String::from_utf8_lossy(&output.stderr));
        }
        found.push((*sabotage, samples));
    }
    Ok(found)
}

/// What is wrong with how a sabotage was judged, if anything.
pub fn misjudged(sabotage: &Sabotage, samples: &[Sample]) -> Option<String> {
    let refused: Vec<&Sample> = samples.iter().filter(|sample| sample.status != Status::Verified).collect();
    let Some(last) = refused.first() else {
        return Some(format!("{} was taken for honest", sabotage.name));
    };
    let as_it_should = last.fault == Some(sabotage.fault) && last.status == sabotage.status && last.times.is_none();
    (!as_it_should).then(|| {
        format!(
            "{} should be {:?} ({:?}) and is {:?} ({:?}): {}",
            sabotage.name, sabotage.fault, sabotage.status, last.fault, last.status, last.reason
        )
    })
}
