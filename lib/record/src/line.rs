//! The record of a run: the types that the harness writes and the report reads, one JSON object a line.
//!
//! A run is a folder `reports/runs/<id>/` whose `run.jsonl` starts with one [`Line::Run`] and goes on with a
//! [`Line::Sample`] per sample, in the order in which they were measured. Lines are only ever appended.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of this format that is written here. Readers accept every version up to it.
///
/// Version 2 added to what version 1 had: checks of the machine, named faults, the mask read back, the warm-up, the
/// census and the counters. Version 3 added peers, version 6 the details of a task. What an older record lacks is absent,
/// never zero.
pub const VERSION: u32 = 6;

/// One line of `run.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
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
    /// What another program took for the same job on the same input, or why it could not be asked.
    Peer(Box<Peer>),
}

/// What a run set out to measure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
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
    /// Processors in the order in which cells get them: a cell with two cores has the first two.
    #[serde(default)]
    pub processors: Vec<u32>,
    /// What was checked of the machine and the build before the first sample.
    #[serde(default)]
    pub checks: Vec<Check>,
    /// Figures of a sample that this machine does not give, and why: a figure's name and the reason.
    #[serde(default)]
    pub unmeasured: BTreeMap<String, String>,
}

/// One thing checked of the machine or the build, because it can spoil a measurement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Check {
    /// Its name, such as `governor`: one spelling everywhere.
    pub name: String,
    /// How it came out.
    pub verdict: Verdict,
    /// What was seen and, unless all is well, the cure.
    pub sentence: String,
}

/// How a check came out, from harmless to grave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing to worry about.
    Ok,
    /// This machine does not tell, so nothing can be said.
    Unknown,
    /// Figures may be off; the report says so at its head.
    Warn,
    /// Figures would mislead: a sweep does not begin unless it is told to, and its report says so at its head.
    Refuse,
}

/// The name of the machine's note that says how many of [`Run::processors`], from the first, are a physical core of their
/// own. Those behind are second hardware threads.
pub const PHYSICAL_CORES: &str = "physical cores";

/// The name of the machine's note that says how fast its clock ran, such as `3.61 GHz`, by a chain of multiplications.
pub const CLOCK: &str = "clock under load";

/// The machine a run was measured on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
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
    /// What the report shows of this task beside its times.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<Detail>,
}

/// Something that the report shows of a task beside its times.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Detail {
    /// How long the plain loop takes for one unit of its answer, in time and in clock cycles.
    UnitCost {
        /// The unit with its article: `an increment`.
        unit: String,
        /// The figure of the answer that counts the units: `sum`.
        figure: String,
        /// What limits the units per clock cycle, as a clause.
        limit: String,
    },
    /// How long each strategy takes to start its workers and to hand over a job.
    DispatchCost,
}

/// A strategy, as its own file introduces it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
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
    /// `per_partition`, `per_worker`, `tree` or `sharded`.
    pub combine: String,
}

/// How a sample came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Measured, and the answer is the right one.
    Verified,
    /// It ended, with another answer than the baseline's.
    Wrong,
    /// It ended with the right answer, but not under the conditions that every other strategy had.
    Unfair,
    /// It ended with an error of its own.
    Failed,
    /// Its process died.
    Crashed,
    /// It did not end in the time allowed and was stopped.
    Hung,
}

/// What exactly was wrong with a sample that is not verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Another answer than the baseline's.
    WrongAnswer,
    /// A job was let go without being run.
    DroppedJob,
    /// The strategy returned before it had pulled every job.
    AbandonedSource,
    /// The strategy returned while jobs were still under way.
    ReportedEarly,
    /// A job was finished with the answer to another one.
    MismatchedReply,
    /// One partition's answer was used for two jobs.
    RepeatedReply,
    /// A job was finished with an answer from an earlier run.
    StaleReply,
    /// Items were lost or counted twice.
    LostItems,
    /// The answer came with less processor time than the work takes.
    WorkNotDone,
    /// More jobs in progress at one moment than workers.
    TooManyJobs,
    /// Fewer jobs in progress than workers, with work left for all.
    TooFewJobs,
    /// Threads that ran no job used processor time.
    ExtraThreads,
    /// A thread was allowed processors that the cell has not.
    ForeignCores,
    /// Threads were left behind when the workers had ended.
    LeakedThreads,
    /// Jobs were begun after the run had been cancelled.
    IgnoredCancel,
    /// A worker panicked.
    Panicked,
    /// An error of the task or the strategy, named by its reason.
    Error,
    /// The process died.
    Crashed,
    /// It did not end.
    Hung,
}

impl Fault {
    /// What was wrong, in the words that every list and every page uses.
    pub fn words(self) -> &'static str {
        match self {
            Fault::WrongAnswer => "wrong answer",
            Fault::DroppedJob => "dropped a job",
            Fault::AbandonedSource => "did not pull every job",
            Fault::ReportedEarly => "ended before its jobs did",
            Fault::MismatchedReply => "answered one job with another's answer",
            Fault::RepeatedReply => "used one answer for two jobs",
            Fault::StaleReply => "used an answer from an earlier run",
            Fault::LostItems => "lost or repeated items",
            Fault::WorkNotDone => "answered without doing the work",
            Fault::TooManyJobs => "more jobs at once than workers",
            Fault::TooFewJobs => "fewer jobs at once than workers",
            Fault::ExtraThreads => "threads without a job used processor time",
            Fault::ForeignCores => "could run on cores that are not the cell's",
            Fault::LeakedThreads => "left threads behind",
            Fault::IgnoredCancel => "went on after it was cancelled",
            Fault::Panicked => "panicked",
            Fault::Error => "error",
            Fault::Crashed => "crashed",
            Fault::Hung => "hung",
        }
    }
}

/// One sample of one cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Sample {
    /// The block it belongs to, counted from 0: in each block every cell has its turn once.
    pub block: u32,
    /// Its cell's place in the block's shuffled order, counted from 0.
    pub turn: u32,
    /// Its place among the samples of its cell in this block, counted from 0; the untimed warm-up comes before.
    pub index: u32,
    /// What was measured.
    pub cell: Cell,
    /// How it came out. Only a verified sample is a time; the others have no `times`.
    pub status: Status,
    /// Why it is not verified, in a sentence; empty otherwise.
    pub reason: String,
    /// Which of the known faults that is. Absent if verified, and in records of version 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    /// The digest of the answer, empty if there was none.
    pub digest: String,
    /// Time spent measuring in this run so far, in milliseconds, pauses between interruption and resumption left out.
    #[serde(default)]
    pub elapsed_ms: u64,
    /// The processors that the measured process was really allowed, read back from the system.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub processors: Vec<u32>,
    /// How long the untimed run before this process's first sample took, in nanoseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warm_up_ns: Option<u64>,
    /// What was measured; absent unless the sample ended.
    pub times: Option<Times>,
}

/// The figures of one sample. Times in nanoseconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
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
    /// Processor time in user mode, of this process and its worker processes.
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
    /// The most memory that the process and its worker processes held during the sample, in bytes.
    pub peak_memory_bytes: u64,
    /// The part of the task's file that was in memory when the run began, from 0 to 1. Absent if it reads none, or if the
    /// system does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resident: Option<f64>,
    /// Time of all workers together inside jobs, in nanoseconds. Absent for the baseline, which has neither, and before
    /// version 4; so are the next two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_jobs_ns: Option<u64>,
    /// Of that, in the task itself; the rest is what it took to ship a job to a worker that shares no memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_task_ns: Option<u64>,
    /// Time of all workers together before each one's first job and after its last, until `run_ns` were over. What is left
    /// of `run_ns` times workers went by between jobs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_ends_ns: Option<u64>,
    /// How many partitions there were.
    pub partitions: u64,
    /// The most jobs in progress at one moment, from the spans.
    pub most_in_progress: u32,
    /// How many threads the process had when the run ended, all of them counted.
    pub threads: u32,
    /// How often a thread was moved to another processor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub migrations: Option<u64>,
    /// Processor cycles in user mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cycles: Option<u64>,
    /// Instructions in user mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<u64>,
    /// Misses in the last cache before memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_misses: Option<u64>,
    /// Energy of the processor packages, in microjoules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub energy_uj: Option<u64>,
    /// The threads that were seen while it ran. Absent in records of version 1 and for the baseline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub census: Option<Census>,
}

/// The threads of a process and its worker processes, seen by looking again and again while a sample ran.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Census {
    /// How often it was looked.
    pub looks: u32,
    /// The most threads alive at one look.
    pub alive: u32,
    /// The most threads running or ready to run at one look.
    pub runnable: u32,
    /// What the looking itself took while the sample ran: processor time in nanoseconds.
    #[serde(default)]
    pub cost_ns: u64,
    /// The threads by name, most processor time first.
    pub pools: Vec<Pool>,
}

/// Threads with the same name, the numbers at its end left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Pool {
    /// Their name, as the system shows it.
    pub name: String,
    /// How many there were.
    pub threads: u32,
    /// How many of them ran a job.
    pub working: u32,
    /// Processor time of all of them, in nanoseconds.
    pub cpu_ns: u64,
}

/// A task that could not be measured, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Skipped {
    /// The task's name.
    pub task: String,
    /// Why, and what would cure it.
    pub reason: String,
}

/// A moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Moment {
    /// RFC 3339 in UTC.
    pub at: String,
}

/// The end of a sweep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Ended {
    /// RFC 3339 in UTC.
    pub at: String,
    /// Blocks that are complete.
    pub blocks: u32,
    /// Whether the sweep was stopped before its plan was done.
    pub interrupted: bool,
    /// What was checked of the machine after the last sample: what the measuring itself may have run into.
    #[serde(default)]
    pub checks: Vec<Check>,
}

/// Another program at the job of a task, on the input that this run had, with so many threads.
///
/// A later line takes the place of an earlier one for the same task, name and number of threads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Peer {
    /// The task's name.
    pub task: String,
    /// The peer's name: one spelling everywhere.
    pub name: String,
    /// What it does, in one sentence.
    pub about: String,
    /// What it is there for.
    pub role: Role,
    /// The program's version in its own words; empty if it is absent.
    pub version: String,
    /// How many threads or processes it was allowed, and processors.
    pub threads: u32,
    /// Its runs, by turns with those of all other peers. Empty if it is absent or wrong.
    pub runs: Vec<PeerRun>,
    /// Why there are none: it is not installed, it failed, or its totals are not ours; empty otherwise.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

impl Peer {
    /// Whether a line of one takes the place of a line of the other.
    pub fn is_same(&self, other: &Peer) -> bool {
        (&self.task, &self.name, self.threads) == (&other.task, &other.name, other.threads)
    }
}

/// What a peer is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// It only reads the input: nobody can be faster.
    Floor,
    /// This program itself, as a whole process like the others.
    Own,
    /// What a user might take instead.
    Other,
}

/// One run of a peer: a whole process, from its start to its end, with all that it starts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PeerRun {
    /// From its start to its end.
    pub wall_ns: u64,
    /// The same on the input's first line alone, right before: what the program takes to come up and to end.
    pub start_ns: u64,
    /// Processor time of the process and those it waited for.
    pub cpu_ns: u64,
    /// How much of that was in the kernel: copying what is read, mapping pages and unmapping them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_ns: Option<u64>,
    /// Page faults that needed no reading from a disk, of the same processes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minor_faults: Option<u64>,
    /// The most memory that it, or one of those, held; pages of a mapped file count. It is never less than the little that
    /// this program held when it started the peer.
    pub peak_memory_bytes: u64,
}
