//! The types of a record, which the harness writes and the report reads: one JSON object a line.
//!
//! A run is a folder `reports/runs/<id>/`. Its `run.jsonl` starts with one [`Line::Run`], and a [`Line::Sample`] follows
//! for each sample, in the order of measurement. Lines are only ever appended.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of the format that this program writes. Its reader accepts every version up to it.
///
/// Whatever an older record lacks is absent, never zero. `FORMAT.md` lists what each version added.
pub const VERSION: u32 = 6;

/// One line of `run.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Line {
    /// The first line: what the run measures, and on which machine.
    Run(Box<Run>),
    /// One measured sample, or one failure.
    Sample(Box<Sample>),
    /// A task that could not be measured, and why.
    Skipped(Skipped),
    /// The sweep was resumed after an interruption.
    Resumed(Moment),
    /// The sweep ended: everything planned is measured, or it was interrupted.
    Ended(Ended),
    /// What another program took for the same job on the same input, or why it did not run.
    Peer(Box<Peer>),
}

/// What a run measures, and where.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Run {
    /// The format's version.
    pub version: u32,
    /// The run's name, which is its folder's too: date, time and a few random letters.
    pub id: String,
    /// When it began: RFC 3339 in UTC.
    pub began: String,
    /// The exact command, quoted so that a shell accepts it.
    pub command: String,
    /// The program's version and, if known, the commit that it was built from.
    pub program: String,
    /// The seed of the random order of cells.
    pub seed: u64,
    /// The time allowed for measurement, in seconds.
    pub budget_s: f64,
    /// The machine that measured.
    pub machine: Machine,
    /// The tasks, in the report's order.
    pub tasks: Vec<TaskNote>,
    /// The strategies, in the report's order.
    pub strategies: Vec<StrategyNote>,
    /// Every planned core count, ascending.
    pub cores: Vec<u32>,
    /// The processors, in the order in which cells get them: a cell with two cores has the first two.
    #[serde(default)]
    pub processors: Vec<u32>,
    /// Checks of the machine and the build before the first sample.
    #[serde(default)]
    pub checks: Vec<Check>,
    /// Figures of a sample that this machine cannot measure: a figure's name and the reason.
    #[serde(default)]
    pub unmeasured: BTreeMap<String, String>,
}

/// One check of the machine or the build: of something that can spoil a measurement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Check {
    /// Its name, such as `governor`.
    pub name: String,
    /// Its result.
    pub verdict: Verdict,
    /// What it found and, unless all is well, what to do about it.
    pub sentence: String,
}

/// The result of a check, from harmless to severe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// All is well.
    Ok,
    /// This machine does not show it.
    Unknown,
    /// Figures may be wrong; the report says so at its top.
    Warn,
    /// Figures would mislead. A sweep does not start without `--anyway`, and its report says so at its top.
    Refuse,
}

/// The name of the machine's note with the number of physical cores among [`Run::processors`]. They come first; the
/// others are second hardware threads.
pub const PHYSICAL_CORES: &str = "physical cores";

/// The name of the machine's note with its clock rate, such as `3.61 GHz`, measured by a chain of multiplications.
pub const CLOCK: &str = "clock under load";

/// The machine that measured a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Machine {
    /// The processor's name, as the operating system gives it.
    pub processor: String,
    /// Logical processors that this run may use, after affinity and quota.
    pub cores_available: u32,
    /// Logical processors that are online.
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
    /// Other properties, such as the database server's version: name and value.
    pub notes: BTreeMap<String, String>,
}

/// A task, as the report describes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TaskNote {
    /// The task's name.
    pub name: String,
    /// What it does, in one sentence.
    pub about: String,
    /// What its partition size counts: numbers, lines, rows.
    pub unit: String,
    /// Its options, such as the input file or the kernel.
    pub options: BTreeMap<String, String>,
    /// The number of items in its input, if known.
    pub items: Option<u64>,
    /// The planned partition sizes, ascending.
    pub sizes: Vec<u64>,
    /// The partition size of comparisons that use only one: one of `sizes`.
    pub default_size: u64,
    /// The digest of the baseline's answer, which every correct answer has.
    pub digest: String,
    /// The answer for a reader: names and values, such as `distinct words` and `1650999`.
    pub answer: Vec<(String, String)>,
    /// Details that the report shows in addition to the times.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<Detail>,
}

/// A detail that the report shows of a task, in addition to its times.
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

/// A strategy, as its own file describes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StrategyNote {
    /// The strategy's name, which is its file's, its label in charts, and its word on the command line.
    pub name: String,
    /// What it does, in one sentence.
    pub about: String,
    /// When it is the right choice.
    pub good: String,
    /// When it is the wrong choice.
    pub bad: String,
    /// What to look for in a trace.
    pub trace: String,
}

/// The name of the plain one-thread loop in a record. It is not a strategy: it has no jobs and no partitions.
pub const BASELINE: &str = "baseline";

/// What a sample measures: one value for each axis of a sweep.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Cell {
    /// The task's name.
    pub task: String,
    /// The strategy's name, or [`BASELINE`].
    pub strategy: String,
    /// How many processors the cell's process may use.
    pub cores: u32,
    /// How many jobs may be in progress at the same time.
    pub workers: u32,
    /// Items in a partition; 0 for the baseline, which has no partitions.
    pub size: u64,
    /// `gather`, `in_order` or `as_completed`.
    pub delivery: String,
    /// `per_partition`, `per_worker`, `tree` or `sharded`.
    pub combine: String,
}

/// The result of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It ended with the right answer.
    Verified,
    /// It ended with another answer than the baseline's.
    Wrong,
    /// It ended with the right answer, but not under the same conditions as the others.
    Unfair,
    /// It ended with an error.
    Failed,
    /// Its process died.
    Crashed,
    /// It did not end within its time limit, and the harness stopped it.
    Hung,
}

/// Why a sample is not verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Its answer is not the baseline's.
    WrongAnswer,
    /// A job was dropped without being run.
    DroppedJob,
    /// The strategy returned before it had pulled every job.
    AbandonedSource,
    /// The strategy returned while jobs were still in progress.
    ReportedEarly,
    /// A job was finished with another job's answer.
    MismatchedReply,
    /// One partition's answer was used for two jobs.
    RepeatedReply,
    /// A job was finished with an earlier run's answer.
    StaleReply,
    /// Items were lost or counted twice.
    LostItems,
    /// The answer took less processor time than the work needs.
    WorkNotDone,
    /// More jobs were in progress than there are workers.
    TooManyJobs,
    /// Fewer jobs were in progress than there are workers, while jobs were left.
    TooFewJobs,
    /// Threads that ran no job used processor time.
    ExtraThreads,
    /// A thread could run on processors outside the cell.
    ForeignCores,
    /// Threads were still there after the workers had ended.
    LeakedThreads,
    /// Jobs started after the run was cancelled.
    IgnoredCancel,
    /// A worker panicked.
    Panicked,
    /// The task or the strategy reported an error; the sample's reason names it.
    Error,
    /// The process died.
    Crashed,
    /// The process did not end.
    Hung,
}

impl Fault {
    /// What was wrong, in a few words for tables.
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
    /// Its block, from 0: every cell has one turn in each block.
    pub block: u32,
    /// Its cell's place in the block's random order, from 0.
    pub turn: u32,
    /// Its place among the samples of its cell in this block, from 0; the untimed warm-up run comes before.
    pub index: u32,
    /// What was measured.
    pub cell: Cell,
    /// Its result. Only a verified sample is a time; the others have no `times`.
    pub status: Status,
    /// Why it is not verified, in a sentence; otherwise empty.
    pub reason: String,
    /// Why it is not verified, as one of the known faults. Absent if it is, and in records of version 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    /// The digest of its answer; empty without an answer.
    pub digest: String,
    /// The run's measuring time so far, in milliseconds, without pauses between interruption and resumption.
    #[serde(default)]
    pub elapsed_ms: u64,
    /// The processors that the measured process could really use, as the kernel reports them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub processors: Vec<u32>,
    /// The time of the untimed run before this process's first sample, in nanoseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warm_up_ns: Option<u64>,
    /// Its figures; absent unless the sample ended.
    pub times: Option<Times>,
}

/// The figures of one sample. Times in nanoseconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Times {
    /// From the first job pulled to the total reduced: `run_ns + reduce_ns`.
    pub wall_ns: u64,
    /// Time to start the workers, once per process and before the clock of `wall_ns`.
    pub start_ns: u64,
    /// From the first job pulled until every job has reported.
    pub run_ns: u64,
    /// Time to reduce what was not reduced during the run.
    pub reduce_ns: u64,
    /// From the first job pulled until the first partial was delivered.
    pub first_result_ns: u64,
    /// Processor time in user mode, of this process and its worker processes.
    pub user_ns: u64,
    /// Processor time in the kernel, of the same processes.
    pub system_ns: u64,
    /// Context switches because a thread waited.
    pub voluntary_switches: u64,
    /// Context switches because a thread's time was up.
    pub involuntary_switches: u64,
    /// Page faults that needed no disk.
    pub minor_faults: u64,
    /// Page faults that read from a disk.
    pub major_faults: u64,
    /// The most memory that the process and its worker processes held during the sample, in bytes.
    pub peak_memory_bytes: u64,
    /// The part of the task's file that was in memory when the run began, from 0 to 1. Absent if the task reads no file,
    /// or if the kernel does not report it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resident: Option<f64>,
    /// Time inside jobs, all workers together. Absent for the baseline, which has neither, and before version 4, as are
    /// the next two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_jobs_ns: Option<u64>,
    /// The part of it in the task itself; the rest sends jobs to workers that share no memory, and their answers back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_task_ns: Option<u64>,
    /// Time before a worker's first job and after its last, until the end of `run_ns`, all workers together. The rest of
    /// `run_ns` × workers passes between jobs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_ends_ns: Option<u64>,
    /// The number of partitions.
    pub partitions: u64,
    /// The most jobs in progress at the same time, from the spans.
    pub most_in_progress: u32,
    /// How many threads the process had when the run ended.
    pub threads: u32,
    /// How often a thread moved to another processor.
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
    /// The threads that the census saw during the run. Absent for the baseline and in records of version 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub census: Option<Census>,
}

/// The threads of a process and its worker processes during a sample, from looks at regular intervals.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Census {
    /// The number of looks.
    pub looks: u32,
    /// The most threads alive at one look.
    pub alive: u32,
    /// The most threads running or ready to run at one look.
    pub runnable: u32,
    /// The looks' own processor time during the sample, in nanoseconds.
    #[serde(default)]
    pub cost_ns: u64,
    /// The threads by name, most processor time first.
    pub pools: Vec<Pool>,
}

/// Threads with the same name, without the number at its end.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Pool {
    /// Their name, as the operating system shows it.
    pub name: String,
    /// How many there are.
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
    /// Why, and what to do about it.
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
    /// The number of complete blocks.
    pub blocks: u32,
    /// Whether the sweep was stopped before its plan was done.
    pub interrupted: bool,
    /// Checks of the machine after the last sample: what may have disturbed the measurement.
    #[serde(default)]
    pub checks: Vec<Check>,
}

/// Another program that did a task's job on this run's input, with some number of threads.
///
/// A later line replaces an earlier one for the same task, name and number of threads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Peer {
    /// The task's name.
    pub task: String,
    /// The peer's name.
    pub name: String,
    /// What it does, in one sentence.
    pub about: String,
    /// Why it is in the comparison.
    pub role: Role,
    /// The program's version in its own words; empty if the program is absent.
    pub version: String,
    /// How many threads or processes, and processors, it could use.
    pub threads: u32,
    /// Its runs, interleaved with those of all other peers. Empty if it is absent or wrong.
    pub runs: Vec<PeerRun>,
    /// Why there are no runs: it is not installed, it failed, or its totals are not ours; otherwise empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

impl Peer {
    /// Whether a line of one replaces a line of the other.
    pub fn is_same(&self, other: &Peer) -> bool {
        (&self.task, &self.name, self.threads) == (&other.task, &other.name, other.threads)
    }
}

/// Why a peer is in the comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// It only reads the input: no program can be faster.
    Floor,
    /// This program itself, as a whole process like the others.
    Own,
    /// A program that a user might use instead.
    Other,
}

/// One run of a peer: a whole process with all processes that it starts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PeerRun {
    /// From its start to its end.
    pub wall_ns: u64,
    /// The same on the input's first line alone, right before: the time to start and to end.
    pub start_ns: u64,
    /// Processor time of the process and of those that it waited for.
    pub cpu_ns: u64,
    /// The part of it in the kernel: copying what is read, mapping pages and unmapping them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_ns: Option<u64>,
    /// Page faults that needed no disk, of the same processes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minor_faults: Option<u64>,
    /// The most memory that one of them held, in bytes, mapped files included. It is at least the little that this program
    /// held when it started the peer.
    pub peak_memory_bytes: u64,
}
