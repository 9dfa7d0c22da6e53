//! `goldilocks-cluster`: word totals on a distributed engine. Prints one line of the record for each number of cores.

#![deny(clippy::print_stdout, clippy::print_stderr)]

use anyhow::{Context, Result, ensure};
use clap::{Parser, Subcommand};
use cluster::java;
use cluster::measure::{Measurement, measure};
use cluster::setup::{Kind, Setup};
use rustix::process::{Signal, set_parent_process_death_signal};
use rustix::thread::{CpuSet, sched_setaffinity};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use system::printing::{print, say};
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

/// Word totals on a distributed engine, through Spark Connect. `goldilocks peers --cluster` runs this program.
#[derive(Parser)]
#[command(name = "goldilocks-cluster", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Times an engine and prints a line of the record for each number of cores
    Measure(Measure),
    /// Finds Java, or installs Debian's, and prints its folder
    Java,
}

#[derive(clap::Args)]
struct Measure {
    /// sail, spark, or the address of an engine that runs already, such as sc://host:15002
    engine: Kind,
    /// The folder in which Sail and Spark are installed
    #[arg(long, value_name = "FOLDER")]
    installed: PathBuf,
    /// The 1-gram file, as the engine finds it
    #[arg(long, value_name = "FILE")]
    input: PathBuf,
    /// A file with only the first line, to time what a query costs in any case
    #[arg(long, value_name = "FILE")]
    first_line: Option<PathBuf>,
    /// Our own totals, sorted lines of a word, a tab and its total
    #[arg(long, value_name = "FILE")]
    expected: PathBuf,
    /// The numbers of cores; an engine at an address has the first
    #[arg(long, value_delimiter = ',', required = true, value_parser = clap::value_parser!(u32).range(1..))]
    cores: Vec<u32>,
    /// The processors to use; an engine on n cores gets the first n
    #[arg(long, value_delimiter = ',')]
    processors: Vec<usize>,
    /// The number of warm queries
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// An engine whose query takes more seconds is asked only once
    #[arg(long, default_value_t = 10.0)]
    long: f64,
    /// The seconds that the start, and each query with its repetition, may take
    #[arg(long, default_value_t = 120.0)]
    deadline: f64,
}

fn main() -> ExitCode {
    // Without the program that reads our lines, there is nothing to time. An engine's processes die with this one.
    let _ = set_parent_process_death_signal(Some(Signal::TERM));
    let done = match Cli::parse().command {
        Command::Measure(measure) => measure.run(),
        Command::Java => java::install().and_then(|home| Ok(print(format_args!("{}\n", home.display()))?)),
    };
    done.map_or_else(
        |error| {
            say(format_args!("error: {error:#}"));
            ExitCode::FAILURE
        },
        |()| ExitCode::SUCCESS,
    )
}

impl Measure {
    fn run(self) -> Result<()> {
        // One thread, because an engine's processes die with the thread that starts them.
        let runtime = Builder::new_current_thread().enable_all().build().context("cannot start a runtime")?;
        runtime.block_on(async {
            let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
            let mut hang_up = signal(SignalKind::hangup())?;
            tokio::select! {
                done = self.measure() => done,
                _ = interrupt.recv() => Err(anyhow::anyhow!("interrupted")),
                _ = terminate.recv() => Err(anyhow::anyhow!("terminated")),
                _ = hang_up.recv() => Err(anyhow::anyhow!("the terminal was closed")),
            }
        })
    }

    async fn measure(&self) -> Result<()> {
        let expected = std::fs::read(&self.expected);
        let expected = expected.with_context(|| format!("cannot read {}", self.expected.display()))?;
        let seconds = |seconds: f64| Duration::try_from_secs_f64(seconds).context("not a time in seconds");
        let (long, deadline) = (seconds(self.long)?, seconds(self.deadline)?);
        let ours = !matches!(self.engine, Kind::At(_));
        // Our engines run in a folder of their own; the path for another one has its own meaning.
        let absolute = |path: &PathBuf| if ours { std::path::absolute(path) } else { Ok(path.clone()) };
        let installed = std::path::absolute(&self.installed)?;
        for cores in &self.cores[..if ours { self.cores.len() } else { 1 }] {
            if ours {
                pin(&self.processors, *cores as usize)?;
            }
            let setup = Setup { kind: self.engine.clone(), installed: installed.clone(), cores: *cores, deadline };
            let peer = measure(&Measurement {
                setup,
                file: absolute(&self.input)?,
                first_line: self.first_line.as_ref().map(absolute).transpose()?,
                expected: expected.clone(),
                rounds: self.rounds,
                long,
            })
            .await;
            print(format_args!("{}\n", serde_json::to_string(&peer)?))?;
        }
        Ok(())
    }
}

/// Restricts this process, and the engine that it starts, to the first `cores` processors.
fn pin(processors: &[usize], cores: usize) -> Result<()> {
    if processors.is_empty() {
        return Ok(());
    }
    ensure!(cores <= processors.len(), "{cores} cores need as many processors, and there are {}", processors.len());
    let mut set = CpuSet::new();
    processors[..cores].iter().for_each(|processor| set.set(*processor));
    sched_setaffinity(None, &set).context("cannot restrict this process to its processors")
}
