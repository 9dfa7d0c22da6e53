//! What the harness and the process that measures a cell send each other: one [`Order`], then [`Message`]s.

use crate::plan::cells::Cell;
use anyhow::{Context, Result};
use record::{BASELINE, Fault, Times};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use strategies::{Combine, Delivery};
use tasks::Inputs;

/// Everything that the measuring process must know.
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
    /// How many jobs may be in progress at one moment.
    pub workers: NonZeroUsize,
    /// Items in a partition.
    pub size: NonZeroUsize,
    /// In which order, and when, partials are delivered.
    pub delivery: Delivery,
    /// Where partials are combined first.
    pub combine: Combine,
    /// How many untimed runs come first.
    pub warm_ups: u32,
    /// How many timed runs follow.
    pub samples: u32,
    /// Whether to take the census and judge fairness.
    pub census: bool,
    /// Whether to check, after the samples, that a run can be cancelled.
    pub check_cancel: bool,
    /// The processor time of the task's baseline, in nanoseconds, if known.
    pub baseline_cpu_ns: Option<u64>,
    /// The file for the total of the last run, if it is wanted.
    pub output: Option<PathBuf>,
    /// The process that waits for the answer. If it dies, the kernel kills the measuring process.
    pub parent: u32,
}

impl Order {
    /// The order for a cell, on as many of `processors` as it has cores: one untimed run, then `samples`.
    ///
    /// # Errors
    /// When the cell has no workers, or partitions without items.
    pub fn for_cell(cell: &Cell, inputs: &Inputs, processors: &[usize], samples: u32) -> Result<Self> {
        // The baseline ignores the size, but it must not be 0.
        let size = if cell.strategy == BASELINE { 1 } else { cell.size };
        let size = usize::try_from(size).ok().and_then(NonZeroUsize::new);
        Ok(Order {
            task: cell.task.clone(),
            inputs: inputs.clone(),
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
            parent: std::process::id(),
        })
    }
}

/// What the measuring process reports, one JSON object a line.
///
/// It waits after each until the harness has acknowledged it with a line, because recording a sample takes processor time
/// that the next sample must not lose.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    /// The first message: where this process runs, and what this machine does not measure.
    Started {
        /// The processors it may use, read back from the kernel.
        processors: Vec<u32>,
        /// Figures that this machine does not give, and why.
        unmeasured: BTreeMap<String, String>,
    },
    /// An untimed run has ended.
    WarmedUp {
        /// The digest of its answer.
        digest: String,
        /// The answer in words.
        figures: Vec<(String, String)>,
        /// How long it took, in nanoseconds.
        wall_ns: u64,
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
    /// After the samples: something was not fair about all of them.
    Unfair {
        /// The rule that was broken.
        fault: Fault,
        /// How, in a sentence.
        reason: String,
    },
    /// The last message of a process that cannot continue.
    Failed {
        /// What went wrong.
        fault: Fault,
        /// Why, in a sentence.
        reason: String,
    },
}
