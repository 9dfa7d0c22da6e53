//! How the work of a task grows, so that a sweep can fit it to the machine.

use crate::Inputs;

/// The work of a task: its unit, its limits, and how to change it.
#[derive(Clone, Copy)]
pub struct Sizing {
    /// The unit of the work, in the plural.
    pub unit: &'static str,
    /// The least work that a sweep chooses.
    pub least: u64,
    /// The most work that a sweep chooses.
    pub most: u64,
    /// The memory and the disk space that one unit of work takes, in bytes.
    pub bytes_per_unit: u64,
    /// Returns the largest speed-up over the plain loop that this number of cores can give.
    pub speed_up: fn(u64) -> u64,
    /// Returns the work of these inputs, or `None` if the user has named the work or the data.
    pub work: fn(&Inputs) -> Option<u64>,
    /// Sets the work, for this number of workers.
    pub set: fn(&mut Inputs, u64, u64),
    /// Multiplies the work and the number of items by a factor.
    pub grow: fn(&mut Inputs, u64),
    /// Returns the approximate number of items that these inputs divide into partitions; 0 if unknown.
    pub items: fn(&Inputs) -> u64,
}
