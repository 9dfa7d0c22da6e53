//! Plans, measures and verifies: everything behind the binary `goldilocks`.
//!
//! [`plan`] says which cells there are. [`sweep`] runs them, block by block, each in a child process ([`cell`]), and
//! appends what they answer to the [`record`]. [`data`] sees to what the tasks read, [`topology`] to which processors
//! they get, and [`doctor`] looks for what would spoil the figures.

pub mod cell;
pub mod cgroup;
pub mod child;
pub mod data;
pub mod doctor;
pub mod interrupt;
pub mod machine;
pub mod plan;
pub mod progress;
pub mod record;
pub mod sight;
pub mod sweep;
pub mod topology;

use strategies::Strategy;

/// Every strategy that can be named: the catalogue's, then the exercises'.
pub fn strategies() -> impl Iterator<Item = &'static Strategy> {
    ::strategies::catalogue::ALL.iter().chain(exercises::ALL)
}

/// The strategy of that name, from the catalogue or the exercises.
pub fn find_strategy(name: &str) -> Option<&'static Strategy> {
    strategies().find(|strategy| strategy.name == name)
}
