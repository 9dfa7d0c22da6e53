//! The command line: what can be asked for, and who does it.

mod compare;
mod data;
mod doctor;
mod export;
mod list;
mod peers;
mod run;
mod setup;
mod sweep;
mod values;
mod whole_job;

use self::compare::Compare;
use self::data::Data;
use self::doctor::Doctor;
use self::export::Export;
use self::list::List;
use self::peers::Peers;
use self::run::Run;
use self::setup::Setup;
use self::sweep::Sweep;
use self::whole_job::Whole;
use crate::journal;
use crate::measure::protocol::Order;
use crate::measure::{cell, worker};
use anyhow::{Context, Result, ensure};
use clap::{Args, Parser, Subcommand};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Does what the command line asks for: all that the binary does.
pub fn main() -> ExitCode {
    match Command::parse().carry_out() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Which concurrency strategy, on how many cores, with which partition size? Not too big, not too small.
#[derive(Parser)]
// An option given twice counts as it was given last, a list too: a recipe's own may be overruled.
#[command(name = "goldilocks", version, args_override_self = true)]
pub(crate) struct Command {
    #[command(subcommand)]
    wish: Wish,
}

#[derive(Subcommand)]
enum Wish {
    /// Names every task and every strategy
    List(List),
    /// Runs one task with one strategy, verifies the answer and says how long it took
    Run(Run),
    /// Measures tasks × strategies × core counts × partition sizes, and writes the report
    Sweep(Sweep),
    /// Looks for what would spoil a measurement on this machine, and says how to cure it
    Doctor(Doctor),
    /// Makes the report of a run again
    Report(Report),
    /// Writes a run's samples as CSV, one row for each, failures included
    Export(Export),
    /// Compares two runs: differences only where the evidence carries them
    Compare(Compare),
    /// Times other programs at the same job: Python, DuckDB, Polars, mawk and the floors
    Peers(Peers),
    /// Makes or fetches what the tasks read
    #[command(subcommand)]
    Data(Data),
    /// Makes sure that a PostgreSQL server can be had, installing one if need be
    Setup(Setup),
    /// Does the whole job of `word_totals` in one process: one side of `peers`
    #[command(hide = true)]
    Whole(Whole),
    /// Measures one cell: the child of `run` and `sweep`
    #[command(hide = true)]
    Cell,
    /// Serves partitions: the child of the strategy `processes`
    #[command(hide = true)]
    Worker,
}

#[derive(Args)]
struct Report {
    /// The run's id or folder [default: the newest]
    run: Option<String>,
    #[command(flatten)]
    places: Places,
}

#[derive(Args)]
pub(crate) struct Places {
    /// Where runs are kept
    #[arg(long, value_name = "FOLDER", default_value = "reports/runs")]
    pub(crate) runs: PathBuf,
    /// Where generated and fetched data is kept
    #[arg(long, value_name = "FOLDER", default_value = "datasets/generated")]
    data: PathBuf,
}

impl Command {
    /// Does what is asked for.
    pub(crate) fn carry_out(self) -> Result<ExitCode> {
        match self.wish {
            Wish::List(list) => list.carry_out(),
            Wish::Run(run) => run.carry_out(),
            Wish::Sweep(sweep) => sweep.carry_out(),
            Wish::Doctor(doctor) => Ok(doctor.carry_out()),
            Wish::Report(report) => {
                let folder = journal::find(&report.places.runs, report.run.as_deref())?;
                make_report(&folder)?;
                Ok(ExitCode::SUCCESS)
            }
            Wish::Export(export) => export.carry_out(),
            Wish::Compare(compare) => compare.carry_out(),
            Wish::Peers(peers) => peers.carry_out(),
            Wish::Whole(whole) => whole.carry_out(),
            Wish::Data(data) => data.carry_out(),
            Wish::Setup(setup) => Ok(setup.carry_out()),
            Wish::Cell => {
                let mut orders = std::io::stdin().lines();
                let text = orders.next().transpose().context("cannot read the order")?.unwrap_or_default();
                let order: Order = serde_json::from_str(&text).context("`goldilocks cell` expects an order")?;
                cell::measure(&order, |message| {
                    let line = serde_json::to_string(message).unwrap_or_default();
                    // Nobody listens any more: then there is nothing left to do.
                    let _ = writeln!(std::io::stdout(), "{line}");
                    // Until it is recorded, for recording takes processor time. At the end of the input nobody answers.
                    let _ = orders.next();
                });
                Ok(ExitCode::SUCCESS)
            }
            Wish::Worker => {
                worker::serve()?;
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}

/// Writes a run's report beside its record, and its finding to the terminal.
fn make_report(folder: &Path) -> Result<()> {
    let record = record::read(folder.join(journal::FILE))?;
    let path = folder.join("report.html");
    reports::write(&record, &path)?;
    println!("{}", reports::text(&record));
    println!("report: {}", path.display());
    Ok(())
}

fn known_task(name: &str) -> Result<&'static tasks::Entry> {
    let names = || tasks::ALL.iter().map(|task| task.name).collect::<Vec<_>>().join(", ");
    crate::find_task(name).with_context(|| format!("no task `{name}`; there are {}", names()))
}

/// Refuses to write over what is read.
fn not_the_same(output: Option<&Path>, input: Option<&Path>) -> Result<()> {
    let place = |path: Option<&Path>| path.and_then(|path| path.metadata().ok()).map(|it| (it.dev(), it.ino()));
    let same = place(output).is_some_and(|output| Some(output) == place(input));
    ensure!(!same, "--output names the input itself, which would be lost; name another file");
    Ok(())
}

fn known_strategy(name: &str) -> Result<()> {
    let names = || crate::strategies().map(|strategy| strategy.name).collect::<Vec<_>>().join(", ");
    crate::find_strategy(name).with_context(|| format!("no strategy `{name}`; there are {}", names()))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of the justfile that start this program, as it gets them, without what the recipe is given.
    fn recipes() -> Vec<Vec<String>> {
        let text = include_str!("../../../justfile").replace("\\\n", " ");
        let values = [("$words", "100"), ("$zipf", "1.3"), ("$order", ",shuffled")];
        let plain = values.iter().fold(text, |text, (name, value)| text.replace(name, value));
        let commands = plain.lines().filter_map(|line| line.split_once("{{ goldilocks }} "));
        let words = commands.map(|(_, words)| words.split_whitespace().take_while(|word| *word != "||"));
        let given = |word: &&str| !word.starts_with("\"$");
        words.map(|words| words.filter(given).map(str::to_owned).collect()).collect()
    }

    #[test]
    fn every_recipe_asks_for_what_there_is_and_may_be_overruled() {
        let sweeps = recipes().into_iter().filter(|words| words.first().is_some_and(|word| word == "sweep"));
        let sweeps: Vec<Vec<String>> = sweeps.collect();
        assert!(sweeps.len() >= 3, "{sweeps:?}");
        for mut words in sweeps {
            words.extend(
                ["--budget", "20m", "--samples", "7", "--rows", "500", "--strategies", "rayon,processes"]
                    .map(str::to_owned),
            );
            let command = Command::try_parse_from(std::iter::once("goldilocks".to_owned()).chain(words.clone()));
            let Ok(Command { wish: Wish::Sweep(sweep) }) = command else { panic!("{words:?} is no sweep") };
            assert_eq!((sweep.budget, sweep.samples), (Some(1200.0), 7), "what is said last counts");
            assert_eq!(sweep.strategies, ["rayon", "processes"], "a list too");
        }
    }
}
