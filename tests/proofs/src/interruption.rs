//! Interrupting sweeps at random moments, and looking at what is left of them.
//!
//! How it works:
//! 1. Two sweeps are left alone, to know how long one takes: bringing up PostgreSQL and making a 1-gram file, measuring,
//!    writing the report.
//! 2. Other sweeps are interrupted, each at a random moment of its part of that time, so that all of it is met.
//! 3. What was in the record just before must be in it afterwards, no process and no temporary file may be left, and
//!    `--resume` must bring every cell to exactly the samples that were planned.

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

/// How a sweep is interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interruption {
    /// SIGKILL, which no program can prepare for.
    Kill,
    /// SIGTERM.
    Terminate,
    /// SIGINT to the whole process group, as a terminal sends it.
    CtrlC,
}

impl Interruption {
    /// All of them.
    pub const ALL: [Interruption; 3] = [Interruption::Kill, Interruption::Terminate, Interruption::CtrlC];

    /// Interrupts `sweep`, if it still runs.
    pub fn strike(self, sweep: &Child) {
        let Some(pid) = i32::try_from(sweep.id()).ok().and_then(Pid::from_raw) else { return };
        // Either fails only when the sweep has ended already.
        let _ = match self {
            Interruption::Kill => kill_process(pid, Signal::KILL),
            Interruption::Terminate => kill_process(pid, Signal::TERM),
            Interruption::CtrlC => kill_process_group(pid, Signal::INT),
        };
    }

    /// Whether a sweep may end in this way after it: by itself, or as the signal wants it.
    fn explains(self, status: ExitStatus) -> bool {
        let signal = match self {
            Interruption::Kill => return status.success() || status.signal() == Some(Signal::KILL.as_raw()),
            Interruption::Terminate => Signal::TERM,
            Interruption::CtrlC => Signal::INT,
        };
        // Before the program listens to signals, they do what they do to every program.
        status.success() || status.code() == Some(130) || status.signal() == Some(signal.as_raw())
    }
}

/// How far a sweep was when it was interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// There was no record yet: data was made, PostgreSQL came up, baselines were measured.
    Preparing,
    /// There was a record, and it was not complete.
    Measuring,
    /// Everything was measured.
    Measured,
}

/// One interruption, and what came of it.
#[derive(Debug, Clone)]
pub struct Round {
    /// How it was interrupted.
    pub interruption: Interruption,
    /// When, since it was started.
    pub moment: Duration,
    /// How far it was.
    pub stage: Stage,
    /// How long it took until nothing was left of it.
    pub cleared: Duration,
    /// Whether the last line of the record was cut off, which the resumption must mend.
    pub torn: bool,
}

/// All interruptions.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// Those after which everything was as it should be.
    pub good: Vec<Round>,
    /// What was not, in a sentence each.
    pub failures: Vec<String>,
}

impl Summary {
    /// The longest time until nothing was left of a sweep.
    pub fn slowest(&self) -> Duration {
        self.good.iter().map(|round| round.cleared).max().unwrap_or_default()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = |stage| self.good.iter().filter(|round| round.stage == stage).count();
        write!(
            out,
            "{} interruptions ({} while preparing, {} while measuring, {} after it), {} not survived; nothing was left \
             after {:.1} s at most; {} lines were cut off and mended",
            self.good.len() + self.failures.len(),
            at(Stage::Preparing),
            at(Stage::Measuring),
            at(Stage::Measured),
            self.failures.len(),
            self.slowest().as_secs_f64(),
            self.good.iter().filter(|round| round.torn).count()
        )
    }
}

/// Interrupts sweeps, `times` in each of these `ways`, at moments that follow from `seed`; says what it does.
///
/// # Errors
/// When a sweep that is left alone does not end well.
pub fn interrupt(ways: &[Interruption], times: u32, seed: u64, say: &mut dyn FnMut(&str)) -> Result<Summary> {
    // The quicker of two, for the machine may be busy, and moments after the end meet nothing.
    let whole = left_alone()?.min(left_alone()?);
    say(&format!("seed {seed}; a sweep that nobody interrupts takes {:.2} s", whole.as_secs_f64()));
    let mut random = fastrand::Rng::with_seed(seed);
    let mut summary = Summary::default();
    for time in 0..times {
        for interruption in ways.iter().copied() {
            let moment = whole.mul_f64((f64::from(time) + random.f64()) / f64::from(times));
            let what = format!("{interruption:?} after {:.3} s", moment.as_secs_f64());
            match round(interruption, moment) {
                Ok(round) => {
                    say(&format!("{what}, {:?}: clear after {:.2} s", round.stage, round.cleared.as_secs_f64()));
                    summary.good.push(round);
                }
                Err(error) => {
                    say(&format!("{what}: {error:#}"));
                    summary.failures.push(format!("{what}: {error:#}"));
                }
            }
        }
    }
    Ok(summary)
}

/// How long a sweep takes that nobody interrupts.
fn left_alone() -> Result<Duration> {
    let sandbox = Sandbox::default();
    let began = Instant::now();
    let output = sandbox.sweep(ARGUMENTS).output().context("cannot start a sweep")?;
    let whole = began.elapsed();
    let words = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "a sweep that nobody interrupts fails: {words}");
    match sandbox.record().skipped.first() {
        None => Ok(whole),
        Some(skipped) => bail!("to interrupt all of a sweep, {} is needed: {}", skipped.task, skipped.reason),
    }
}

/// Three tasks that need data, a server, or nothing; strategies with threads and with processes. A second or two.
const ARGUMENTS: [&str; 22] = [
    "--tasks",
    "word_totals,cursor_pages,virtual_work",
    "--strategies",
    "threads_shared,processes",
    "--cores",
    "1",
    "--workers",
    "2",
    "--rows",
    "2000",
    "--waits",
    "24",
    "--wait-us",
    "2000",
    "--sizes",
    "1000",
    "--blocks",
    "2",
    "--samples",
    "2",
    "--seed",
    "7",
];

/// Longer than anything here takes on a busy machine. What it really takes is in [`Round::cleared`].
const PATIENCE: Duration = Duration::from_secs(60);

fn round(interruption: Interruption, moment: Duration) -> Result<Round> {
    let sandbox = Sandbox::default();
    let words = sandbox.path("words");
    let mut sweep = logged(&mut sandbox.sweep(ARGUMENTS), &words)?.spawn().context("cannot start a sweep")?;
    std::thread::sleep(moment);
    let before = sandbox.journal();
    interruption.strike(&sweep);
    let struck = Instant::now();
    let status = end(&mut sweep)?;
    sandbox.wait_until_clear(PATIENCE).map_err(anyhow::Error::msg)?;
    let cleared = struck.elapsed();
    let said = std::fs::read_to_string(&words).context("the sweep's own words are gone")?;
    ensure!(interruption.explains(status) && !said.contains("panicked"), "it ended with {status} and said: {said}");

    let after = sandbox.journal();
    ensure!(after.starts_with(&before), "lines that had been in the record are lost or changed");
    let whole = after.iter().rposition(|byte| *byte == b'\n').map_or(0, |feed| feed + 1);
    parse(&after[..whole])?;
    let resume = if after.is_empty() { ARGUMENTS.as_slice() } else { &["--resume"] };
    let resumed = logged(&mut sandbox.sweep(resume), &words)?.status().context("cannot start a sweep")?;
    let said = std::fs::read_to_string(&words).context("the sweep's own words are gone")?;
    ensure!(resumed.success(), "taken up again, it ended with {resumed} and said: {said}");
    ensure!(sandbox.journal().starts_with(&after[..whole]), "taking it up again has changed what was in the record");
    complete(&sandbox)?;
    sandbox.wait_until_clear(PATIENCE).map_err(anyhow::Error::msg)?;
    let stage = match parse(&before[..])?.last() {
        None => Stage::Preparing,
        Some(Line::Ended(_)) => Stage::Measured,
        Some(_) => Stage::Measuring,
    };
    Ok(Round { interruption, moment, stage, cleared, torn: whole < after.len() })
}

/// `command`, saying what it says to a file.
fn logged<'a>(command: &'a mut Command, path: &std::path::Path) -> Result<&'a mut Command> {
    let words = File::create(path).context("cannot create a file for a sweep's words")?;
    let more = words.try_clone().context("cannot share a file for a sweep's words")?;
    Ok(command.stdout(words).stderr(more))
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

/// The lines of a record, all of which must be whole.
fn parse(journal: &[u8]) -> Result<Vec<Line>> {
    let lines = journal.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let parse = |line: &[u8]| {
        serde_json::from_slice(line).with_context(|| format!("not a line: {}", String::from_utf8_lossy(line)))
    };
    lines.map(parse).collect()
}

/// Makes sure that every cell of the plan has each of its samples once in each block, and that the sweep has ended.
///
/// # Errors
/// What is missing, or there twice.
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
    ensure!(samples.is_empty(), "there are samples that were not planned: {:?}", samples.keys());
    match lines.last() {
        Some(Line::Ended(ended)) => ensure!(!ended.interrupted, "the sweep says that it was interrupted"),
        other => bail!("the record's last line is {other:?}"),
    }
    ensure!(run.join("report.html").is_file(), "there is no report");
    Ok(())
}
