//! The protocol between the harness and a measuring process: the harness sends one [`Order`], the process answers with
//! [`Message`]s.

use crate::find_task;
use crate::plan::cells::Cell;
use anyhow::{Context, Result};
use record::{BASELINE, Fault, Times, TracedRun};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use strategies::{Combine, Delivery};
use tasks::Inputs;

/// The complete instructions for a measuring process.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Order {
    /// The task's name.
    pub task: String,
    /// The task's options.
    pub inputs: Inputs,
    /// The strategy's name, or `baseline`.
    pub strategy: String,
    /// The processors that the process may use, as the kernel numbers them.
    pub processors: Vec<usize>,
    /// The maximum number of jobs in progress at one moment.
    pub workers: NonZeroUsize,
    /// The number of items in a partition.
    pub size: NonZeroUsize,
    /// When and in which order partials are delivered.
    pub delivery: Delivery,
    /// Where partials are combined first.
    pub combine: Combine,
    /// The number of untimed runs, which come first.
    pub warm_ups: u32,
    /// The number of timed runs.
    pub samples: u32,
    /// Whether to take the census and check fairness.
    pub census: bool,
    /// Whether to check, after the samples, that a run can be cancelled.
    pub check_cancel: bool,
    /// The processor time of the task's baseline, in nanoseconds, if known.
    pub baseline_cpu_ns: Option<u64>,
    /// The file for the total of the last run, if wanted.
    pub output: Option<PathBuf>,
    /// The most spans of the last run to report. 0 reports none.
    #[serde(default)]
    pub spans: usize,
    /// Whether a heart beats beside the jobs of each run.
    #[serde(default)]
    pub heartbeat: bool,
    /// The process that waits for the answer. If that process dies, the kernel kills the measuring process.
    pub parent: u32,
}

impl Order {
    /// Returns the order for a cell: one untimed run, then `samples` timed ones, on the first of `processors`, one for
    /// each core of the cell.
    ///
    /// # Errors
    /// When the number of workers is 0, or a strategy's partition size is 0.
    pub fn for_cell(cell: &Cell, inputs: &Inputs, processors: &[usize], samples: u32) -> Result<Self> {
        // The baseline ignores the size, but the field must not be 0.
        let size = if cell.strategy == BASELINE { 1 } else { cell.size };
        let size = usize::try_from(size).ok().and_then(NonZeroUsize::new);
        let mut inputs = inputs.clone();
        if let Some(variant) = find_task(&cell.task).and_then(|entry| entry.variant(&cell.task)) {
            (variant.choose)(&mut inputs);
        }
        Ok(Order {
            task: record::task_name(&cell.task).to_owned(),
            inputs,
            strategy: cell.strategy.clone(),
            processors: processors.iter().copied().take(cell.cores as usize).collect(),
            workers: NonZeroUsize::new(cell.workers as usize).context("there must be at least one worker")?,
            size: size.context("a partition must have at least one item")?,
            delivery: cell.delivery,
            combine: cell.combine,
            warm_ups: 1,
            samples,
            census: true,
            check_cancel: false,
            baseline_cpu_ns: None,
            output: None,
            spans: 0,
            heartbeat: false,
            parent: std::process::id(),
        })
    }
}

/// A report of the measuring process. Each line holds one JSON object.
///
/// After each message the process waits for a line from the harness, the acknowledgement. Otherwise recording a sample
/// would take processor time from the next sample.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    /// The first message: the processors of this process, and the figures that this machine lacks.
    Started {
        /// The processors that the process may use, as the kernel reports them.
        processors: Vec<u32>,
        /// The figures that this machine does not provide, each with the reason.
        unmeasured: BTreeMap<String, String>,
    },
    /// An untimed run has ended.
    WarmedUp {
        /// The digest of the answer.
        digest: String,
        /// The answer in words.
        figures: Vec<(String, String)>,
        /// The wall time of the run, in nanoseconds.
        wall_ns: u64,
    },
    /// A timed run has ended.
    Sample {
        /// The digest of the answer.
        digest: String,
        /// The answer in words.
        figures: Vec<(String, String)>,
        /// The figures of the sample.
        times: Box<Times>,
        /// The fairness rule that the sample broke, if any, and a sentence about it.
        unfair: Option<(Fault, String)>,
        /// The spans of the run, if the order asks for them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        traced: Option<Box<TracedRun>>,
    },
    /// After the samples: the workers broke a rule that concerns the whole process.
    Unfair {
        /// The rule that was broken.
        fault: Fault,
        /// A sentence with the details.
        reason: String,
    },
    /// The last message of a process that cannot continue.
    Failed {
        /// The kind of failure.
        fault: Fault,
        /// A sentence with the reason.
        reason: String,
        /// Whether the reason lies outside the program, so that a later attempt may succeed.
        outside: bool,
    },
}
