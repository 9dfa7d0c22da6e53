//! Strategies and tasks that cheat, each in one way. The harness must reject each of them and name the right fault.
//!
//! Only the program `sabotaged` includes them. It is `goldilocks` with these cheats and the
//! [`instruments`](crate::instruments).

pub mod strategies;
pub mod tasks;

use anyhow::{Context, Result, ensure};
use datasets::products::Products;
use postgres::{Environment, Server, connect};
use record::{Fault, Sample, Status};
use std::process::Command;
use testbed::sabotaged;
use testbed::sandbox::Sandbox;

/// A way to cheat, and the verdict that the harness must give.
#[derive(Debug, Clone, Copy)]
pub struct Sabotage {
    /// The name of the strategy or task that cheats.
    pub name: &'static str,
    /// The fault that the record must name.
    pub fault: Fault,
    /// The status that the sample must have.
    pub status: Status,
    /// The sweep that tries it.
    pub trial: Trial,
}

/// A sweep that tries some of the cheats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trial {
    /// The task counts for some milliseconds, in many partitions.
    Short,
    /// The task counts for longer than the 20 ms that the census needs, with two workers on one core.
    Long,
    /// The task waits for as long, with four workers on one core. A missing worker makes it slower.
    Waiting,
    /// The task cheats, and the strategy is honest.
    Task,
}

const fn cheat(name: &'static str, fault: Fault, status: Status, trial: Trial) -> Sabotage {
    Sabotage { name, fault, status, trial }
}

/// Every cheat.
pub const ALL: &[Sabotage] = &[
    cheat("drops_the_last", Fault::DroppedJob, Status::Failed, Trial::Short),
    cheat("repeats_one", Fault::RepeatedReply, Status::Failed, Trial::Short),
    cheat("swaps_two", Fault::MismatchedReply, Status::Failed, Trial::Short),
    cheat("keeps_answers", Fault::StaleReply, Status::Failed, Trial::Short),
    cheat("stops_early", Fault::AbandonedSource, Status::Failed, Trial::Short),
    cheat("returns_early", Fault::ReportedEarly, Status::Failed, Trial::Short),
    cheat("panics", Fault::Panicked, Status::Failed, Trial::Short),
    cheat("kills_itself", Fault::Crashed, Status::Crashed, Trial::Short),
    cheat("deadlocks", Fault::Hung, Status::Hung, Trial::Short),
    cheat("ignores_cancel", Fault::IgnoredCancel, Status::Unfair, Trial::Short),
    cheat("leaks_threads", Fault::LeakedThreads, Status::Unfair, Trial::Short),
    cheat("ignores_the_limit", Fault::TooManyJobs, Status::Unfair, Trial::Short),
    cheat("takes_all_cores", Fault::ForeignCores, Status::Unfair, Trial::Short),
    cheat("forges_answers", Fault::WorkNotDone, Status::Unfair, Trial::Long),
    cheat("twice_the_threads", Fault::ExtraThreads, Status::Unfair, Trial::Long),
    cheat("half_the_workers", Fault::TooFewJobs, Status::Unfair, Trial::Waiting),
    cheat("splits_words", Fault::WrongAnswer, Status::Wrong, Trial::Task),
    cheat("skips_a_row", Fault::LostItems, Status::Wrong, Trial::Task),
];

/// Whether `sabotage` can be tried here: a machine with one core has no foreign core.
pub fn can_be_tried(sabotage: &Sabotage) -> bool {
    sabotage.fault != Fault::ForeignCores || harness::machine::processors().len() > 1
}

/// Runs the sweep of a trial, and returns each cheat with its samples in the record.
pub fn measure(trial: Trial) -> Result<Vec<(Sabotage, Vec<Sample>)>> {
    let tried: Vec<&Sabotage> = ALL.iter().filter(|sabotage| sabotage.trial == trial).collect();
    let names = tried.iter().map(|sabotage| sabotage.name).collect::<Vec<_>>().join(",");
    let sandbox = Sandbox::default();
    let mut sweep = Command::new(sabotaged());
    sweep.args(["sweep", "--anyway", "--blocks", "1", "--samples", "2", "--patience", "6s", "--budget", "1h"]);
    sweep.arg("--runs").arg(sandbox.runs()).arg("--data").arg(sandbox.path("data")).current_dir(sandbox.temp());
    let mut server = None;
    let settings: &[&str] = match trial {
        Trial::Task => {
            let started = Server::open(&Environment::of_this_process(), 100_000).context("no PostgreSQL")?;
            started.load(&Products::new(1, 1_000)?)?;
            let table = started.table::<Products>();
            let (client, mut driver) = connect(&started.url())?;
            let view = format!("CREATE VIEW {table}_short AS SELECT * FROM {table} WHERE product_id <> 500");
            driver.block_on(client.batch_execute(&view)).context("cannot make the view")?;
            sweep.args(["--tasks", &names, "--database-url", &started.url(), "--table", &table]);
            server = Some(started);
            &["--strategies", "rayon,processes", "--sizes", "100"]
        }
        Trial::Short => {
            &["--tasks=count", "--increments=50000000", "--deliveries=in_order", "--workers=2", "--sizes=16"]
        }
        Trial::Long => &["--tasks=count", "--increments=240000000", "--workers=2", "--sizes=16"],
        Trial::Waiting => &["--tasks=virtual_work", "--waits=16", "--workers=4", "--sizes=1"],
    };
    sweep.args(settings).args(["--cores", "1"]);
    if trial != Trial::Task {
        sweep.args(["--strategies", &names]);
    }
    let output = sweep.output().context("cannot start the program with the cheats")?;
    if let Some(server) = server {
        server.stop()?;
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(testbed::completed(output.status), "the sweep failed: {errors}");
    let record = sandbox.record();
    let samples_of = |sabotage: &Sabotage| {
        let named = |sample: &&Sample| match trial {
            Trial::Task => sample.cell.task == sabotage.name,
            Trial::Short | Trial::Long | Trial::Waiting => sample.cell.strategy == sabotage.name,
        };
        let samples: Vec<Sample> = record.samples.iter().filter(named).cloned().collect();
        ensure!(!samples.is_empty(), "`{}` is not in the record: {errors}", sabotage.name);
        Ok((*sabotage, samples))
    };
    tried.into_iter().map(samples_of).collect()
}

/// Checks the verdict on a cheat. Returns a description of the mistake, or `None` if the verdict is correct.
pub fn misjudged(sabotage: &Sabotage, samples: &[Sample]) -> Option<String> {
    let Sabotage { name, fault, status, .. } = *sabotage;
    let Some(refused) = samples.iter().find(|sample| sample.status != Status::Verified) else {
        return Some(format!("{name} is not detected"));
    };
    let right = refused.fault == Some(fault) && refused.status == status && refused.times.is_none();
    let Sample { fault: found, status: as_status, reason, .. } = refused;
    (!right).then(|| format!("{name} should be {fault:?} ({status:?}) and is {found:?} ({as_status:?}): {reason}"))
}
