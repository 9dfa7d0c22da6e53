//! `goldilocks peers`: what other programs take for the job of `word_totals`, on the file that a run had.

use super::values::{positive, seconds};
use super::{Places, make_report};
use crate::peers::{ALL, Contest};
use crate::{journal, machine};
use anyhow::{Context, Result, ensure};
use clap::Args;
use record::{Line, VERSION};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

#[derive(Args)]
pub(crate) struct Peers {
    /// The run's id or folder, in whose record and report they are shown [default: the newest]
    run: Option<String>,
    /// A 1-gram file, instead of the one that a run had; then nothing is recorded
    #[arg(long, value_name = "FILE", conflicts_with = "run")]
    input: Option<PathBuf>,
    /// Only these
    #[arg(long, value_delimiter = ',')]
    programs: Vec<String>,
    /// Numbers of threads [default: 1, 2, 4 and so on up to all processors]
    #[arg(long, value_delimiter = ',', value_parser = positive)]
    threads: Vec<u64>,
    /// How many times each is run, by turns
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// A program that takes longer than this is run once only
    #[arg(long, default_value = "10s", value_parser = seconds)]
    long: f64,
    /// The Python that has DuckDB and Polars [default: that in the data folder's `peers`, or else python3]
    #[arg(long, value_name = "PROGRAM")]
    python: Option<PathBuf>,
    #[command(flatten)]
    places: Places,
}

impl Peers {
    pub(crate) fn carry_out(self) -> Result<ExitCode> {
        let (file, known) = match &self.input {
            Some(file) => (file.clone(), None),
            None => self.of_a_run().map(|(file, known)| (file, Some(known)))?,
        };
        let processors = machine::processors();
        let threads = if self.threads.is_empty() {
            machine::core_counts(processors.len())
        } else {
            self.threads.iter().map(|threads| usize::try_from(*threads)).collect::<Result<_, _>>()?
        };
        let unknown = self.programs.iter().find(|name| ALL.iter().all(|program| program.name != **name));
        let names = || ALL.iter().map(|program| program.name).collect::<Vec<_>>().join(", ");
        ensure!(unknown.is_none(), "no peer `{}`; there are {}", unknown.map_or("", String::as_str), names());
        let wanted = |name: &str| self.programs.is_empty() || self.programs.iter().any(|program| program == name);
        let contest = Contest {
            file,
            goldilocks: std::env::current_exe().context("cannot find this program's own file")?,
            python: self.python(),
            programs: ALL.iter().copied().filter(|program| wanted(program.name)).collect(),
            threads,
            processors,
            rounds: self.rounds,
            long: Duration::from_secs_f64(self.long),
            digest: known.as_ref().map(|known| known.digest.clone()),
        };
        let peers = contest.run(&|line| eprintln!("{line}"))?;
        let Some(Known { folder, .. }) = known else {
            print!("{}", reports::render::terminal::of_peers(&peers));
            return Ok(ExitCode::SUCCESS);
        };
        let mut journal = journal::Journal::go_on(&folder)?;
        peers.into_iter().try_for_each(|peer| journal.write(&Line::Peer(Box::new(peer))))?;
        make_report(&folder)?;
        Ok(ExitCode::SUCCESS)
    }

    /// The file that a run had.
    fn of_a_run(&self) -> Result<(PathBuf, Known)> {
        let folder = journal::find(&self.places.runs, self.run.as_deref())?;
        let run = record::read(folder.join(journal::FILE))?.run;
        let name = tasks::word_totals::ENTRY.name;
        let task = run.tasks.iter().find(|task| task.name == name);
        let task = task.with_context(|| format!("{} has not measured {name}", folder.display()))?;
        ensure!(
            run.version == VERSION,
            "{} has format version {}, and no lines of version {VERSION} belong in it; begin a new run, or give --input FILE",
            folder.display(),
            run.version
        );
        let file = task.options.get("input").context("the run does not say which file it had")?;
        Ok((PathBuf::from(file), Known { digest: task.digest.clone(), folder }))
    }

    /// A virtual environment that `just peers` has made, if there is one.
    fn python(&self) -> PathBuf {
        let made = self.places.data.join("peers/bin/python");
        let found = self.python.clone().or_else(|| made.exists().then_some(made));
        found.unwrap_or_else(|| PathBuf::from("python3"))
    }
}

/// A run to whose record peers are added.
struct Known {
    folder: PathBuf,
    /// The digest of its totals.
    digest: String,
}
