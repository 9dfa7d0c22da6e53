//! The questions of a sweep, the blocks that answer them, and the costs of cells.

use record::statistics::BLOCKS_FOR_A_VERDICT;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A question, with the most important one first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Which strategy is the fastest, at the default size on all cores?
    Strategies,
    /// How many cores, at the default size?
    CoreCounts,
    /// Which partition size, on all cores?
    Sizes,
    /// How do sizes and core counts depend on each other?
    Grid,
}

impl Stage {
    /// Every stage, in order.
    pub const ALL: [Stage; 4] = [Stage::Strategies, Stage::CoreCounts, Stage::Sizes, Stage::Grid];
}

impl fmt::Display for Stage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Stage::Strategies => "strategies at the default size on all cores",
            Stage::CoreCounts => "core counts at the default size",
            Stage::Sizes => "partition sizes on all cores",
            Stage::Grid => "the other combinations",
        })
    }
}

/// The stages of every planned block. Later blocks contain the cells that need more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Staging {
    /// The stages of block 0, block 1 and so on.
    pub blocks: Vec<Vec<Stage>>,
    /// Core counts with a longer process than this are measured with one strategy until the last stage, in nanoseconds.
    pub longest_ns: u64,
}

impl Default for Staging {
    /// Every cell in as many blocks as a verdict needs.
    fn default() -> Self {
        Staging { blocks: vec![Stage::ALL.to_vec(); BLOCKS_FOR_A_VERDICT], longest_ns: u64::MAX }
    }
}

/// The costs of a task's cells, from the first run of its plain loop.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// The time of one run of the plain loop, in nanoseconds.
    pub run_ns: u64,
    /// The time of a process besides its runs, in nanoseconds.
    pub process_ns: u64,
    /// The largest speed-up that all cores can give.
    pub speed_up: u64,
}
