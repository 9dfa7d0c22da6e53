//! Our medians beside criterion's: the same cells, measured in turn by `goldilocks sweep` and by the bench `cells`.
//!
//! Both are told to measure the same thing: a sample is one run, from the first job pulled until the total is there,
//! in a release build, on the same data and the same server, in a process that is warm and does nothing else. A process
//! is warm after some runs, so both are asked for many samples in each; and one process is not like the next, so both
//! are asked for several, by turns, that whatever drifts may hit both alike.
//!
//! All of it has one processor, the server too. How two threads meet on two of them, a virtual machine's above all,
//! differs from process to process by a tenth and more, and by that much two medians of eleven differ without anybody's
//! clock being wrong.

use anyhow::{Context, Result, bail, ensure};
use harness::machine::doctor::Counters;
use postgres::{Environment, Server};
use record::Status;
use record::statistics::{Blocks, Estimate, Interval, LEVEL, time};
use reports::format::{sentence, time_estimate};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use serde::Deserialize;
use std::fmt::{Display, Formatter};
use std::path::{Path, PathBuf};
use std::process::Command;
use system::sysfs::SystemFiles;

/// A task and a strategy; all else is as in a default sweep on one core.
pub type Cell = (&'static str, &'static str);

/// Cells of all three tasks: the plain loop of jobs, shared threads, pools, a channel, futures, processes.
pub const CELLS: [Cell; 10] = [
    ("count", "sequential"),
    ("count", "threads_shared"),
    ("count", "rayon"),
    ("count", "processes"),
    ("word_totals", "sequential"),
    ("word_totals", "rayon"),
    ("word_totals", "channel_crossbeam"),
    ("cursor_pages", "sequential"),
    ("cursor_pages", "tokio_blocking"),
    ("cursor_pages", "threads_shared"),
];

/// How far apart two medians may be, as a share of their mean, whatever their intervals are.
pub const TOLERANCE: f64 = 0.03;

/// Processes of either kind for each cell. Odd, so that one of criterion's is in the middle; and enough for an interval
/// of ours.
const ROUNDS: u32 = 11;

/// Samples in each process: enough for the first few, in which the heap still grows, to leave the median alone.
const SAMPLES: &str = "30";

/// How many processors others may use while a cell is measured: the system itself needs a little. The two are measured
/// one after the other, so what disturbs one need not disturb the other, and then both are measured again. This is
/// judged by what others did, and never by what came out.
const QUIET: f64 = 0.05;

/// How often that may happen before there is no point in going on.
const MOST_DISTURBED: usize = 100;

/// What the two say about a cell.
#[derive(Debug, Clone, PartialEq)]
pub struct Agreement {
    /// The cell as criterion names it, such as `count/rayon`.
    pub cell: String,
    /// Our median process in nanoseconds, and its interval.
    pub ours: Estimate,
    /// The median of criterion's processes in nanoseconds, each of them criterion's own point estimate, and its interval
    /// over processes, as ours is.
    pub criterion: Estimate,
    /// What criterion itself said in the process whose median is in the middle. Its interval knows that one process
    /// alone: it says where other iterations of it would lie, and not where another process would.
    pub one_process: Estimate,
}

impl Agreement {
    /// How much longer ours is, as a share of their mean.
    pub fn difference(&self) -> f64 {
        (self.ours.value - self.criterion.value) / f64::midpoint(self.ours.value, self.criterion.value)
    }

    /// Whether each lies in the other's interval.
    pub fn within_each_other(&self) -> bool {
        let within = |value: f64, estimate: Estimate| {
            estimate.interval.is_some_and(|interval| (interval.low..=interval.high).contains(&value))
        };
        within(self.ours.value, self.criterion) && within(self.criterion.value, self.ours)
    }

    /// Whether they agree: each lies in the other's interval, or they are within [`TOLERANCE`].
    pub fn holds(&self) -> bool {
        self.within_each_other() || self.difference().abs() <= TOLERANCE
    }
}

impl Display for Agreement {
    fn fmt(&self, line: &mut Formatter<'_>) -> std::fmt::Result {
        let [ours, criterion, one] =
            [self.ours, self.criterion, self.one_process].map(|estimate| sentence(time_estimate(estimate)));
        let where_ = if self.within_each_other() { "inside" } else { "not inside" };
        let percent = self.difference() * 100.0;
        write!(
            line,
            "ours {ours}, criterion's {criterion}, in one of its processes {one}; {percent:+.1} %, {where_} each \
             other's interval"
        )
    }
}

/// Measures `cells` with our harness and with criterion, by turns, and says how they compare. Takes about six minutes
/// for ten cells on a machine that does nothing else. `say` is told how far it has come.
///
/// # Errors
/// When this is no release build, something does not build or run, or the sweep finds something wrong with a cell.
pub fn compare(cells: &[Cell], say: &mut dyn FnMut(&str)) -> Result<Vec<Agreement>> {
    ensure!(!cfg!(debug_assertions), "criterion measures release builds, so compare with one: `just prove crosscheck`");
    let tools = Tools::prepare(cells)?;
    let mut ours = vec![Blocks::new(); cells.len()];
    let mut criterion = vec![Vec::new(); cells.len()];
    let mut disturbed = 0;
    for round in 0..ROUNDS {
        for (turn, cell) in cells.iter().enumerate() {
            let (times, estimate) = loop {
                say(&format!("round {} of {ROUNDS}: {}/{}", round + 1, cell.0, cell.1));
                let before = tools.counters();
                // Each goes first every other time.
                let (times, estimate) = if round.is_multiple_of(2) {
                    let times = tools.sweep(*cell)?;
                    (times, tools.criterion(*cell)?)
                } else {
                    let estimate = tools.criterion(*cell)?;
                    (tools.sweep(*cell)?, estimate)
                };
                let others = used_by_others(&before, &tools.counters());
                if others <= QUIET {
                    break (times, estimate);
                }
                disturbed += 1;
                say(&format!("others used {others:.2} of the processors meanwhile: both are measured again"));
                ensure!(
                    disturbed <= MOST_DISTURBED,
                    "others used the processors during {disturbed} of the comparisons; compare again when they are done"
                );
            };
            ours[turn].insert(round, times);
            criterion[turn].push(estimate);
        }
    }
    let agreements = cells.iter().zip(ours).zip(criterion).map(|(((task, strategy), ours), criterion)| {
        let ours = time(&ours, LEVEL).context("a sweep without samples")?;
        let processes: Blocks = (0..).zip(criterion.iter().map(|process| vec![process.value])).collect();
        let one_process = in_the_middle(criterion).context("no process of criterion's")?;
        let criterion = time(&processes, LEVEL).context("no process of criterion's")?;
        Ok(Agreement { cell: format!("{task}/{strategy}"), ours, criterion, one_process })
    });
    agreements.collect()
}

/// How many processors others used between two readings, in this machine and, as far as it knows, beside it.
fn used_by_others(before: &Counters, after: &Counters) -> f64 {
    let inside = after.used_by_others(before).unwrap_or_default();
    inside + after.stolen_share(before).unwrap_or_default() * after.processors as f64
}

/// The estimate with as many below it as above.
fn in_the_middle(mut estimates: Vec<Estimate>) -> Option<Estimate> {
    estimates.sort_by(|one, other| one.value.total_cmp(&other.value));
    estimates.get(estimates.len() / 2).copied()
}

/// Both programs, and what both of them need.
struct Tools {
    bench: PathBuf,
    /// One server for both; each makes its own table there.
    server: Option<Server>,
    folder: tempfile::TempDir,
    _one: OneProcessor,
}

impl Tools {
    fn prepare(cells: &[Cell]) -> Result<Self> {
        testbed::goldilocks();
        let bench = bench()?;
        let one = OneProcessor::take()?;
        let environment = Environment::of_this_process();
        let wanted = environment.address.is_none() && cells.iter().any(|(task, _)| *task == "cursor_pages");
        // The default table is smaller than the smallest buffers.
        let server = wanted.then(|| Server::open(&environment, 0)).transpose().context("no server to measure with")?;
        Ok(Tools { bench, server, folder: tempfile::tempdir()?, _one: one })
    }

    fn counters(&self) -> Counters {
        Counters::now(&SystemFiles::here(), &harness::machine::processors())
    }

    fn run(&self, program: &Path, arguments: &[&str]) -> Result<()> {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(testbed::workspace()).env("CRITERION_HOME", self.folder.path());
        if let Some(server) = &self.server {
            command.env("DATABASE_URL", server.url());
        }
        let output = command.output().with_context(|| format!("cannot start {}", program.display()))?;
        let words = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{} {} failed: {}", program.display(), arguments.join(" "), words.trim());
        Ok(())
    }

    /// The times of a cell in a sweep of one block, in nanoseconds.
    fn sweep(&self, (task, strategy): Cell) -> Result<Vec<f64>> {
        let runs = tempfile::tempdir_in(self.folder.path())?;
        let entry = tasks::find(task).with_context(|| format!("no task `{task}`"))?;
        let size = entry.default_size.to_string();
        let folder = runs.path().to_str().context("the temporary folder's name is not text")?;
        // A busy machine spoils both alike, and is no reason to compare them not at all.
        let cell = ["sweep", "--anyway", "--tasks", task, "--strategies", strategy, "--cores", "1", "--sizes", &size];
        let settings = ["--samples", SAMPLES, "--blocks", "1", "--runs", folder];
        self.run(testbed::goldilocks(), &[&cell[..], &settings[..]].concat())?;
        let record = record::read(harness::journal::find(runs.path(), None)?.join(harness::journal::FILE))?;
        if let Some(sample) = record.samples.iter().find(|sample| sample.status != Status::Verified) {
            bail!("{task}/{} cannot be compared: {}", sample.cell.strategy, sample.reason);
        }
        let samples = record.samples.iter().filter(|sample| sample.cell.strategy == strategy);
        Ok(samples.filter_map(|sample| sample.times.as_ref()).map(|times| times.wall_ns as f64).collect())
    }

    /// What criterion says of a cell in a process of its own.
    fn criterion(&self, (task, strategy): Cell) -> Result<Estimate> {
        let cell = format!("{task}/{strategy}");
        // With next to no time for measuring, a sample is a single run, and with none for plots nothing else is done.
        let settings = ["--sample-size", SAMPLES, "--warm-up-time", "0.5", "--measurement-time", "0.001", "--noplot"];
        self.run(&self.bench, &[&["--bench", "--exact", &cell][..], &settings[..]].concat())?;
        let path = self.folder.path().join(&cell).join("new/estimates.json");
        let text = std::fs::read(&path).with_context(|| format!("criterion has not written {}", path.display()))?;
        let said: Estimates =
            serde_json::from_slice(&text).with_context(|| format!("cannot read {}", path.display()))?;
        // So that an old answer can never be taken for a new one.
        std::fs::remove_file(&path)?;
        let Median { point_estimate, confidence_interval: Bounds { lower_bound, upper_bound } } = said.median;
        Ok(Estimate { value: point_estimate, interval: Some(Interval { low: lower_bound, high: upper_bound }) })
    }
}

/// As long as it lives, this thread and all that it starts may use one processor only.
struct OneProcessor {
    before: CpuSet,
}

impl OneProcessor {
    fn take() -> Result<Self> {
        let before = sched_getaffinity(None).context("the system does not say which processors may be used")?;
        let mut one = CpuSet::new();
        // Not the first, which answers most interrupts.
        one.set(*harness::machine::processors().last().context("no processor may be used")?);
        sched_setaffinity(None, &one).context("cannot restrict this thread to one processor")?;
        Ok(OneProcessor { before })
    }
}

impl Drop for OneProcessor {
    fn drop(&mut self) {
        // What was allowed before cannot be forbidden now, and nobody could do anything about it.
        let _ = sched_setaffinity(None, &self.before);
    }
}

/// The part of criterion's `estimates.json` that is read here, under criterion's names, in nanoseconds.
#[derive(Deserialize)]
struct Estimates {
    median: Median,
}

#[derive(Deserialize)]
struct Median {
    point_estimate: f64,
    confidence_interval: Bounds,
}

#[derive(Deserialize)]
struct Bounds {
    lower_bound: f64,
    upper_bound: f64,
}

/// The bench `cells`, built now. It is started without cargo, for only then may somebody else build meanwhile.
fn bench() -> Result<PathBuf> {
    let built = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["bench", "--quiet", "--package", "proofs", "--bench", "cells", "--no-run", "--message-format", "json"])
        .current_dir(testbed::workspace())
        .output()
        .context("cannot start cargo")?;
    ensure!(built.status.success(), "the bench does not build: {}", String::from_utf8_lossy(&built.stderr).trim());
    let messages = built.stdout.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok());
    let programs = messages.filter(|message: &serde_json::Value| message["target"]["name"] == "cells");
    let program = programs.filter_map(|message| message["executable"].as_str().map(PathBuf::from)).next();
    program.context("cargo does not say where it has put the bench `cells`")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agreement(ours: (f64, f64, f64), criterion: (f64, f64, f64)) -> Agreement {
        let [ours, criterion] =
            [ours, criterion].map(|(low, value, high)| Estimate { value, interval: Some(Interval { low, high }) });
        Agreement { cell: "count/rayon".to_owned(), ours, criterion, one_process: criterion }
    }

    #[test]
    fn three_per_cent_agree_and_more_do_not_unless_each_is_in_the_others_interval() {
        assert!(agreement((100.0, 100.0, 100.0), (102.0, 102.9, 103.0)).holds());
        assert!(!agreement((100.0, 100.0, 100.0), (103.0, 103.2, 104.0)).holds());
        assert!(agreement((90.0, 100.0, 120.0), (95.0, 110.0, 120.0)).holds());
        // Only one of them is in the other's.
        assert!(!agreement((90.0, 100.0, 120.0), (109.0, 110.0, 111.0)).holds());
    }

    #[test]
    fn of_criterions_processes_the_middle_one_is_taken_as_it_is() {
        let [low, middle, high] = [1.0, 2.0, 9.0].map(|value| Estimate { value, interval: None });
        assert_eq!(in_the_middle(vec![high, low, middle]), Some(middle));
        assert_eq!(in_the_middle(Vec::new()), None);
    }
}
