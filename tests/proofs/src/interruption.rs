//! Interrupts sweeps at random moments and checks the record, processes and files that remain.
//!
//! How it works:
//! 1. Two undisturbed sweeps show how long a sweep takes: starting PostgreSQL, making a 1-gram file, measuring, and writing
//!    the report.
//! 2. Other sweeps are interrupted at random moments that cover all of that time.
//! 3. The record must still contain all lines that it had just before. No process and no temporary file may remain.
//!    `--resume` must complete exactly the planned samples of every cell.

use anyhow::{Context, Result, bail, ensure};
use harness::plan::Plan;
use harness::plan::cells::{Cell, cells};
use record::{Line, Status};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};
use testbed::sandbox::Sandbox;

/// A way to interrupt a sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interruption {
    /// SIGKILL, which no program can handle.
    Kill,
    /// SIGTERM.
    Terminate,
    /// SIGINT to the whole process group, as a terminal sends it.
    CtrlC,
}

impl Interruption {
    /// All interruptions.
    pub const ALL: [Interruption; 3] = [Interruption::Kill, Interruption::Terminate, Interruption::CtrlC];

    /// Interrupts a process, if it still runs. The process must have its own process group.
    pub fn strike(self, process: &Child) {
        let Some(pid) = i32::try_from(process.id()).ok().and_then(Pid::from_raw) else { return };
        // Each call fails only if the process has ended.
        let _ = match self {
            Interruption::Kill => kill_process(pid, Signal::KILL),
            Interruption::Terminate => kill_process(pid, Signal::TERM),
            Interruption::CtrlC => kill_process_group(pid, Signal::INT),
        };
    }

    /// Whether a sweep may end with this status after the interruption.
    fn explains(self, status: ExitStatus) -> bool {
        let (signal, code) = match self {
            Interruption::Kill => (Signal::KILL, None),
            Interruption::Terminate => (Signal::TERM, Some(130)),
            Interruption::CtrlC => (Signal::INT, Some(130)),
        };
        // Until the program has installed its handlers, a signal ends it directly.
        let handled = code.is_some() && status.code() == code;
        status.success() || handled || status.signal() == Some(signal.as_raw())
    }
}

/// The progress of a sweep at the moment of its interruption.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// There was no record yet.
    Preparing,
    /// The record was incomplete.
    Measuring,
    /// Everything was measured.
    Measured,
}

/// An interruption after which all checks passed.
#[derive(Debug, Clone)]
struct Survived {
    progress: Progress,
    /// The time until no process and no temporary file of the sweep remained.
    cleared: Duration,
    /// Whether the last line of the record was cut off, which `--resume` had to repair.
    torn: bool,
}

/// The results of all interruptions.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    survived: Vec<Survived>,
    /// The failures, one sentence each.
    pub failures: Vec<String>,
}

impl Summary {
    /// The longest time until nothing of a sweep remained.
    pub fn slowest(&self) -> Duration {
        self.survived.iter().map(|round| round.cleared).max().unwrap_or_default()
    }

    /// The number of interruptions after which all checks passed.
    pub fn survived(&self) -> usize {
        self.survived.len()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = |progress| self.survived.iter().filter(|round| round.progress == progress).count();
        write!(
            out,
            "{} interruptions ({} while preparing, {} while measuring, {} after it), {} failed; nothing is left after \
             {:.1} s at most; {} lines were cut off and repaired",
            self.survived.len() + self.failures.len(),
            at(Progress::Preparing),
            at(Progress::Measuring),
            at(Progress::Measured),
            self.failures.len(),
            self.slowest().as_secs_f64(),
            self.survived.iter().filter(|round| round.torn).count()
        )
    }
}

/// Interrupts `times` sweeps in each of these `ways` and prints the progress. The moments follow from `seed`.
pub fn interrupt(ways: &[Interruption], times: u32, seed: u64) -> Result<Summary> {
    // The shorter of two durations is used, because an interruption after the end of a sweep tests nothing.
    let whole = undisturbed()?.min(undisturbed()?);
    eprintln!("seed {seed}; an undisturbed sweep takes {:.2} s", whole.as_secs_f64());
    let mut random = fastrand::Rng::with_seed(seed);
    let mut summary = Summary::default();
    for time in 0..times {
        for interruption in ways.iter().copied() {
            let moment = whole.mul_f64((f64::from(time) + random.f64()) / f64::from(times));
            let what = format!("{interruption:?} after {:.3} s", moment.as_secs_f64());
            match round(interruption, moment) {
                Ok(round) => {
                    eprintln!("{what}, {:?}: clear after {:.2} s", round.progress, round.cleared.as_secs_f64());
                    summary.survived.push(round);
                }
                Err(error) => {
                    eprintln!("{what}: {error:#}");
                    summary.failures.push(format!("{what}: {error:#}"));
                }
            }
        }
    }
    Ok(summary)
}

/// Runs an undisturbed sweep and returns its duration.
fn undisturbed() -> Result<Duration> {
    let sandbox = Sandbox::default();
    let began = Instant::now();
    let output = sandbox.sweep(arguments()).output().context("cannot start a sweep")?;
    let whole = began.elapsed();
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "an undisturbed sweep fails: {errors}");
    match sandbox.record().skipped.first() {
        None => Ok(whole),
        Some(skipped) => bail!("the sweep skips {}: {}", skipped.task, skipped.reason),
    }
}

/// A sweep of a second or two. Its tasks need a data file, a server, and neither. Its strategies use threads and processes.
fn arguments() -> std::str::SplitWhitespace<'static> {
    "--tasks word_totals,cursor_pages,virtual_work --strategies threads_shared,processes --cores 1 --workers 2 \
     --rows 2000 --waits 24 --wait-us 2000 --sizes 1000 --blocks 2 --samples 2 --seed 7"
        .split_whitespace()
}

/// The longest time that any step may take, with a margin for a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn round(interruption: Interruption, moment: Duration) -> Result<Survived> {
    let sandbox = Sandbox::default();
    let log = sandbox.path("log");
    let mut sweep = logged(&mut sandbox.sweep(arguments()), &log)?.spawn().context("cannot start a sweep")?;
    std::thread::sleep(moment);
    let before = sandbox.journal();
    interruption.strike(&sweep);
    let struck = Instant::now();
    let status = end(&mut sweep)?;
    sandbox.wait_until_clear(PATIENCE).map_err(anyhow::Error::msg)?;
    let cleared = struck.elapsed();
    let printed = std::fs::read_to_string(&log).context("the sweep's log is gone")?;
    ensure!(
        interruption.explains(status) && !printed.contains("panicked"),
        "it ended with {status} and printed: {printed}"
    );

    let after = sandbox.journal();
    ensure!(after.starts_with(&before), "the record has lost or changed lines");
    let whole = after.iter().rposition(|byte| *byte == b'\n').map_or(0, |feed| feed + 1);
    parse(&after[..whole])?;
    let mut resume = if after.is_empty() { sandbox.sweep(arguments()) } else { sandbox.sweep(["--resume"]) };
    let resumed = logged(&mut resume, &log)?.status().context("cannot start a sweep")?;
    let printed = std::fs::read_to_string(&log).context("the sweep's log is gone")?;
    ensure!(resumed.success(), "resumed, it ended with {resumed} and printed: {printed}");
    ensure!(sandbox.journal().starts_with(&after[..whole]), "`--resume` has changed what was in the record");
    complete(&sandbox)?;
    sandbox.wait_until_clear(PATIENCE).map_err(anyhow::Error::msg)?;
    let progress = match parse(&before[..])?.last() {
        None => Progress::Preparing,
        Some(Line::Ended(_)) => Progress::Measured,
        Some(_) => Progress::Measuring,
    };
    Ok(Survived { progress, cleared, torn: whole < after.len() })
}

/// Redirects the output of `command` to a file.
fn logged<'a>(command: &'a mut Command, path: &std::path::Path) -> Result<&'a mut Command> {
    let log = File::create(path).context("cannot create a sweep's log")?;
    let errors = log.try_clone().context("cannot share a sweep's log")?;
    Ok(command.stdout(log).stderr(errors))
}

fn end(sweep: &mut Child) -> Result<ExitStatus> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = sweep.try_wait().context("cannot wait for the sweep")? {
            return Ok(status);
        }
        if Instant::now() > deadline {
            sweep.kill().context("cannot kill the sweep")?;
            sweep.wait().context("cannot wait for the sweep")?;
            bail!("it had not ended after {PATIENCE:?}");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Parses the lines of a record. Fails if a line is cut off.
fn parse(journal: &[u8]) -> Result<Vec<Line>> {
    let lines = journal.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let parse = |line: &[u8]| {
        serde_json::from_slice(line).with_context(|| format!("not a line: {}", String::from_utf8_lossy(line)))
    };
    lines.map(parse).collect()
}

/// Checks that the sweep has ended and that every block contains each sample of each planned cell once.
pub fn complete(sandbox: &Sandbox) -> Result<()> {
    let run = sandbox.run().context("there is no run")?;
    let plan: Plan = serde_json::from_slice(&std::fs::read(run.join("plan.json"))?)?;
    let lines = parse(&sandbox.journal())?;
    let mut samples = BTreeMap::new();
    for line in &lines {
        if let Line::Sample(sample) = line {
            ensure!(sample.status == Status::Verified, "a sample is not verified: {}", sample.reason);
            *samples.entry((sample.block, sample.cell.clone(), sample.index)).or_insert(0) += 1;
        }
    }
    for block in 0..plan.blocks {
        for cell in cells(&plan.axes).iter().map(Cell::to_record) {
            for index in 0..plan.samples {
                let times = samples.remove(&(block, cell.clone(), index)).unwrap_or(0);
                ensure!(times == 1, "sample {index} of {cell:?} in block {block} is there {times} times");
            }
        }
    }
    ensure!(samples.is_empty(), "there are unplanned samples: {:?}", samples.keys());
    match lines.last() {
        Some(Line::Ended(ended)) => ensure!(!ended.interrupted, "the record says that the sweep was interrupted"),
        other => bail!("the record's last line is {other:?}"),
    }
    ensure!(run.join("report.html").is_file(), "there is no report");
    Ok(())
}
