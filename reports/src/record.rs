//! The record of a run: the types that the harness writes and the report reads, one JSON object a line.
//!
//! A run is a folder `reports/runs/<id>/` whose `run.jsonl` starts with one [`Line::Run`] and goes on with a
//! [`Line::Sample`] per sample, in the order in which they were measured. Lines are only ever appended.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of this format that is written here. Readers accept every version up to it.
pub const VERSION: u32 = 1;

/// One line of `run.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Line {
    /// The first line: what was asked for, of whom, on which machine.
    Run(Box<Run>),
    /// One measured sample, or one failure.
    Sample(Box<Sample>),
    /// A task that could not be measured at all, and why.
    Skipped(Skipped),
    /// The sweep was taken up again after an interruption.
    Resumed(Moment),
    /// The sweep came to an end: all that was planned is measured, or it was interrupted.
    Ended(Ended),
}

/// What a run set out to measure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// The format's version, [`VERSION`] when written here.
    pub version: u32,
    /// The run's name, also its folder's: date, time and a few random letters.
    pub id: String,
    /// When it began, RFC 3339 in UTC.
    pub began: String,
    /// The exact command that was given, quoted so that a shell takes it back.
    pub command: String,
    /// The program's version and, if known, the commit it was built from.
    pub program: String,
    /// The seed of the order in which cells were run.
    pub seed: u64,
    /// The time allowed for measuring, in seconds.
    pub budget_s: f64,
    /// Where it was measured.
    pub machine: Machine,
    /// The tasks, in the order in which the report shows them.
    pub tasks: Vec<TaskNote>,
    /// The strategies, in the order in which the report shows them.
    pub strategies: Vec<StrategyNote>,
    /// Every core count that was planned, ascending.
    pub cores: Vec<u32>,
}

/// The machine a run was measured on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// The processor's name as the system gives it.
    pub processor: String,
    /// Logical processors this run may use, after affinity and quota.
    pub cores_available: u32,
    /// Logical processors the machine has online.
    pub cores_online: u32,
    /// Physical memory in bytes.
    pub memory_bytes: u64,
    /// The kernel's name and release.
    pub kernel: String,
    /// The operating system's name and release.
    pub system: String,
    /// The compiler that built the program.
    pub compiler: String,
    /// `release` or `debug`.
    pub profile: String,
    /// Anything else worth knowing, such as the database server's version: name and value.
    pub notes: BTreeMap<String, String>,
}

/// A task, as the report introduces it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskNote {
    /// The task's name: one spelling everywhere.
    pub name: String,
    /// What it does, in one sentence.
    pub about: String,
    /// What its partition size counts: numbers, lines, rows.
    pub unit: String,
    /// The options it was run with, such as the input file or the kernel.
    pub options: BTreeMap<String, String>,
    /// How many items its input has, if known.
    pub items: Option<u64>,
    /// The partition sizes that were planned, ascending.
    pub sizes: Vec<u64>,
    /// The partition size that is used where only one is compared, one of `sizes`.
    pub default_size: u64,
    /// The digest that every correct answer has: the baseline's.
    pub digest: String,
    /// The answer in words: names and values, such as `distinct words` and `1650999`.
    pub answer: Vec<(String, String)>,
}

/// A strategy, as its own file introduces it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StrategyNote {
    /// The strategy's name: its file, its plot label, its word on the command line.
    pub name: String,
    /// What it does, in one sentence.
    pub about: String,
    /// When it is the right choice.
    pub good: String,
    /// When it is the wrong one.
    pub bad: String,
    /// What to look for in a trace.
    pub trace: String,
}

/// The name under which the plain one-thread loop is recorded. It is not a strategy: it has no jobs and no partitions.
pub const BASELINE: &str = "baseline";

/// What was measured: one combination of everything that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Cell {
    /// The task's name.
    pub task: String,
    /// The strategy's name, or [`BASELINE`].
    pub strategy: String,
    /// How many processors the cell's process was allowed.
    pub cores: u32,
    /// How many jobs may be in progress at one moment.
    pub workers: u32,
    /// Items in a partition; 0 for the baseline, which has none.
    pub size: u64,
    /// `gather`, `in_order` or `as_completed`.
    pub delivery: String,
    /// `per_partition` or `per_worker`.
    pub combine: String,
}

/// How a sample came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Measured, and the answer is the right one.
    Verified,
    /// It ended, with another answer than the baseline's.
    Wrong,
    /// It ended with an error of its own.
    Failed,
    /// Its process died.
    Crashed,
    /// It did not end in the time allowed and was stopped.
    Hung,
}

/// One sample of one cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// The block it belongs to, counted from 0: in each block every cell has its turn once.
    pub block: u32,
    /// Its cell's place in the block's shuffled order, counted from 0.
    pub turn: u32,
    /// Its place among the samples of one process, counted from 0; the untimed warm-up comes before and is not recorded.
    pub index: u32,
    /// What was measured.
    pub cell: Cell,
    /// How it came out. Only a verified sample is a time; the others have no `times`.
    pub status: Status,
    /// Why it is not verified, in a sentence; empty otherwise.
    pub reason: String,
    /// The digest of the answer, empty if there was none.
    pub digest: String,
    /// Time spent measuring in this run so far, in milliseconds, pauses between interruption and resumption left out.
    #[serde(default)]
    pub elapsed_ms: u64,
    /// What was measured; absent unless the sample ended.
    pub times: Option<Times>,
}

/// The figures of one sample. Times in nanoseconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Times {
    /// From the first job pulled to the total reduced: `run_ns + reduce_ns`.
    pub wall_ns: u64,
    /// Bringing the workers up, once per process and before the clock of `wall_ns`.
    pub start_ns: u64,
    /// From the first job pulled until every job has reported.
    pub run_ns: u64,
    /// Reducing what was not reduced while running.
    pub reduce_ns: u64,
    /// Until the first partial was delivered.
    pub first_result_ns: u64,
    /// Processor time in user mode, of this process and of worker processes that have ended.
    pub user_ns: u64,
    /// Processor time in the kernel, likewise.
    pub system_ns: u64,
    /// Switches because a thread had to wait.
    pub voluntary_switches: u64,
    /// Switches because a thread's time was up.
    pub involuntary_switches: u64,
    /// Page faults served without reading from a disk.
    pub minor_faults: u64,
    /// Page faults that read from a disk.
    pub major_faults: u64,
    /// The largest memory the process ever had, in bytes.
    pub peak_memory_bytes: u64,
    /// How many partitions there were.
    pub partitions: u64,
    /// The most jobs in progress at one moment, from the spans.
    pub most_in_progress: u32,
    /// How many threads the process had when the run ended, all of them counted.
    pub threads: u32,
}

/// A task that could not be measured, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Skipped {
    /// The task's name.
    pub task: String,
    /// Why, and what would cure it.
    pub reason: String,
}

/// A moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Moment {
    /// RFC 3339 in UTC.
    pub at: String,
}

/// The end of a sweep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ended {
    /// RFC 3339 in UTC.
    pub at: String,
    /// Blocks that are complete.
    pub blocks: u32,
    /// Whether the sweep was stopped before its plan was done.
    pub interrupted: bool,
}
