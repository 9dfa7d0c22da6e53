//! Our medians beside criterion's: the same cells, measured in turn by `goldilocks sweep` and by the bench `cells`.
//!
//! Both measure the same thing: a sample is one run, from the first job until the total is there, in a release build, on
//! the same data and server, in a warm process that does nothing else. A process is warm after some runs, so both take
//! many samples in each. Processes differ, so both start several, in turn, and drift hits both alike.
//!
//! Everything runs on one core, the server too. How two threads meet on two virtual cores differs from process to process
//! by a tenth and more, so two medians of eleven processes would differ by that much with correct clocks.

use crate::access_methods::pinning::on_one_core;
use anyhow::{Context, Result, bail, ensure};
use harness::machine::doctor::Counters;
use postgres::{Environment, Server};
use record::Status;
use record::statistics::{Blocks, Estimate, Interval, LEVEL, time};
use reports::format::{sentence, time_estimate};
use std::fmt::{Display, Formatter};
use std::path::{Path, PathBuf};
use std::process::Command;
use system::sysfs::SystemFiles;

/// A task and a strategy; everything else is as in a default sweep on one core.
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

/// Two medians agree within this share of their mean, whatever their intervals are.
const TOLERANCE: f64 = 0.03;

/// Processes of either kind for each cell: odd, so that one of criterion's is the median, and enough for an interval.
const ROUNDS: u32 = 11;

/// Samples in each process: enough that the first few, in which the heap still grows, do not move the median.
const SAMPLES: &str = "30";

/// How many cores others may use during a turn; the operating system needs a little. A busier turn is repeated by both,
/// whatever its result, because a disturbance of one need not disturb the other.
const QUIET: f64 = 0.05;

/// How many turns may be repeated before the cross-check fails.
const MOST_DISTURBED: usize = 100;

/// What the two programs measure for a cell.
#[derive(Debug, Clone, PartialEq)]
pub struct Agreement {
    /// The cell as criterion names it, such as `count/rayon`.
    pub cell: String,
    /// The median of our processes in nanoseconds, and its interval.
    pub ours: Estimate,
    /// The median over criterion's processes of its own point estimates, and its interval over processes.
    pub criterion: Estimate,
    /// What criterion reports in its median process. Its interval covers other iterations of that process, and not other
    /// processes.
    pub one_process: Estimate,
}

impl Agreement {
    /// How much longer ours is, as a share of their mean.
    fn difference(&self) -> f64 {
        (self.ours.value - self.criterion.value) / f64::midpoint(self.ours.value, self.criterion.value)
    }

    /// Whether each lies in the other's interval.
    fn within_each_other(&self) -> bool {
        let within = |value: f64, estimate: Estimate| {
            estimate.interval.is_some_and(|interval| (interval.low..=interval.high).contains(&value))
        };
        within(self.ours.value, self.criterion) && within(self.criterion.value, self.ours)
    }

    /// Whether each lies in the other's interval or they differ by at most 3 %.
    pub fn holds(&self) -> bool {
        self.within_each_other() || self.difference().abs() <= TOLERANCE
    }
}

impl Display for Agreement {
    fn fmt(&self, line: &mut Formatter<'_>) -> std::fmt::Result {
        let [ours, criterion, one] =
            [self.ours, self.criterion, self.one_process].map(|estimate| sentence(time_estimate(estimate)));
        let inside = if self.within_each_other() { "inside" } else { "outside" };
        let percent = self.difference() * 100.0;
        write!(
            line,
            "ours {ours}, criterion's {criterion}, in one of its processes {one}; {percent:+.1} %, {inside} each other's \
             interval"
        )
    }
}

/// Measures `cells` with our harness and with criterion in turn. It takes about six minutes for ten cells on an idle
/// machine and calls `report` with its progress.
pub fn compare(cells: &[Cell], report: &mut dyn FnMut(&str)) -> Result<Vec<Agreement>> {
    ensure!(!cfg!(debug_assertions), "criterion measures release builds; run `just prove crosscheck`");
    testbed::goldilocks();
    let bench = bench()?;
    on_one_core(|| {
        let environment = Environment::of_this_process();
        let wanted = environment.address.is_none() && cells.iter().any(|(task, _)| *task == "cursor_pages");
        // The default table is smaller than the smallest buffers.
        let server = wanted.then(|| Server::open(&environment, 0)).transpose().context("no server to measure with")?;
        Programs { bench, server, folder: tempfile::tempdir()? }.compare(cells, report)
    })?
}

/// Both programs, and what they share.
struct Programs {
    bench: PathBuf,
    /// One server for both; each makes its own table there.
    server: Option<Server>,
    folder: tempfile::TempDir,
}

impl Programs {
    fn compare(&self, cells: &[Cell], report: &mut dyn FnMut(&str)) -> Result<Vec<Agreement>> {
        let counters = || Counters::now(&SystemFiles::here(), &harness::machine::processors());
        let mut ours = vec![Blocks::new(); cells.len()];
        let mut criterion = vec![Vec::new(); cells.len()];
        let mut disturbed = 0;
        for round in 0..ROUNDS {
            for (index, cell) in cells.iter().enumerate() {
                let (times, estimate) = loop {
                    report(&format!("round {} of {ROUNDS}: {}/{}", round + 1, cell.0, cell.1));
                    let before = counters();
                    // Each goes first every other time.
                    let (times, estimate) = if round.is_multiple_of(2) {
                        let times = self.sweep(*cell)?;
                        (times, self.criterion(*cell)?)
                    } else {
                        let estimate = self.criterion(*cell)?;
                        (self.sweep(*cell)?, estimate)
                    };
                    let others = used_by_others(&before, &counters());
                    if others <= QUIET {
                        break (times, estimate);
                    }
                    disturbed += 1;
                    report(&format!("other programs used {others:.2} cores meanwhile: both are measured again"));
                    ensure!(
                        disturbed <= MOST_DISTURBED,
                        "other programs disturbed {disturbed} turns; repeat this on an idle machine"
                    );
                };
                ours[index].insert(round, times);
                criterion[index].push(estimate);
            }
        }
        let agreements = cells.iter().zip(ours).zip(criterion).map(|(((task, strategy), ours), criterion)| {
            let processes: Blocks = (0..).zip(criterion.iter().map(|process| vec![process.value])).collect();
            Ok(Agreement {
                cell: format!("{task}/{strategy}"),
                ours: time(&ours, LEVEL).context("a sweep has no samples")?,
                criterion: time(&processes, LEVEL).context("criterion has no process")?,
                one_process: middle(criterion).context("criterion has no process")?,
            })
        });
        agreements.collect()
    }

    fn run(&self, program: &Path, arguments: &[&str]) -> Result<()> {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(testbed::workspace()).env("CRITERION_HOME", self.folder.path());
        command.envs(self.server.as_ref().map(|server| ("DATABASE_URL", server.url())));
        let output = command.output().with_context(|| format!("cannot start {}", program.display()))?;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{} {} failed: {}", program.display(), arguments.join(" "), errors.trim());
        Ok(())
    }

    /// The times of a cell in a sweep of one block, in nanoseconds.
    fn sweep(&self, (task, strategy): Cell) -> Result<Vec<f64>> {
        let runs = tempfile::tempdir_in(self.folder.path())?;
        let entry = tasks::find(task).with_context(|| format!("no task `{task}`"))?;
        let size = entry.default_size.to_string();
        let folder = runs.path().to_str().context("the temporary folder's name is not text")?;
        // A busy machine disturbs both alike.
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

    /// Criterion's estimate of a cell, from a new process.
    fn criterion(&self, (task, strategy): Cell) -> Result<Estimate> {
        let cell = format!("{task}/{strategy}");
        // With almost no measuring time a sample is a single run, and without plots nothing else is done.
        let settings = ["--sample-size", SAMPLES, "--warm-up-time", "0.5", "--measurement-time", "0.001", "--noplot"];
        self.run(&self.bench, &[&["--bench", "--exact", &cell][..], &settings[..]].concat())?;
        let path = self.folder.path().join(&cell).join("new/estimates.json");
        let text = std::fs::read(&path).with_context(|| format!("criterion has not written {}", path.display()))?;
        // An old answer must not be read again.
        std::fs::remove_file(&path)?;
        let estimates: serde_json::Value = serde_json::from_slice(&text)?;
        let (median, number) = (&estimates["median"], |value: &serde_json::Value| value.as_f64());
        let interval = &median["confidence_interval"];
        let bounds = number(&interval["lower_bound"]).zip(number(&interval["upper_bound"]));
        let (value, (low, high)) = number(&median["point_estimate"])
            .zip(bounds)
            .with_context(|| format!("{} holds no median of criterion's", path.display()))?;
        Ok(Estimate { value, interval: Some(Interval { low, high }) })
    }
}

/// How many cores others used between two readings: on this machine and, where it is visible, on its host.
fn used_by_others(before: &Counters, after: &Counters) -> f64 {
    let inside = after.used_by_others(before).unwrap_or_default();
    inside + after.stolen_share(before).unwrap_or_default() * after.processors as f64
}

/// The estimate with as many below it as above.
fn middle(mut estimates: Vec<Estimate>) -> Option<Estimate> {
    estimates.sort_by(|one, other| one.value.total_cmp(&other.value));
    estimates.get(estimates.len() / 2).copied()
}

/// Builds the bench `cells`. It starts without cargo, so that cargo's lock stays free for other builds.
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
    program.context("cargo does not name the file of the bench `cells`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_agree_within_three_per_cent_or_inside_each_others_interval() {
        for (ours, criterion, agree) in [
            ((100.0, 100.0, 100.0), (102.0, 102.9, 103.0), true),
            ((100.0, 100.0, 100.0), (103.0, 103.2, 104.0), false),
            ((90.0, 100.0, 120.0), (95.0, 110.0, 120.0), true),
            // Only one of them is in the other's.
            ((90.0, 100.0, 120.0), (109.0, 110.0, 111.0), false),
        ] {
            let [ours, criterion] =
                [ours, criterion].map(|(low, value, high)| Estimate { value, interval: Some(Interval { low, high }) });
            let agreement = Agreement { cell: "count/rayon".to_owned(), ours, criterion, one_process: criterion };
            assert_eq!(agreement.holds(), agree, "{agreement}");
        }
    }

    #[test]
    fn the_middle_one_of_criterions_processes_is_taken_as_it_is() {
        let [low, middle, high] = [1.0, 2.0, 9.0].map(|value| Estimate { value, interval: None });
        assert_eq!(super::middle(vec![high, low, middle]), Some(middle));
        assert_eq!(super::middle(Vec::new()), None);
    }
}
