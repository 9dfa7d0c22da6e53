//! Ends sweeps at random moments in every way in which a sweep can end, and checks what remains.
//!
//! How it works:
//! 1. Two undisturbed sweeps show how long a sweep takes: starting PostgreSQL, making a 1-gram file, measuring, and writing
//!    the report.
//! 2. Other sweeps are ended at random moments that cover all of that time.
//! 3. The record must still contain all lines that it had just before, and the measured part must have a report. No process
//!    and no temporary file may remain. `--resume` must complete exactly the planned samples of every cell.

use anyhow::{Context, Result, bail, ensure};
use harness::plan::Plan;
use harness::plan::cells::Cell;
use record::{Line, Status};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, kill_process_group, prlimit};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
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
    /// SIGHUP.
    HangUp,
    /// SIGINT to the whole process group, as a terminal sends it.
    CtrlC,
    /// The terminal closes. Then the kernel sends SIGHUP, and writing fails.
    CloseTerminal,
    /// The sweep can no longer write to files, as on a full disk. A limit on the size of files has that effect for one
    /// process.
    FullDisk,
    /// SIGKILL to the process that measures a cell, as the kernel sends it if memory runs out.
    KillChild,
    /// Another program takes the place of the sweep's file, as after a compilation.
    ReplaceProgram,
}

impl Interruption {
    /// The signals that end a sweep most often.
    pub const SIGNALS: [Interruption; 3] = [Interruption::Kill, Interruption::Terminate, Interruption::CtrlC];

    /// All other interruptions.
    pub const OTHERS: [Interruption; 5] = [
        Interruption::HangUp,
        Interruption::CloseTerminal,
        Interruption::FullDisk,
        Interruption::KillChild,
        Interruption::ReplaceProgram,
    ];

    /// Interrupts a process, if it still runs. The process must lead a process group of its own.
    pub fn strike(self, process: &Child) {
        let Some(pid) = i32::try_from(process.id()).ok().and_then(Pid::from_raw) else { return };
        // Each call fails only if the process has ended.
        let _ = match self {
            Interruption::Kill => kill_process(pid, Signal::KILL),
            Interruption::Terminate => kill_process(pid, Signal::TERM),
            Interruption::HangUp => kill_process(pid, Signal::HUP),
            Interruption::CtrlC => kill_process_group(pid, Signal::INT),
            Interruption::FullDisk => {
                let none = Rlimit { current: Some(0), maximum: None };
                prlimit(Some(pid), Resource::Fsize, none).map(drop)
            }
            // The caller closes the terminal, finds the child or replaces the program.
            Interruption::CloseTerminal | Interruption::KillChild | Interruption::ReplaceProgram => Ok(()),
        };
    }

    /// Whether a sweep may end with this status after the interruption.
    fn explains(self, status: ExitStatus) -> bool {
        // Until the program has installed its handlers, a signal ends it directly.
        let (signal, code) = match self {
            Interruption::Kill => (Some(Signal::KILL), None),
            Interruption::Terminate => (Some(Signal::TERM), Some(130)),
            Interruption::HangUp | Interruption::CloseTerminal => (Some(Signal::HUP), Some(130)),
            Interruption::CtrlC => (Some(Signal::INT), Some(130)),
            Interruption::FullDisk => (Some(Signal::XFSZ), Some(1)),
            // The cell that was measured at that moment is not verified.
            Interruption::KillChild => (None, Some(3)),
            Interruption::ReplaceProgram => (None, None),
        };
        let handled = code.is_some() && status.code() == code;
        status.success() || handled || signal.is_some_and(|signal| status.signal() == Some(signal.as_raw()))
    }

    /// Whether the sweep itself can write the report of what was measured. Otherwise `goldilocks report` writes it.
    fn leaves_a_report(self) -> bool {
        !matches!(self, Interruption::Kill | Interruption::FullDisk)
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

/// A sweep of a few seconds. Its tasks need a data file, a server, and neither. Its strategies use threads and processes. All
/// work is named, because a sweep that chooses its work prepares everything twice.
fn arguments() -> std::str::SplitWhitespace<'static> {
    "--tasks word_totals,cursor_pages,virtual_work --strategies threads_shared,processes --cores 1 --workers 2 \
     --grams 20MB --rows 2000 --waits 24 --wait-us 2000 --sizes 1000 --blocks 2 --samples 2 --seed 7"
        .split_whitespace()
}

/// The longest time that any step may take, with a margin for a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn round(interruption: Interruption, moment: Duration) -> Result<Survived> {
    let sandbox = Sandbox::default();
    let program = sandbox.copied_program();
    let log = sandbox.path("log");
    let mut command = sandbox.sweep_of(&program, arguments());
    let mut terminal = None;
    if interruption == Interruption::CloseTerminal {
        let (opened, slave) = Terminal::open()?;
        command = Terminal::command(&command, slave)?;
        terminal = Some(opened);
    } else {
        logged(&mut command, &log)?;
    }
    let mut sweep = command.spawn().context("cannot start a sweep")?;
    drop(command);
    let until = Instant::now() + moment;
    match &mut terminal {
        Some(terminal) => terminal.read_until(until)?,
        None => std::thread::sleep(moment),
    }
    let before = sandbox.journal();
    match interruption {
        Interruption::CloseTerminal => drop(terminal.take()),
        Interruption::KillChild => kill_a_child(&sandbox, &mut sweep)?,
        Interruption::ReplaceProgram => replace(&program)?,
        _ => interruption.strike(&sweep),
    }
    let struck = Instant::now();
    let status = end(&mut sweep)?;
    sandbox.wait_until_clear(PATIENCE).map_err(anyhow::Error::msg)?;
    let cleared = struck.elapsed();
    let printed = std::fs::read_to_string(&log).unwrap_or_default();
    ensure!(
        interruption.explains(status) && !printed.contains("panicked"),
        "it ended with {status} and printed: {printed}"
    );

    let after = sandbox.journal();
    ensure!(after.starts_with(&before), "the record has lost or changed lines");
    let whole = after.iter().rposition(|byte| *byte == b'\n').map_or(0, |feed| feed + 1);
    parse(&after[..whole])?;
    if let Some(run) = sandbox.run() {
        let report = run.join("report.html");
        ensure!(report.is_file() || !interruption.leaves_a_report(), "the measured part has no report: {printed}");
        // Nobody sees what is printed to a terminal that has closed, and a full disk takes no line of the log.
        let unseen = matches!(interruption, Interruption::CloseTerminal | Interruption::FullDisk);
        let told = status.success() || status.signal().is_some() || unseen;
        let named = printed.lines().last().is_some_and(|line| line.contains(&run.display().to_string()));
        ensure!(told || named, "the last line has no command that continues the run: {printed}");
        let written = sandbox.goldilocks().args(["report", "--runs"]).arg(sandbox.runs()).output()?;
        let errors = String::from_utf8_lossy(&written.stderr);
        ensure!(written.status.success() && report.is_file(), "`report` writes no report: {errors}");
    }
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

/// A terminal, from the side of the program that shows it.
struct Terminal {
    master: OwnedFd,
}

impl Terminal {
    /// Opens a terminal and returns it with the side of the program that runs in it.
    fn open() -> Result<(Self, File)> {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        let name = ptsname(&master, Vec::new())?;
        let slave = File::options().read(true).write(true).open(std::ffi::OsStr::from_bytes(name.as_bytes()))?;
        Ok((Terminal { master }, slave))
    }

    /// Returns a command that runs `command` in a session that this terminal controls.
    fn command(command: &Command, slave: File) -> Result<Command> {
        let mut inside = Command::new("setsid");
        inside.arg("--ctty").arg(command.get_program()).args(command.get_args());
        inside.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        inside.current_dir(command.get_current_dir().unwrap_or_else(|| Path::new("/")));
        inside.stdin(slave.try_clone()?).stdout(slave.try_clone()?).stderr(slave);
        Ok(inside)
    }

    /// Reads what is printed, so that the program does not wait for its reader.
    fn read_until(&mut self, until: Instant) -> Result<()> {
        let mut master = File::from(self.master.try_clone()?);
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            let mut polled = [PollFd::new(&self.master, PollFlags::IN)];
            poll(&mut polled, Some(&Timespec::try_from(left)?))?;
            // Reading fails once the program has ended.
            if !polled[0].revents().is_empty() && master.read(&mut [0; 4096]).is_err() {
                std::thread::sleep(left);
            }
        }
    }
}

/// Kills the next process that measures a cell, unless the sweep ends before.
fn kill_a_child(sandbox: &Sandbox, sweep: &mut Child) -> Result<()> {
    while sweep.try_wait()?.is_none() {
        let cell = sandbox.processes().into_iter().find(|process| process.command.ends_with(" cell"));
        if let Some(pid) = cell.and_then(|cell| Pid::from_raw(cell.number)) {
            // It fails only if the process has just ended.
            let _ = kill_process(pid, Signal::KILL);
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

/// Replaces a program by one that fails, in the way of cargo.
fn replace(program: &Path) -> Result<()> {
    let other = program.with_extension("new");
    std::fs::copy("/bin/false", &other).context("cannot copy a program")?;
    std::fs::rename(&other, program).context("cannot replace a program")
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
    // The reader drops samples that failed for a reason outside the program and were measured again.
    for sample in sandbox.record().samples {
        ensure!(sample.status == Status::Verified, "a sample is not verified: {}", sample.reason);
        *samples.entry((sample.block, sample.cell, sample.index)).or_insert(0) += 1;
    }
    for block in 0..plan.blocks {
        for cell in plan.cells().iter().map(Cell::to_record) {
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
