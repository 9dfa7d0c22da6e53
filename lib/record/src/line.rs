//! The types of a record: one JSON object a line. The harness writes them and the report reads them.
//!
//! A run is a folder `reports/runs/<id>/`. Its `run.jsonl` starts with one [`Line::Run`], and a [`Line::Sample`]
//! follows for each sample, in the order of measurement. Lines are only ever appended.

use crate::heartbeat::Heartbeat;
use crate::lane::Lane;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of the format that this program writes. The reader accepts this version and every earlier one.
///
/// A field that an older record lacks is absent, never zero. `FORMAT.md` lists the additions of each version.
pub const VERSION: u32 = 6;

/// The largest number of a record: 10¹⁸, which is 31 years in nanoseconds. A larger one is a fault of the writer, and sums
/// of a few would not fit into 64 bits.
pub const MOST: u64 = 1_000_000_000_000_000_000;

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
    /// The sweep ended: it measured everything planned, or it was interrupted.
    Ended(Ended),
    /// The measurements of another program that did the same job on the same input, or the reason why it did not run.
    Peer(Box<Peer>),
    /// The spans of one untimed run of a cell, or the reason why there are none.
    Trace(Box<Trace>),
}

/// What a run measures, and on which machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Run {
    /// The format's version.
    pub version: u32,
    /// The name of the run and of its folder: date, time and a few random letters.
    pub id: String,
    /// The start of the run: RFC 3339 in UTC.
    pub began: String,
    /// The exact command, quoted so that a shell accepts it.
    pub command: String,
    /// The program's version and, if known, its commit.
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
    /// The processors, in the order in which cells use them. A cell with two cores uses the first two.
    #[serde(default)]
    pub processors: Vec<u32>,
    /// Checks of the machine and the build before the first sample.
    #[serde(default)]
    pub checks: Vec<Check>,
    /// The figures of a sample that this machine cannot measure: name and reason.
    #[serde(default)]
    pub unmeasured: BTreeMap<String, String>,
}

/// A check of the machine or the build for something that can distort measurements.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Check {
    /// The check's name, such as `governor`.
    pub name: String,
    /// The check's result.
    pub verdict: Verdict,
    /// What the check found and, unless all is well, what to do about it.
    pub sentence: String,
}

/// The result of a check, from harmless to severe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// All is well.
    Ok,
    /// This machine does not provide the information.
    Unknown,
    /// Figures may be wrong. The report shows a warning at its top.
    Warn,
    /// Figures would mislead. A sweep starts only with `--anyway`, and its report shows a warning at its top.
    Refuse,
}

/// The name of the machine's note with the number of physical cores. The first processors of [`Run::processors`] are on
/// different physical cores; the rest are sibling hyperthreads.
pub const PHYSICAL_CORES: &str = "physical cores";

/// The name of the machine's note with the clock rate, such as `3.61 GHz`, measured with a chain of multiplications.
pub const CLOCK: &str = "clock under load";

/// The machine that measured a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Machine {
    /// The processor's name, as the operating system reports it.
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
    /// The core counts at which the kind of processors changes, ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub boundaries: Vec<Boundary>,
    /// The NUMA node of each of [`Run::processors`], in the same order. A worker's own memory is on the node of its
    /// processor.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<u32>,
    /// The share of the input file's pages on each NUMA node, from node 0 on. Absent without a file and on a machine with
    /// one node.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub input_nodes: Vec<f64>,
    /// Other properties, such as the database server's version: name and value.
    pub notes: BTreeMap<String, String>,
}

/// A core count at which the kind of processors changes: the next core differs from all cores up to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Boundary {
    /// The number of cores up to the boundary.
    pub cores: usize,
    /// What changes there.
    pub kind: BoundaryKind,
}

/// What changes at a boundary, the most important first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BoundaryKind {
    /// The last physical core; sibling hyperthreads follow.
    Physical,
    /// The last core of a fast kind; a slower kind follows.
    FastCores,
    /// The last core of a socket.
    Socket,
    /// The last core of a NUMA node; the next core is on the same socket.
    Node,
    /// The last core of the first last-level cache; the next core is on the same NUMA node.
    Cache,
}

/// A task, as the report describes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TaskNote {
    /// The task's name.
    pub name: String,
    /// What the task does, in one sentence.
    pub about: String,
    /// The unit of partition sizes: numbers, lines or rows.
    pub unit: String,
    /// Its options, such as the input file or the kernel.
    pub options: BTreeMap<String, String>,
    /// The number of items in the input, if known.
    pub items: Option<u64>,
    /// The planned partition sizes, ascending.
    pub sizes: Vec<u64>,
    /// The partition size for comparisons at a single size. One of `sizes`.
    pub default_size: u64,
    /// The amount of work and the reason for it, as a sentence; empty if the user named the work.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sizing: String,
    /// The digest of the baseline's answer. Every correct answer has the same digest.
    pub digest: String,
    /// The answer as names and values for display, such as `distinct words` and `1650999`.
    pub answer: Vec<(String, String)>,
    /// Details that the report shows in addition to the times.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<Detail>,
    /// The work on more cores, if it grows with the cores; empty if every cell does the same work.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grown: Vec<Grown>,
}

impl TaskNote {
    /// Returns the work of a cell on `cores`, as a multiple of the baseline's.
    pub fn work_on(&self, cores: u32) -> f64 {
        self.grown_on(cores).map_or(1.0, |grown| grown.factor as f64)
    }

    /// Returns the number of items that every cell processes, if it is known and does not grow with the cores.
    pub fn common_items(&self) -> Option<u64> {
        self.items.filter(|_| self.grown.is_empty())
    }

    /// Returns the digest of every correct answer on `cores`.
    pub fn digest_on(&self, cores: u32) -> &str {
        self.grown_on(cores).map_or(&self.digest, |grown| &grown.digest)
    }

    /// Returns the words of a command line that ask for the same input and the same way to work: each option with its value.
    pub fn arguments(&self) -> Vec<String> {
        let words = |(name, value): (&String, &String)| match (name.as_str(), value.as_str()) {
            (_, "" | "false") | ("temperature", "warm") => Vec::new(),
            // The record's word for an option of another name.
            ("temperature", _) => vec!["--cold".to_owned()],
            (name, "true") => vec![format!("--{name}")],
            (name, value) => vec![format!("--{name}"), value.to_owned()],
        };
        self.options.iter().flat_map(words).collect()
    }

    fn grown_on(&self, cores: u32) -> Option<&Grown> {
        self.grown.iter().find(|grown| grown.cores == cores)
    }
}

/// The work of a task on one number of cores, in a sweep whose work grows with the cores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Grown {
    /// The number of cores.
    pub cores: u32,
    /// The work, as a multiple of the baseline's.
    pub factor: u64,
    /// The number of items in the input, if known.
    pub items: Option<u64>,
    /// The digest of the plain loop's answer for this work.
    pub digest: String,
}

/// A detail of a task that the report shows in addition to the times.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Detail {
    /// The cost of one unit of the answer in the plain loop, in time and in clock cycles.
    UnitCost {
        /// The unit with its article: `an increment`.
        unit: String,
        /// The figure of the answer that counts the units: `sum`.
        figure: String,
        /// The limit on units per clock cycle, as a clause.
        limit: String,
    },
    /// The time of each strategy to start its workers and to hand over a job.
    DispatchCost,
}

/// A strategy, as its own file describes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StrategyNote {
    /// The strategy's name: in file names, in charts and on the command line.
    pub name: String,
    /// What the strategy does, in one sentence.
    pub about: String,
    /// When the strategy is the right choice.
    pub good: String,
    /// When the strategy is the wrong choice.
    pub bad: String,
    /// What to look for in a trace.
    pub trace: String,
    /// The source text of the strategy's file; empty in older records.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// The libraries that the file uses besides the standard one. Known only with a source.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub libraries: Vec<String>,
}

/// The name of the plain one-thread loop in a record. The loop is not a strategy: it has no jobs and no partitions.
pub const BASELINE: &str = "baseline";

/// The sign between the name of a task and that of a variant, another way to do the same work: `word_totals:book`.
pub const VARIANT: char = ':';

/// A combination that a sweep measures: one value for each axis.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Cell {
    /// The task's name, and that of a variant after a [`VARIANT`].
    pub task: String,
    /// The strategy's name, or [`BASELINE`].
    pub strategy: String,
    /// The number of processors that the cell's process may use.
    pub cores: u32,
    /// The number of jobs that may be in progress at the same time.
    pub workers: u32,
    /// Items in a partition; 0 for the baseline, which has no partitions.
    pub size: u64,
    /// `gather`, `in_order` or `as_completed`.
    pub delivery: String,
    /// Where partials are merged first: `per_partition`, `per_worker`, `tree` or `sharded`. Or what workers share while they
    /// map: `progress`, `mutex`, `rwlock`, `locked_shards`, `concurrent_map`, `atomic`, `atomic_neighbours` or
    /// `atomic_padded`.
    pub combine: String,
}

impl Cell {
    /// Returns the name of the cell's task, without that of a variant.
    pub fn task_name(&self) -> &str {
        task_name(&self.task)
    }
}

/// Returns the name of a cell's task, without that of a variant.
pub fn task_name(task: &str) -> &str {
    task.split(VARIANT).next().unwrap_or_default()
}

/// The result of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The sample ended with the right answer.
    Verified,
    /// The sample's answer differs from the baseline's.
    Wrong,
    /// The answer is right, but the conditions differed from those of other samples.
    Unfair,
    /// The sample ended with an error.
    Failed,
    /// The sample's process died.
    Crashed,
    /// The sample exceeded its time limit, and the harness stopped it.
    Hung,
}

/// Why a sample is not verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The answer differs from the baseline's.
    WrongAnswer,
    /// A job was dropped without being run.
    DroppedJob,
    /// The strategy returned before it had pulled every job.
    AbandonedSource,
    /// The strategy returned while jobs were still in progress.
    ReportedEarly,
    /// A job was completed with another job's answer.
    MismatchedReply,
    /// One partition's answer was used for two jobs.
    RepeatedReply,
    /// A job was completed with an earlier run's answer.
    StaleReply,
    /// Items were lost or counted twice.
    LostItems,
    /// The answer took less processor time than the work needs.
    WorkNotDone,
    /// More jobs were in progress than there are workers.
    TooManyJobs,
    /// Fewer jobs were in progress than there are workers, although jobs were left.
    TooFewJobs,
    /// Threads that ran no job used processor time.
    ExtraThreads,
    /// A thread could run on processors outside the cell.
    ForeignCores,
    /// Threads still existed after the workers had ended.
    LeakedThreads,
    /// Jobs started after the run was cancelled.
    IgnoredCancel,
    /// A worker panicked.
    Panicked,
    /// A worker process died, and another one repeated its partition, so the time is not that of an undisturbed run.
    WorkerDied,
    /// The task or the strategy reported an error; the sample's reason names it.
    Error,
    /// The process died.
    Crashed,
    /// The process did not end.
    Hung,
}

impl Fault {
    /// A short description for tables.
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
            Fault::WorkerDied => "a worker process died and was replaced",
            Fault::Error => "error",
            Fault::Crashed => "crashed",
            Fault::Hung => "hung",
        }
    }
}

/// One sample of one cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Sample {
    /// The block, from 0. Every cell has one turn in each block.
    pub block: u32,
    /// The cell's place in the block's random order, from 0.
    pub turn: u32,
    /// The sample's place among those of its cell in this block, from 0. The untimed warm-up run is not counted.
    pub index: u32,
    /// The measured cell.
    pub cell: Cell,
    /// The result. Only a verified sample counts as a measurement.
    pub status: Status,
    /// Why the sample is not verified, in a sentence. Empty for a verified sample.
    pub reason: String,
    /// Why the sample is not verified, as a known fault. Absent for a verified sample and in records of version 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    /// Whether the reason lies outside the program, such as a server that died. Then a resumed sweep measures the sample
    /// again, and a later line with the same block, cell and index replaces this one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub outside: bool,
    /// The digest of the answer. Empty without an answer.
    pub digest: String,
    /// The run's measuring time so far, in milliseconds. Pauses between interruption and resumption are not counted.
    #[serde(default)]
    pub elapsed_ms: u64,
    /// The processors that the measured process could really use, as the kernel reports them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub processors: Vec<u32>,
    /// The time of the untimed run before this process's first sample, in nanoseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warm_up_ns: Option<u64>,
    /// The figures. Absent unless the sample ended.
    pub times: Option<Times>,
}

impl Sample {
    /// Returns the first sample of a cell in a block, as verified and without times.
    pub fn first(cell: Cell, block: u32) -> Self {
        Sample {
            block,
            turn: 0,
            index: 0,
            cell,
            status: Status::Verified,
            reason: String::new(),
            fault: None,
            outside: false,
            digest: String::new(),
            elapsed_ms: 0,
            processors: Vec::new(),
            warm_up_ns: None,
            times: None,
        }
    }
}

/// The figures of one sample. Times are in nanoseconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Times {
    /// From pulling the first job until the total is reduced: `run_ns + reduce_ns`.
    pub wall_ns: u64,
    /// Time to start the workers, once per process and before the clock of `wall_ns`.
    pub start_ns: u64,
    /// From pulling the first job until every job has reported.
    pub run_ns: u64,
    /// Time to reduce the partials that were not reduced during the run.
    pub reduce_ns: u64,
    /// From pulling the first job until the first partial was delivered.
    pub first_result_ns: u64,
    /// Processor time in user mode, of the process and its worker processes.
    pub user_ns: u64,
    /// Processor time in the kernel, of the same processes.
    pub system_ns: u64,
    /// Context switches because a thread waited.
    pub voluntary_switches: u64,
    /// Context switches because a thread's time slice ended.
    pub involuntary_switches: u64,
    /// Page faults that needed no disk.
    pub minor_faults: u64,
    /// Page faults that read from a disk.
    pub major_faults: u64,
    /// Peak memory of the process and its worker processes during the sample, in bytes.
    pub peak_memory_bytes: u64,
    /// The part of the task's file that was in memory when the run began, from 0 to 1. Absent if the task reads no
    /// file, or if the kernel does not report it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resident: Option<f64>,
    /// Time inside jobs, summed over all workers. `in_jobs_ns`, `in_task_ns` and `at_ends_ns` are absent for the
    /// baseline and before version 4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_jobs_ns: Option<u64>,
    /// The part of `in_jobs_ns` in the task itself. The rest is communication with workers that share no memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_task_ns: Option<u64>,
    /// Time before a worker's first job and from its last job to the end of `run_ns`, summed over all workers. The rest
    /// of `run_ns` × workers is time inside jobs and between jobs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_ends_ns: Option<u64>,
    /// What was shipped between this process and its worker processes. Absent if the workers share memory, and before the
    /// field existed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shipping: Option<Shipping>,
    /// The number of partitions.
    pub partitions: u64,
    /// The largest number of jobs in progress at the same time, computed from the spans.
    pub most_in_progress: u32,
    /// The number of threads when the run ended.
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
    /// Misses in the last-level cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_misses: Option<u64>,
    /// Energy of the processor packages, in microjoules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub energy_uj: Option<u64>,
    /// What the updates of a total or of a count cost that the workers share while they map. Absent if they share none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shared: Option<SharedUpdates>,
    /// The threads that the census saw during the run. Absent for the baseline and in records of version 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub census: Option<Census>,
    /// How late a tick of 1 ms was while the jobs ran. Absent unless `--heartbeat` asked for it, and for the baseline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heartbeat: Option<Heartbeat>,
}

/// What a sample shipped to worker processes and back, and the time for it, summed over all jobs.
///
/// The three times add up to `in_jobs_ns` minus `in_task_ns`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Shipping {
    /// Time to encode requests. It includes reading the input if requests contain it.
    pub packing_ns: u64,
    /// The rest of the time between a request and its answer: the pipe, waking the worker, and the worker's decoding and
    /// encoding.
    pub transfer_ns: u64,
    /// Time to decode partials, and to add them to the worker's accumulator if it has one.
    pub unpacking_ns: u64,
    /// The bytes of all requests.
    pub sent_bytes: u64,
    /// The bytes of all answers.
    pub received_bytes: u64,
}

/// What the updates of a shared total cost, summed over all workers. Times are in nanoseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SharedUpdates {
    /// The number of updates.
    pub updates: u64,
    /// How often a worker found a lock taken.
    pub contended: u64,
    /// The time until workers had a lock, estimated from one update of 64 and from the first of every job.
    pub waited_ns: u64,
    /// The time for which workers held a lock, estimated from the same updates. 0 without locks.
    pub held_ns: u64,
}

/// The threads of a process and its worker processes during a sample, observed at regular intervals.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Census {
    /// The number of observations.
    pub looks: u32,
    /// The largest number of threads alive in one observation.
    pub alive: u32,
    /// The largest number of threads running or ready to run in one observation.
    pub runnable: u32,
    /// Processor time that observing took during the sample, in nanoseconds.
    #[serde(default)]
    pub cost_ns: u64,
    /// The threads grouped by name, most processor time first.
    pub pools: Vec<Pool>,
}

/// Threads whose names are equal without the number at the end.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Pool {
    /// The threads' name, as the operating system shows it.
    pub name: String,
    /// The number of threads.
    pub threads: u32,
    /// The number of threads that ran a job.
    pub working: u32,
    /// Processor time of all these threads, in nanoseconds.
    pub cpu_ns: u64,
}

/// A task that could not be measured, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Skipped {
    /// The task's name.
    pub task: String,
    /// Why the task could not be measured, and what to do about it.
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
    /// Whether the sweep was interrupted before it had measured everything planned.
    pub interrupted: bool,
    /// Checks after the last sample, for anything that may have disturbed the measurement.
    #[serde(default)]
    pub checks: Vec<Check>,
}

/// Another program that did a task's job on this run's input, at one number of threads.
///
/// A later line replaces an earlier one for the same task, name and number of threads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Peer {
    /// The task's name.
    pub task: String,
    /// The peer's name.
    pub name: String,
    /// What the peer does, in one sentence.
    pub about: String,
    /// Why the peer is in the comparison.
    pub role: Role,
    /// The version that the program reports. Empty if the program is absent.
    pub version: String,
    /// The number of threads or processes, and of processors, that the peer could use.
    pub threads: u32,
    /// The peer's runs, interleaved with those of all other peers. Empty if the peer is absent or its answer wrong.
    pub runs: Vec<PeerRun>,
    /// What only a distributed engine has. Then each run is a query of the running engine, and not a whole process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queries: Option<Queries>,
    /// Why there are no runs: the peer is not installed, it failed, or its totals differ from ours. Otherwise empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

impl Peer {
    /// Whether both have the same task, name and number of threads, so that the later line replaces the earlier one.
    pub fn is_same(&self, other: &Peer) -> bool {
        (&self.task, &self.name, self.threads) == (&other.task, &other.name, other.threads)
    }

    /// Whether the peer is a distributed engine, whose runs are queries.
    pub fn is_engine(&self) -> bool {
        self.queries.is_some()
    }
}

/// The start and the first query of a distributed engine, apart from its runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Queries {
    /// From the start of the engine's processes until a session was open. Absent if the engine ran already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_ns: Option<u64>,
    /// The first query: the engine loads and compiles code. Absent if it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_ns: Option<u64>,
    /// The processor time of each worker process during the runs, all of them together. Empty if it is not known.
    pub workers_ns: Vec<u64>,
    /// The number of queries that were repeated because a process or the connection was lost. They are not in the runs.
    pub repeated: u32,
}

/// Why a peer is in the comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The peer only reads the input. No program can be faster.
    Floor,
    /// This program itself, measured as a whole process like the other peers.
    Own,
    /// A program that a user might use instead.
    Other,
}

/// One run of a peer: a whole process with all processes that it starts, or a query of an engine.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PeerRun {
    /// From the start of the process to its end; for an engine, from sending the query until the last row has arrived.
    pub wall_ns: u64,
    /// The time of a run on only the first line of the input, just before: the cost of starting and ending. Zero if it is
    /// not known, because an engine elsewhere cannot read such a file.
    pub start_ns: u64,
    /// Processor time of the process and of the processes that it waited for, or of an engine's processes. Zero if it is
    /// not known, because the engine is elsewhere; then `peak_memory_bytes` is zero too.
    pub cpu_ns: u64,
    /// The part of `cpu_ns` in the kernel: copying input, mapping and unmapping pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_ns: Option<u64>,
    /// Page faults that needed no disk, of the same processes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minor_faults: Option<u64>,
    /// The highest peak memory of any of these processes, in bytes, including mapped files. The small amount that this
    /// program held when it started the peer is a lower bound.
    pub peak_memory_bytes: u64,
}

/// The spans of one untimed run of a cell, after the timed samples.
///
/// A later line replaces an earlier one for the same cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Trace {
    /// The traced cell.
    pub cell: Cell,
    /// The run, whose answer is verified and which was fair. Absent if `reason` says why there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<TracedRun>,
    /// Why there is no traced run, in a sentence. Otherwise empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// The spans of one run. Times are in nanoseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TracedRun {
    /// Time to start the workers, once per process and before the run.
    pub start_ns: u64,
    /// From pulling the first job until every job has reported.
    pub run_ns: u64,
    /// Time to reduce the partials that were not reduced during the run.
    pub reduce_ns: u64,
    /// Processor time of the process and its worker processes during the run and the reduce.
    pub cpu_ns: u64,
    /// The number of jobs. If the lanes have fewer spans, neighbouring jobs of a lane are merged, those with the shortest
    /// gaps between them first. The time inside jobs stays exact.
    pub jobs: u64,
    /// One lane for each worker that had a job, by the number of the worker.
    pub lanes: Vec<Lane>,
    /// When results became usable: the times at which their partials were handed to the total, from the beginning of the
    /// run, ascending. With fewer times than jobs, entry `i` of `n` is that of result `1 + i × (jobs − 1) ÷ (n − 1)`,
    /// rounded down.
    pub delivered_ns: Vec<u64>,
}

/// The most spans of a trace in a record.
pub const MOST_SPANS: usize = 4_000;

/// The most times of delivery of a trace.
pub const MOST_DELIVERIES: usize = 500;

impl TracedRun {
    /// Returns the number of the result, from 1, with each time of delivery.
    pub fn deliveries(&self) -> impl Iterator<Item = (u64, u64)> {
        let number = delivered(self.jobs, self.delivered_ns.len());
        self.delivered_ns.iter().enumerate().map(move |(place, ns)| (number(place), *ns))
    }

    /// Returns what `delivered_ns` holds of these times, one for each job.
    pub fn thinned(delivered_ns: &[u64]) -> Vec<u64> {
        let count = delivered_ns.len().min(MOST_DELIVERIES);
        let number = delivered(delivered_ns.len() as u64, count);
        (0..count).filter_map(|place| delivered_ns.get(usize::try_from(number(place)).ok()? - 1).copied()).collect()
    }
}

/// Returns the function from the place of a time among `count` to the number of its result among `jobs`.
fn delivered(jobs: u64, count: usize) -> impl Fn(usize) -> u64 {
    let (steps, last) = (count.saturating_sub(1).max(1) as u128, u128::from(jobs.saturating_sub(1)));
    move |place| 1 + u64::try_from(place as u128 * last / steps).unwrap_or(u64::MAX - 1)
}
