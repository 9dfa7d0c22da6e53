//! The values of a plan.

use super::cells::Axes;
use super::staging::{Cost, Staging};
use record::statistics::TARGET;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;
use tasks::Inputs;

/// The settings of a sweep. A file next to the record keeps the plan, so that the sweep can be resumed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Plan {
    /// The axes, whose values are combined to cells.
    pub axes: Axes,
    /// Strategies of which only the cells are measured at which strategies are compared: on all cores, at the default size.
    #[serde(default)]
    pub compared_only: Vec<String>,
    /// Whether the sweep also compares the variants of its tasks.
    #[serde(default)]
    pub variants: bool,
    /// The tasks' options.
    pub inputs: Inputs,
    /// Whether the work grows with the cores (weak scaling). Otherwise every cell of a task does the same work (strong
    /// scaling).
    #[serde(default)]
    pub weak: bool,
    /// The seed for the order of cells in every block.
    pub seed: u64,
    /// The time for measuring, in seconds. The first block is always finished.
    pub budget_s: f64,
    /// The maximum number of blocks.
    pub blocks: u32,
    /// The target precision. A cell reaches it when half the width of its interval is at most this share of its median.
    #[serde(default = "default_precision")]
    pub precision: f64,
    /// The number of timed runs in each process.
    pub samples: u32,
    /// Whether a process with long runs has one timed run.
    #[serde(default)]
    pub fewer_samples: bool,
    /// Whether a heart beats beside the jobs of each run.
    #[serde(default)]
    pub heartbeat: bool,
    /// The time limit of a process, in seconds, in addition to ten times the baseline's time.
    pub patience_s: f64,
    /// The folder for generated data.
    pub data: PathBuf,
    /// The partition size of each task at which strategies and core counts are compared.
    #[serde(default)]
    pub default_sizes: BTreeMap<String, u64>,
    /// The costs of each task's cells.
    #[serde(default)]
    pub costs: BTreeMap<String, Cost>,
    /// The stages of the planned blocks.
    #[serde(default)]
    pub staging: Staging,
}

impl Plan {
    /// Returns a plan of these axes for one second, with defaults for everything else.
    pub fn of(axes: Axes) -> Self {
        Plan {
            axes,
            compared_only: Vec::new(),
            variants: false,
            inputs: Inputs::default(),
            weak: false,
            seed: 1,
            budget_s: 1.0,
            blocks: u32::MAX,
            precision: TARGET,
            samples: 1,
            fewer_samples: false,
            heartbeat: false,
            patience_s: 1.0,
            data: PathBuf::new(),
            default_sizes: BTreeMap::new(),
            costs: BTreeMap::new(),
            staging: Staging::default(),
        }
    }
}

fn default_precision() -> f64 {
    TARGET
}
