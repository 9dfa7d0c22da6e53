//! `goldilocks peers`: times other programs at the job of `word_totals`, on the input file of a run.

use super::exit::Exit;
use super::options::Folders;
use super::output::{look, print};
use super::report::write_report;
use super::values::{positive, seconds};
use crate::journal::{self, Journal};
use crate::machine;
use crate::measure::image;
use crate::peers::engine::Engine;
use crate::peers::{ALL, Contest};
use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use clap::builder::PossibleValuesParser;
use datasets::input::{self, Kind};
use record::{Line, VERSION};
use std::path::PathBuf;
use std::time::Duration;
use system::printing::say;

#[derive(Args)]
#[command(after_help = "\
Examples:
  goldilocks peers                                    # on the newest run's file, shown in its report
  goldilocks peers --input my-1grams.tsv --threads 1  # any file; the result only goes to the terminal
  goldilocks peers --cluster sc://spark.example:15002 --threads 64 --cluster-input /shared/1grams.tsv")]
pub(crate) struct Peers {
    /// The run that gets the times, in its record and its report: id or folder [default: the newest]
    run: Option<String>,
    /// A 1-gram file or a folder of them, as for `run`, instead of the file of a run; then nothing is recorded
    #[arg(long, value_name = "FILE", conflicts_with = "run")]
    input: Option<PathBuf>,
    /// The programs [default: all]
    #[arg(long, value_delimiter = ',', value_parser = PossibleValuesParser::new(ALL.iter().map(|program| program.name)))]
    programs: Vec<String>,
    /// Thread counts [default: 1, 2, 4 and so on up to all cores]
    #[arg(long, value_delimiter = ',', value_parser = positive)]
    threads: Vec<u64>,
    /// How often each program runs, in turns
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// A program that takes longer than this runs only once
    #[arg(long, default_value = "10s", value_parser = seconds)]
    long: f64,
    /// The Python with DuckDB and Polars [default: the one in the data folder's `peers`, otherwise python3]
    #[arg(long, value_name = "PROGRAM")]
    python: Option<PathBuf>,
    /// Time a distributed engine instead of programs: sail, spark, or the address of one that runs already
    #[arg(long, value_name = "sail|spark|sc://HOST:PORT", conflicts_with = "programs")]
    cluster: Option<String>,
    /// The path of the file as the cluster finds it [default: the same]
    #[arg(long, value_name = "PATH", requires = "cluster")]
    cluster_input: Option<PathBuf>,
    /// How long the cluster may take to start, and for each query with its repetition
    #[arg(long, default_value = "120s", value_parser = seconds, requires = "cluster")]
    deadline: f64,
    #[command(flatten)]
    folders: Folders,
}

impl Peers {
    pub(crate) fn run(self) -> Result<Exit> {
        let (file, known) = match &self.input {
            Some(file) => {
                let say = |line: &str| say(line);
                let files = std::slice::from_ref(file);
                (input::plain(Kind::Grams, files, &self.folders.data, &say)?.path, None)
            }
            None => self.file_of_run().map(|(file, known)| (file, Some(known)))?,
        };
        let processors = machine::processors();
        let threads = if self.threads.is_empty() {
            machine::core_counts(processors.len(), [])
        } else {
            self.threads.iter().map(|threads| usize::try_from(*threads)).collect::<Result<_, _>>()?
        };
        if self.threads.is_empty() && self.cluster.as_ref().is_some_and(|cluster| cluster.contains("://")) {
            bail!("the cores of a cluster elsewhere are not known; give their number with --threads");
        }
        let wanted = |name: &str| self.programs.is_empty() || self.programs.iter().any(|program| program == name);
        let contest = Contest {
            // A program would take `-x` as an option, and mawk would take `FS=x` as an assignment.
            file: std::path::absolute(&file).with_context(|| format!("cannot find {}", file.display()))?,
            goldilocks: image::PROGRAM.into(),
            python: self.python(),
            programs: ALL.iter().copied().filter(|program| wanted(program.name)).collect(),
            threads,
            processors,
            rounds: self.rounds,
            long: Duration::from_secs_f64(self.long),
            digest: known.as_ref().map(|known| known.digest.clone()),
        };
        // Opened before anything is timed, because another process may be adding to the record.
        let journal = known.as_ref().map(|known| Journal::resume(&known.folder)).transpose()?;
        let peers = match self.engine() {
            Some(engine) => contest.run_engine(&engine)?,
            None => contest.run(&|line| say(line))?,
        };
        // The table also shows that an engine failed, but a script looks at the exit code.
        let failed = peers.iter().find(|peer| peer.is_engine() && !peer.reason.is_empty());
        let failed = failed.map(|peer| format!("{} failed: {}", peer.name, peer.reason));
        let done = || failed.map_or(Ok(Exit::Done), |failed| bail!(failed));
        let Some(mut journal) = journal else {
            let (engines, peers): (Vec<_>, Vec<_>) = peers.iter().partition(|peer| peer.is_engine());
            let peers = reports::analysis::peers::Peers::new(&peers, u32::MAX, Vec::new()).results;
            print(reports::render::terminal::of_peers(tasks::word_totals::ENTRY.name, &peers, &look(false)))?;
            let engines = reports::analysis::engines::Engines::new(&engines, None);
            print(reports::render::terminal::of_engines(
                tasks::word_totals::ENTRY.name,
                engines.as_ref(),
                &look(false),
            ))?;
            return done();
        };
        peers.into_iter().try_for_each(|peer| journal.write(&Line::Peer(Box::new(peer))))?;
        write_report(journal.folder(), &self.folders, false)?;
        done()
    }

    /// Returns the distributed engine that the user named.
    fn engine(&self) -> Option<Engine> {
        Some(Engine {
            name: self.cluster.clone()?,
            installed: self.folders.data.join("peers"),
            input: self.cluster_input.clone(),
            deadline: self.deadline,
        })
    }

    /// Returns the input file of a run.
    fn file_of_run(&self) -> Result<(PathBuf, Known)> {
        let folder = journal::find(&self.folders.runs, self.run.as_deref())?;
        let run = record::read(folder.join(journal::FILE))?.run;
        let name = tasks::word_totals::ENTRY.name;
        let task = run.tasks.iter().find(|task| task.name == name);
        let task = task.with_context(|| {
            format!("{} has not measured {name}; name another run, or give --input FILE", folder.display())
        })?;
        ensure!(
            run.version == VERSION,
            "{} has record version {}, and this program adds lines of version {VERSION}; start a new run, or give --input FILE",
            folder.display(),
            run.version
        );
        let file = task.options.get("input").context("the record does not name its input file; give --input FILE")?;
        Ok((PathBuf::from(file), Known { digest: task.digest.clone(), folder }))
    }

    /// Returns the Python that the user named. By default this is the virtual environment's in the data folder, or else
    /// `python3`.
    fn python(&self) -> PathBuf {
        let made = self.folders.data.join("peers/bin/python");
        let found = self.python.clone().or_else(|| made.exists().then_some(made));
        found.unwrap_or_else(|| PathBuf::from("python3"))
    }
}

/// The run that gets the times.
struct Known {
    folder: PathBuf,
    /// The digest of its totals.
    digest: String,
}
