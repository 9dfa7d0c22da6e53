//! What the harness and the process that measures a cell send each other: one [`Order`], then [`Message`]s.

use record::{Fault, Times};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use tasks::Inputs;

/// Everything a child needs to know to measure a cell.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Order {
    /// The task's name.
    pub task: String,
    /// The task's options.
    pub inputs: Inputs,
    /// The strategy's name, or `baseline`.
    pub strategy: String,
    /// The logical processors it may use.
    pub processors: Vec<usize>,
    /// How many jobs may be in progress at one moment.
    pub workers: NonZeroUsize,
    /// Items in a partition.
    pub size: NonZeroUsize,
    /// One of [`strategies::Delivery`].
    pub delivery: String,
    /// One of [`strategies::Combine`].
    pub combine: String,
    /// How many untimed runs come first.
    pub warm_ups: u32,
    /// How many timed runs follow.
    pub samples: u32,
    /// Whether the census is taken and fairness judged.
    pub census: bool,
    /// Whether to try, after the samples, that a run can be cancelled.
    pub probe: bool,
    /// The processor time of the task's baseline, in nanoseconds, if known.
    pub baseline_cpu_ns: Option<u64>,
    /// Where to write the whole total of the last run, if anywhere.
    pub output: Option<PathBuf>,
    /// The process that waits for the answer. If it dies, so does this one.
    pub parent: u32,
}

/// What a child says, one JSON object a line. It waits after each until it is told that it was heard, so that whoever
/// records a sample uses no processor while the next is measured.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    /// An untimed run has ended.
    WarmedUp {
        /// The digest of its answer.
        digest: String,
        /// The answer in words.
        figures: Vec<(String, String)>,
        /// How long it took, in nanoseconds.
        wall_ns: u64,
    },
    /// Before anything else: where this process may run, and what this machine does not measure.
    Settled {
        /// The processors it may use, read back from the system.
        processors: Vec<u32>,
        /// Figures it cannot give, and why.
        unmeasured: BTreeMap<String, String>,
    },
    /// A timed run has ended.
    Sample {
        /// The digest of its answer.
        digest: String,
        /// The answer in words.
        figures: Vec<(String, String)>,
        /// What was measured.
        times: Box<Times>,
        /// What was not fair about it, if anything.
        unfair: Option<(Fault, String)>,
    },
    /// After the samples: something that was not fair about all of them.
    Unfair {
        /// What.
        fault: Fault,
        /// In a sentence.
        reason: String,
    },
    /// It cannot go on.
    Failed {
        /// What went wrong.
        fault: Fault,
        /// Why.
        reason: String,
    },
}
