//! Compares our medians with criterion's. `goldilocks sweep` and the bench `cells` measure the same cells in turn.
//!
//! Both measure the same thing. A sample is one run, from the first job to the final total. Both use a release build, the
//! same data and server, and a warm process that does nothing else. A process is warm after some runs, so both take many
//! samples per process. Processes differ, so both start several of them. They alternate, so that drift affects both.
//!
//! Everything runs on one core, including the server. On two virtual cores, the interaction of two threads differs between
//! processes by 10 % or more. Even with correct clocks, two medians of eleven processes would differ by as much.

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

/// A task and a strategy. All other settings are those of a default sweep on one core.
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

/// The share of their mean within which two medians agree, whatever their intervals are.
const TOLERANCE: f64 = 0.03;

/// Processes per program and cell. The number is odd, so that one process of criterion is the median. It is large enough
/// for an interval.
const ROUNDS: u32 = 11;

/// Samples per process. The heap still grows in the first few, which must not affect the median.
const SAMPLES: &str = "30";

/// The number of cores that other programs may use during a turn. The operating system needs a little. Both programs repeat
/// a busier turn, whatever its result, because the disturbance may affect only one of them.
const QUIET: f64 = 0.05;

/// The number of repeated turns after which the cross-check fails.
const MOST_DISTURBED: usize = 100;

/// The measurements of a cell by the two programs.
#[derive(Debug, Clone, PartialEq)]
pub struct Agreement {
    /// The cell as criterion names it, such as `count/rayon`.
    pub cell: String,
    /// The median over our processes in nanoseconds, and its interval.
    pub ours: Estimate,
    /// The median over processes of criterion's point estimates, and its interval over processes.
    pub criterion: Estimate,
    /// The estimate of criterion's median process. Its interval covers other iterations of that process, but not other
    /// processes.
    pub one_process: Estimate,
}

impl Agreement {
    /// The difference of our median and criterion's, as a share of their mean.
    fn difference(&self) -> f64 {
        (self.ours.value - self.criterion.value) / f64::midpoint(self.ours.value, self.criterion.value)
    }

    /// Whether each median lies in the other's interval.
    fn within_each_other(&self) -> bool {
        let within = |value: f64, estimate: Estimate| {
            estimate.interval.is_some_and(|interval| (interval.low..=interval.high).contains(&value))
        };
        within(self.ours.value, self.criterion) && within(self.criterion.value, self.ours)
    }

    /// Whether each median lies in the other's interval or the two differ by at most 3 %.
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

/// Measures `cells` with our harness and with criterion in turn. Ten cells take about six minutes on an idle machine.
/// `report` receives the progress.
pub fn compare(cells: &[Cell], report: &mut dyn FnMut(&str)) -> Result<Vec<Agreement>> {
    ensure!(!cfg!(debug_assertions), "criterion measures release builds; run `just prove crosscheck`");
    testbed::goldilocks();
    let bench = bench()?;
    on_one_core(|| {
        let environment = Environment::of_this_process();
        let wanted = environment.address.is_none() && cells.iter().any(|(task, _)| *task == "cursor_pages");
        // The size 0 is enough for the server's buffers, because the default table is smaller than the smallest buffers.
        let server = wanted.then(|| Server::open(&environment, 0)).transpose().context("no server to measure with")?;
        Programs { bench, server, folder: tempfile::tempdir()? }.compare(cells, report)
    })?
}

/// The two programs, and the server and folder that they share.
struct Programs {
    bench: PathBuf,
    /// The server for both programs. Each creates its own table.
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
                    // The order of the two programs alternates.
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

    /// Measures a cell in a sweep of one block. Returns the times in nanoseconds.
    fn sweep(&self, (task, strategy): Cell) -> Result<Vec<f64>> {
        let runs = tempfile::tempdir_in(self.folder.path())?;
        let entry = tasks::find(task).with_context(|| format!("no task `{task}`"))?;
        let size = entry.default_size.to_string();
        let folder = runs.path().to_str().context("the temporary folder's name is not text")?;
        // `--anyway` because a busy machine disturbs both programs equally.
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

    /// Measures a cell with criterion in a new process. Returns criterion's estimate.
    fn criterion(&self, (task, strategy): Cell) -> Result<Estimate> {
        let cell = format!("{task}/{strategy}");
        // With almost no measuring time, each sample is a single run. Without plots, criterion does nothing else.
        let settings = ["--sample-size", SAMPLES, "--warm-up-time", "0.5", "--measurement-time", "0.001", "--noplot"];
        self.run(&self.bench, &[&["--bench", "--exact", &cell][..], &settings[..]].concat())?;
        let path = self.folder.path().join(&cell).join("new/estimates.json");
        let text = std::fs::read(&path).with_context(|| format!("criterion has not written {}", path.display()))?;
        // The file is removed, so that no later call reads an old estimate.
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

/// The number of cores that other programs used between two readings, on this machine and, if visible, on its host.
fn used_by_others(before: &Counters, after: &Counters) -> f64 {
    let inside = after.used_by_others(before).unwrap_or_default();
    inside + after.stolen_share(before).unwrap_or_default() * after.processors as f64
}

/// The median estimate.
fn middle(mut estimates: Vec<Estimate>) -> Option<Estimate> {
    estimates.sort_by(|one, other| one.value.total_cmp(&other.value));
    estimates.get(estimates.len() / 2).copied()
}

/// Builds the bench `cells` and returns its path. It is later started without cargo, so that cargo's lock stays free for
/// other builds.
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
            // Only one median lies in the other's interval.
            ((90.0, 100.0, 120.0), (109.0, 110.0, 111.0), false),
        ] {
            let [ours, criterion] =
                [ours, criterion].map(|(low, value, high)| Estimate { value, interval: Some(Interval { low, high }) });
            let agreement = Agreement { cell: "count/rayon".to_owned(), ours, criterion, one_process: criterion };
            assert_eq!(agreement.holds(), agree, "{agreement}");
        }
    }

    #[test]
    fn the_median_process_of_criterion_keeps_its_estimate() {
        let [low, middle, high] = [1.0, 2.0, 9.0].map(|value| Estimate { value, interval: None });
        assert_eq!(super::middle(vec![high, low, middle]), Some(middle));
        assert_eq!(super::middle(Vec::new()), None);
    }
}
