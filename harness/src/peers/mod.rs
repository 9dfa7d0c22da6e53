//! Times other programs at the job of `word_totals` on the same file. The programs run in turns.
//!
//! Each run of a peer is a process, timed from start to end. Before anything is timed, the peer's totals are compared
//! with ours. Every timed run must print the right numbers of words and occurrences.

pub mod engine;
mod programs;
pub mod whole_job;

pub use programs::{ALL, PATHS, Program};

use self::programs::{Launchers, SCRIPTS, last_line};
use crate::counted;
use crate::measure::process::pin;
use anyhow::{Context, Result, bail, ensure};
use record::{Peer, PeerRun, Role};
use std::fs::File;
use std::io::Read as _;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use system::{process, usage};
use tasks::word_totals::{Kernel, Options, Read, TotalsOf};

/// The programs to compare, and the settings of the comparison.
#[derive(Debug, Clone)]
pub struct Contest {
    /// The plain 1-gram file. Its path is absolute, because programs give other paths a meaning.
    pub file: PathBuf,
    /// The path of this executable.
    pub goldilocks: PathBuf,
    /// The Python interpreter that has DuckDB and Polars.
    pub python: PathBuf,
    /// The programs.
    pub programs: Vec<Program>,
    /// The thread counts. A program that can use only one thread is timed with one.
    pub threads: Vec<usize>,
    /// The processors, in the order in which programs get them. A program gets one processor for each thread.
    pub processors: Vec<usize>,
    /// The number of timed runs of each program.
    pub rounds: u32,
    /// A program that needs longer than this runs only once.
    pub long: Duration,
    /// The digest of the totals in the run's record, if known. A different digest shows that the file has changed
    /// since.
    pub digest: Option<String>,
}

/// A program with a thread count, and its results so far.
struct Entrant {
    program: Program,
    peer: Peer,
    long: bool,
}

impl Contest {
    /// Checks every program's totals, then times the programs in turns. A program that is missing or wrong gets a
    /// reason instead of times.
    ///
    /// # Errors
    /// When our own totals cannot be computed, or a process cannot be started.
    pub fn run(&self, say: &dyn Fn(&str)) -> Result<Vec<Peer>> {
        let available = self.processors.len();
        if let Some(threads) = self.threads.iter().find(|threads| **threads > available) {
            bail!("{threads} threads need as many processors, and this process may use {available}");
        }
        let folder = tempfile::tempdir().context("cannot create a folder for the scripts")?;
        for (name, text) in SCRIPTS {
            std::fs::write(folder.path().join(name), text).context("cannot write a script")?;
        }
        let workspace = Workspace { contest: self, folder: folder.path() };
        let (first_line, expected) = (workspace.first_line()?, self.expected(folder.path())?);
        let mut entrants = Vec::new();
        for program in &self.programs {
            let threads = if program.parallel { &self.threads[..] } else { &[1] };
            for threads in threads {
                entrants.push(workspace.check(program, *threads, &expected, say)?);
            }
        }
        // A process inherits the peak memory of its parent, so reset ours.
        process::reset_peak_memory(std::process::id());
        for round in 0..self.rounds {
            let mut order: Vec<usize> = (0..entrants.len()).collect();
            fastrand::Rng::with_seed(u64::from(round)).shuffle(&mut order);
            for nth in order {
                let entrant = &mut entrants[nth];
                if !entrant.peer.reason.is_empty() || (entrant.long && round > 0) {
                    continue;
                }
                let threads = counted(entrant.peer.threads.into(), "thread");
                say(&format!("round {}: {} on {threads}", round + 1, entrant.program.name));
                let start = workspace.time(&entrant.program, entrant.peer.threads, &first_line, None)?;
                let run = workspace.time(&entrant.program, entrant.peer.threads, &self.file, None)?;
                match run.what_is_wrong(&entrant.program, &expected.report) {
                    None => entrant.peer.runs.push(PeerRun { start_ns: start.figures.wall_ns, ..run.figures }),
                    Some(reason) => {
                        entrant.peer.runs.clear();
                        entrant.peer.reason = reason;
                    }
                }
            }
        }
        Ok(entrants.into_iter().map(|entrant| entrant.peer).collect())
    }

    /// Computes our own totals with the plain loop.
    fn expected(&self, folder: &Path) -> Result<Expected> {
        let options =
            Options { input: Some(self.file.clone()), kernel: Kernel::Bytes, read: Read::Pread, ..Options::default() };
        let task = Arc::new(TotalsOf::new(&options)?);
        let totals = whole_job::totals(&task, NonZeroUsize::MIN)?;
        let digest = strategies::Task::answer(&*task, &totals)?.digest;
        if let Some(known) = self.digest.as_ref().filter(|known| **known != digest) {
            bail!(
                "{} has changed since the run: its totals have the digest {digest}, not {known}; begin a new run",
                self.file.display()
            );
        }
        let written = folder.join("expected");
        let filled = system::atomic_file::fill(&written, |out| whole_job::write(&totals, out));
        filled.with_context(|| format!("cannot write {}", written.display()))?;
        sort(&written)?;
        Ok(Expected { report: whole_job::report(&totals), totals: written })
    }
}

/// Our own totals: the summary that a peer must print, and a file with sorted lines.
struct Expected {
    report: String,
    totals: PathBuf,
}

/// Sorts the lines of a file in a separate process, because peers inherit the peak memory of this process.
fn sort(path: &Path) -> Result<()> {
    let sorted = Command::new("sort").arg("-o").arg(path).arg(path).env("LC_ALL", "C").status();
    ensure!(sorted.context("cannot start `sort`")?.success(), "cannot sort {}", path.display());
    Ok(())
}

/// A contest with a folder for its scripts and outputs.
struct Workspace<'a> {
    contest: &'a Contest,
    folder: &'a Path,
}

/// The result of a process that has ended.
struct Finished {
    figures: PeerRun,
    printed: String,
    /// The reason for a failure; empty if the process succeeded.
    failure: String,
}

impl Finished {
    /// Returns the reason why a run is wrong, if it is.
    fn what_is_wrong(&self, program: &Program, report: &str) -> Option<String> {
        if !self.failure.is_empty() {
            return Some(self.failure.clone());
        }
        let right = program.role == Role::Floor || self.printed.trim_end() == report;
        (!right).then(|| format!("it printed `{}` and not `{report}`", self.printed.trim_end()))
    }
}

impl Workspace<'_> {
    /// Writes the first line of the input to a separate file. A run on that file shows the time that a program takes to
    /// start.
    fn first_line(&self) -> Result<PathBuf> {
        let (path, file) = (self.folder.join("first_line"), &self.contest.file);
        let mut text = vec![0; 64 * 1024];
        let opened = File::open(file).with_context(|| format!("cannot open {}", file.display()))?;
        let read = opened.take(text.len() as u64).read(&mut text)?;
        let end = text[..read].iter().position(|byte| *byte == b'\n').map_or(read, |feed| feed + 1);
        std::fs::write(&path, &text[..end]).context("cannot write the first line")?;
        Ok(path)
    }

    /// Asks a program for its version, and compares its totals with ours.
    fn check(&self, program: &Program, threads: usize, expected: &Expected, say: &dyn Fn(&str)) -> Result<Entrant> {
        say(&format!("checking {} on {}", program.name, counted(threads as u64, "thread")));
        let threads = u32::try_from(threads).context("too many threads")?;
        let mut peer = Peer {
            task: tasks::word_totals::ENTRY.name.to_owned(),
            name: program.name.to_owned(),
            about: program.about.to_owned(),
            role: program.role,
            version: String::new(),
            threads,
            runs: Vec::new(),
            queries: None,
            reason: String::new(),
        };
        let mut long = false;
        match program.version(&self.contest.python) {
            Err(reason) => peer.reason = reason,
            Ok(version) => {
                peer.version = version;
                let output = self.folder.join("totals");
                let finished = self.time(program, threads, &self.contest.file, Some(&output))?;
                long = finished.figures.wall_ns > u64::try_from(self.contest.long.as_nanos()).unwrap_or(u64::MAX);
                peer.reason = finished.what_is_wrong(program, &expected.report).unwrap_or_default();
                if peer.reason.is_empty() && program.role != Role::Floor {
                    sort(&output)?;
                    if std::fs::read(&output)? != std::fs::read(&expected.totals)? {
                        peer.reason = "its totals differ from ours".to_owned();
                    }
                }
            }
        }
        if !peer.reason.is_empty() {
            say(&format!("{} is left out: {}", program.name, peer.reason));
        }
        Ok(Entrant { program: *program, peer, long })
    }

    /// Runs a program over a file, on as many processors as threads.
    fn time(&self, program: &Program, threads: u32, file: &Path, output: Option<&Path>) -> Result<Finished> {
        let Contest { goldilocks, python, .. } = self.contest;
        let launchers = Launchers { goldilocks, python, scripts: self.folder };
        let mut command = program.command(launchers, threads, file, output);
        let (out, err) = (self.folder.join("out"), self.folder.join("err"));
        let create = |path: &Path| File::create(path).context("cannot create a file for the output of a peer");
        command.stdin(Stdio::null()).stdout(create(&out)?).stderr(create(&err)?);
        let all = &self.contest.processors;
        pin(&all[..threads as usize])?;
        let began = Instant::now();
        let ended = command.spawn().and_then(usage::wait);
        let wall = began.elapsed();
        pin(all)?;
        let ended = ended.with_context(|| format!("cannot run {}", program.name))?;
        let nanoseconds = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let failure = match ended.status.success() {
            true => String::new(),
            false => format!("it failed: {}", last_line(&std::fs::read(&err)?)),
        };
        Ok(Finished {
            figures: PeerRun {
                wall_ns: nanoseconds(wall),
                start_ns: 0,
                cpu_ns: nanoseconds(ended.usage.processor_time()),
                system_ns: Some(nanoseconds(ended.usage.system)),
                minor_faults: Some(ended.usage.minor_faults),
                peak_memory_bytes: ended.peak_memory_bytes,
            },
            printed: std::fs::read_to_string(&out).unwrap_or_default(),
            failure,
        })
    }
}
