//! What others take for the job of `word_totals`: programs that a user might take instead, on the same file, by turns.
//!
//! Each is a whole process, from its start to its end. Its totals are compared with ours before anything is timed, and
//! every timed run must print the same number of words and of occurrences again.

pub mod whole_job;

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

/// A program that is timed.
#[derive(Debug, Clone, Copy)]
pub struct Program {
    /// Its word on the command line, in the record and in the report.
    pub name: &'static str,
    /// What it does, in one sentence.
    pub about: &'static str,
    role: Role,
    /// Whether it can use more than one thread.
    parallel: bool,
    means: Means,
}

/// How a program is started.
#[derive(Debug, Clone, Copy)]
enum Means {
    /// This program with `whole` and these arguments.
    Own(&'static [&'static str]),
    /// A script for Python, and the module that it needs.
    Python { script: &'static str, module: Option<&'static str> },
    /// mawk with our script.
    Mawk,
    /// `wc -l`.
    LineCount,
}

const fn own(name: &'static str, about: &'static str, arguments: &'static [&'static str]) -> Program {
    Program { name, about, role: Role::Own, parallel: true, means: Means::Own(arguments) }
}

const fn python(
    name: &'static str,
    about: &'static str,
    script: &'static str,
    module: Option<&'static str>,
    parallel: bool,
) -> Program {
    Program { name, about, role: Role::Other, parallel, means: Means::Python { script, module } }
}

/// Those that `goldilocks peers` times unless told otherwise: the floors, ourselves, the others.
pub const ALL: &[Program] = &[
    Program {
        name: "line_count",
        about: "`wc -l`: counts line feeds and nothing else.",
        role: Role::Floor,
        parallel: false,
        means: Means::LineCount,
    },
    Program {
        name: "byte_sum",
        about: "Adds up the bytes of a memory map, eight at a time.",
        role: Role::Floor,
        parallel: true,
        means: Means::Own(&["--floor", "--read", "map"]),
    },
    own("runs_map", "This program: the kernel runs over a memory map.", &["--kernel", "runs", "--read", "map"]),
    own("runs_pread", "This program: the kernel runs, memory bounded.", &["--kernel", "runs", "--read", "pread"]),
    own("bytes_pread", "This program: the kernel bytes, memory bounded.", &["--kernel", "bytes", "--read", "pread"]),
    own("book_pread", "This program: the kernel book, memory bounded.", &["--kernel", "book", "--read", "pread"]),
    python("polars", "Polars: a lazy scan, its streaming engine.", "with_polars.py", Some("polars"), true),
    python("duckdb", "DuckDB: GROUP BY over read_csv.", "with_duckdb.py", Some("duckdb"), true),
    Program {
        name: "mawk",
        about: "mawk: one associative array.",
        role: Role::Other,
        parallel: false,
        means: Means::Mawk,
    },
    python("python", "Python as one writes it first: a loop and a dictionary.", "one_process.py", None, false),
    python("python_pool", "Python with asyncio and a process pool, 60,000 lines a job.", "process_pool.py", None, true),
];

/// The kernel `runs` on one path each, for `prove speed`.
pub const PATHS: &[Program] = &[
    own("portable", "The portable path over a map.", &["--kernel", "runs", "--read", "map", "--vector", "portable"]),
    own("avx2", "The AVX2 path over a map.", &["--kernel", "runs", "--read", "map", "--vector", "avx2"]),
    Program {
        name: "byte_sum_let_go",
        about: "A sum of the map's bytes whose threads share the unmapping.",
        role: Role::Floor,
        parallel: true,
        means: Means::Own(&["--floor", "--read", "map", "--let-go"]),
    },
    own("avx512", "The AVX-512 path over a map.", &["--kernel", "runs", "--read", "map", "--vector", "avx512"]),
];

/// Files that the scripts are, for a folder of their own. What they import lies beside them.
const SCRIPTS: &[(&str, &str)] = &[
    ("report.py", include_str!("../../peers/report.py")),
    ("lines.py", include_str!("../../peers/lines.py")),
    ("one_process.py", include_str!("../../peers/one_process.py")),
    ("process_pool.py", include_str!("../../peers/process_pool.py")),
    ("with_duckdb.py", include_str!("../../peers/with_duckdb.py")),
    ("with_polars.py", include_str!("../../peers/with_polars.py")),
    ("totals.awk", include_str!("../../peers/totals.awk")),
];

/// What is compared, and how long.
#[derive(Debug, Clone)]
pub struct Contest {
    /// The 1-gram file.
    pub file: PathBuf,
    /// This program's own file, which is started for our side.
    pub goldilocks: PathBuf,
    /// The Python that has DuckDB and Polars.
    pub python: PathBuf,
    /// The programs.
    pub programs: Vec<Program>,
    /// Numbers of threads; a program that can use only one is timed with one, whatever stands here.
    pub threads: Vec<usize>,
    /// The processors, in the order in which they are given out: as many as threads.
    pub processors: Vec<usize>,
    /// How many times each program is run, by turns.
    pub rounds: u32,
    /// A program that needs longer than this is run once only.
    pub long: Duration,
    /// The digest that the totals must have, if it is known: the file may have changed since.
    pub digest: Option<String>,
}

/// One program with a number of threads, and what became of it.
struct Side {
    program: Program,
    peer: Peer,
    long: bool,
}

impl Contest {
    /// Checks every program's totals, and times all of them by turns.
    ///
    /// # Errors
    /// When our own totals cannot be had, or a program cannot be started at all. What is absent or wrong is in its line.
    pub fn run(&self, say: &dyn Fn(&str)) -> Result<Vec<Peer>> {
        let folder = tempfile::tempdir().context("cannot make a folder for scripts")?;
        for (name, text) in SCRIPTS {
            std::fs::write(folder.path().join(name), text).context("cannot write a script")?;
        }
        let place = Place { contest: self, folder: folder.path() };
        let (first_line, expected) = (place.first_line()?, self.expected(folder.path())?);
        let mut sides = Vec::new();
        for program in &self.programs {
            let threads = if program.parallel { &self.threads[..] } else { &[1] };
            for threads in threads {
                sides.push(place.introduce(program, *threads, &expected, say)?);
            }
        }
        // A process begins with its parent's peak for its own.
        process::reset_peak_memory(std::process::id());
        for round in 0..self.rounds {
            let mut order: Vec<usize> = (0..sides.len()).collect();
            fastrand::Rng::with_seed(u64::from(round)).shuffle(&mut order);
            for nth in order {
                let side = &mut sides[nth];
                if !side.peer.reason.is_empty() || (side.long && round > 0) {
                    continue;
                }
                say(&format!("round {}: {} on {} threads", round + 1, side.program.name, side.peer.threads));
                let start = place.time(&side.program, side.peer.threads, &first_line, None)?;
                let run = place.time(&side.program, side.peer.threads, &self.file, None)?;
                match run.complaint(&side.program, &expected.report) {
                    None => side.peer.runs.push(PeerRun { start_ns: start.figures.wall_ns, ..run.figures }),
                    Some(reason) => {
                        side.peer.runs.clear();
                        side.peer.reason = reason;
                    }
                }
            }
        }
        Ok(sides.into_iter().map(|side| side.peer).collect())
    }

    /// Our own totals, by the plain loop.
    fn expected(&self, folder: &Path) -> Result<Expected> {
        let options =
            Options { input: Some(self.file.clone()), kernel: Kernel::Bytes, read: Read::Pread, ..Options::default() };
        let task = Arc::new(TotalsOf::new(&options)?);
        let totals = whole_job::totals(&task, NonZeroUsize::MIN)?;
        let digest = strategies::Task::answer(&*task, &totals)?.digest;
        if let Some(known) = self.digest.as_ref().filter(|known| **known != digest) {
            bail!(
                "{} has changed since the run: its totals have the digest {digest}, not {known}; measure again",
                self.file.display()
            );
        }
        let written = folder.join("expected");
        whole_job::write(&totals, &written)?;
        sort(&written)?;
        Ok(Expected { report: whole_job::report(&totals), totals: written })
    }
}

/// What our own totals are: what is printed of them, and a file with their sorted lines.
struct Expected {
    report: String,
    totals: PathBuf,
}

/// Sorts a file's lines. In a process of its own, for what this one holds would count as held by those it starts.
fn sort(path: &Path) -> Result<()> {
    let sorted = Command::new("sort").arg("-o").arg(path).arg(path).env("LC_ALL", "C").status();
    ensure!(sorted.context("cannot start `sort`")?.success(), "cannot sort {}", path.display());
    Ok(())
}

/// A contest with a folder in which it keeps what it needs.
struct Place<'a> {
    contest: &'a Contest,
    folder: &'a Path,
}

/// What was seen of a process.
struct Seen {
    figures: PeerRun,
    printed: String,
    /// Why it did not end well; empty if it did.
    failure: String,
}

impl Seen {
    /// What is wrong with a run, if anything.
    fn complaint(&self, program: &Program, report: &str) -> Option<String> {
        if !self.failure.is_empty() {
            return Some(self.failure.clone());
        }
        let right = program.role == Role::Floor || self.printed.trim_end() == report;
        (!right).then(|| format!("it printed `{}` and not `{report}`", self.printed.trim_end()))
    }
}

impl Place<'_> {
    /// The file's first line as a file.
    fn first_line(&self) -> Result<PathBuf> {
        let (path, file) = (self.folder.join("first_line"), &self.contest.file);
        let mut text = vec![0; 64 * 1024];
        let opened = File::open(file).with_context(|| format!("cannot open {}", file.display()))?;
        let read = opened.take(text.len() as u64).read(&mut text)?;
        let end = text[..read].iter().position(|byte| *byte == b'\n').map_or(read, |feed| feed + 1);
        std::fs::write(&path, &text[..end]).context("cannot write the first line")?;
        Ok(path)
    }

    /// Asks a program for its version, and holds its totals against ours.
    fn introduce(&self, program: &Program, threads: usize, expected: &Expected, say: &dyn Fn(&str)) -> Result<Side> {
        say(&format!("checking {} on {threads} threads", program.name));
        let threads = u32::try_from(threads).context("too many threads")?;
        let mut peer = Peer {
            task: tasks::word_totals::ENTRY.name.to_owned(),
            name: program.name.to_owned(),
            about: program.about.to_owned(),
            role: program.role,
            version: String::new(),
            threads,
            runs: Vec::new(),
            reason: String::new(),
        };
        let mut long = false;
        match self.version(program) {
            Err(reason) => peer.reason = reason,
            Ok(version) => {
                peer.version = version;
                let output = self.folder.join("totals");
                let seen = self.time(program, threads, &self.contest.file, Some(&output))?;
                long = seen.figures.wall_ns > u64::try_from(self.contest.long.as_nanos()).unwrap_or(u64::MAX);
                peer.reason = seen.complaint(program, &expected.report).unwrap_or_default();
                if peer.reason.is_empty() && program.role != Role::Floor {
                    sort(&output)?;
                    if std::fs::read(&output)? != std::fs::read(&expected.totals)? {
                        peer.reason = "its totals are not ours".to_owned();
                    }
                }
            }
        }
        if !peer.reason.is_empty() {
            say(&format!("{} is left out: {}", program.name, peer.reason));
        }
        Ok(Side { program: *program, peer, long })
    }

    /// A program's version in its own words, or why it is absent.
    fn version(&self, program: &Program) -> std::result::Result<String, String> {
        let (start, arguments) = match program.means {
            Means::Own(_) => return Ok(env!("CARGO_PKG_VERSION").to_owned()),
            Means::LineCount => (Path::new("wc"), vec!["--version".to_owned()]),
            Means::Mawk => (Path::new("mawk"), vec!["-W".to_owned(), "version".to_owned()]),
            Means::Python { module: None, .. } => (&*self.contest.python, vec!["--version".to_owned()]),
            Means::Python { module: Some(module), .. } => {
                let ask = format!("import {module}; print({module}.__version__)");
                (&*self.contest.python, vec!["-c".to_owned(), ask])
            }
        };
        let absent = |why: String| format!("absent: {why}");
        let output = Command::new(start).args(arguments).stdin(Stdio::null()).output();
        let output = output.map_err(|error| absent(format!("{}: {error}", start.display())))?;
        if !output.status.success() {
            return Err(absent(last_line(&output.stderr)));
        }
        Ok(String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().to_owned())
    }

    /// Runs a program over a file on as many processors as threads.
    fn time(&self, program: &Program, threads: u32, file: &Path, output: Option<&Path>) -> Result<Seen> {
        let number = threads.to_string();
        let mut command = match program.means {
            Means::Own(arguments) => {
                let mut command = Command::new(&self.contest.goldilocks);
                command.arg("whole").args(arguments).args(["--threads", &number, "--input"]).arg(file);
                if let Some(output) = output {
                    command.arg("--output").arg(output);
                }
                command
            }
            Means::Python { script, .. } => {
                let mut command = Command::new(&self.contest.python);
                // No bytecode is written, and none is found: a script is compiled every time, as a user's own is.
                command.arg("-B").arg(self.folder.join(script)).arg(file).arg(&number).args(output);
                command
            }
            Means::Mawk => {
                let mut command = Command::new("mawk");
                if let Some(output) = output {
                    command.arg("-v").arg(format!("output={}", output.display()));
                }
                command.arg("-f").arg(self.folder.join("totals.awk")).arg(file).env("LC_ALL", "C");
                command
            }
            Means::LineCount => {
                let mut command = Command::new("wc");
                command.arg("-l").arg(file);
                command
            }
        };
        let (out, err) = (self.folder.join("out"), self.folder.join("err"));
        let create = |path: &Path| File::create(path).context("cannot keep what a peer prints");
        command.stdin(Stdio::null()).stdout(create(&out)?).stderr(create(&err)?);
        let all = &self.contest.processors;
        ensure!(
            threads as usize <= all.len(),
            "{threads} threads are asked for, and there are {} processors",
            all.len()
        );
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
        Ok(Seen {
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

/// What a program complained of last.
fn last_line(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it says nothing").trim().to_owned()
}
