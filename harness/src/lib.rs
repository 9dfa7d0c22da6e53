//! Plans, measures and verifies: everything behind the binary `goldilocks`.
//!
//! [`plan`] says which cells there are. [`sweep`] runs them, block by block, each in a child process ([`cell`]), and
//! appends what they answer to the [`record`]. [`data`] sees to what the tasks read, [`topology`] to which processors
//! they get, and [`doctor`] looks for what would spoil the figures.

pub mod cli;
pub mod data;
pub mod interrupt;
pub mod journal;
pub mod machine;
pub mod measure;
pub mod peers;
pub mod plan;
pub mod progress;
pub mod sweep;

use std::sync::{Arc, OnceLock};
use strategies::{AnyTask, Error, Result, Strategy};
use tasks::Inputs;

/// Every strategy that can be named: the catalogue's, then the exercises'.
pub fn strategies() -> impl Iterator<Item = &'static Strategy> {
    ::strategies::catalogue::ALL.iter().chain(exercises::ALL)
}

/// The strategy of that name: from the catalogue, the exercises, or what was [`add`]ed.
pub fn find_strategy(name: &str) -> Option<&'static Strategy> {
    let added = ADDED.get().map_or(&[][..], |(strategies, _)| strategies);
    strategies().chain(added).find(|strategy| strategy.name == name)
}

/// The task of that name: one of the tasks, or one that was [`add`]ed.
pub fn find_task(name: &str) -> Option<&'static tasks::Entry> {
    let added = ADDED.get().map_or(&[][..], |(_, tasks)| tasks);
    tasks::find(name).or_else(|| added.iter().find(|entry| entry.name == name))
}

/// Loads the task of that name, with its entry.
///
/// # Errors
/// When there is no such task, or its input is missing.
pub fn load_task(name: &str, inputs: &Inputs) -> Result<(Arc<dyn AnyTask>, &'static tasks::Entry)> {
    let entry = find_task(name);
    let entry = entry.ok_or_else(|| Error::task(format!("no task `{name}`; `goldilocks list` names them all")))?;
    Ok(((entry.load)(inputs)?, entry))
}

static ADDED: OnceLock<(Vec<Strategy>, Vec<tasks::Entry>)> = OnceLock::new();

/// Makes more strategies and tasks known by name to this process, for a program that is `goldilocks` with more in it:
/// the tests measure strategies that cheat. They are in no list. To be called once, before anything else.
pub fn add(strategies: Vec<Strategy>, tasks: Vec<tasks::Entry>) {
    // A second call would be a mistake of the program, and the first one stands.
    let _ = ADDED.set((strategies, tasks));
}
