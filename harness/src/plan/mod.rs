//! What a sweep measures: `cells.rs` lists the cells, `schedule.rs` chooses which one comes next.

pub mod cells;
pub mod schedule;

use crate::plan::cells::Axes;
use anyhow::{Context, Result};
use record::statistics::TARGET;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use tasks::Inputs;

/// The plan's name in a run's folder.
const FILE: &str = "plan.json";

/// What a sweep is to do. A file beside the record keeps it, so that the sweep can be resumed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Plan {
    /// What is crossed with what.
    pub axes: Axes,
    /// The tasks' options.
    pub inputs: Inputs,
    /// The seed of every block's order.
    pub seed: u64,
    /// Seconds for measuring. The first block is finished whatever it takes.
    pub budget_s: f64,
    /// The most blocks.
    pub blocks: u32,
    /// A cell is known well enough when half its interval is at most this share of its median.
    #[serde(default = "default_precision")]
    pub precision: f64,
    /// Timed runs in a process.
    pub samples: u32,
    /// Seconds that a process gets beyond ten times what the baseline would need.
    pub patience_s: f64,
    /// The folder for generated data.
    pub data: PathBuf,
}

fn default_precision() -> f64 {
    TARGET
}

impl Plan {
    /// The names of the tasks.
    pub fn tasks(&self) -> Vec<&str> {
        self.axes.tasks.iter().map(|(task, _)| task.as_str()).collect()
    }

    /// Reads the plan in a run's folder.
    ///
    /// # Errors
    /// When there is none, or it is malformed.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(FILE);
        let text = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("{} is not a plan", path.display()))
    }

    /// Writes the plan into a run's folder, without what no file may hold, such as a server's address with its password.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let mut kept = self.clone();
        kept.inputs.copy_secrets(&Inputs::default());
        let text = serde_json::to_vec_pretty(&kept).context("cannot serialise the plan")?;
        let written = system::atomic_file::write(&folder.join(FILE), &text);
        written.with_context(|| format!("cannot write to {}", folder.display()))
    }
}
