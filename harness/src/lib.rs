//! Plans, measures and verifies: everything behind the program `goldilocks`.
//!
//! [`plan`] lists the cells. [`sweep`] runs them block by block, each in a child process ([`measure::cell`]), and appends
//! their answers to the [`record`]. [`data`] prepares what the tasks read, [`machine::topology`] chooses their processors,
//! and [`machine::doctor`] looks for anything that would spoil the figures.

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

/// The strategy with this name: from the catalogue, the exercises, or what was [`add`]ed.
pub fn find_strategy(name: &str) -> Option<&'static Strategy> {
    strategies().chain(added().0).find(|strategy| strategy.name == name)
}

/// The task with this name: one of the tasks, or one that was [`add`]ed.
pub fn find_task(name: &str) -> Option<&'static tasks::Entry> {
    tasks::find(name).or_else(|| added().1.iter().find(|entry| entry.name == name))
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

/// Adds strategies and tasks to this process, for a program that is `goldilocks` and more: the tests measure strategies
/// that cheat. The command line accepts their names and lists them nowhere. Call it once, before anything else.
pub fn add(strategies: Vec<Strategy>, tasks: Vec<tasks::Entry>) {
    // A second call would be a mistake of the program, and the first one stands.
    let _ = ADDED.set((strategies, tasks));
}

/// What was [`add`]ed.
pub(crate) fn added() -> (&'static [Strategy], &'static [tasks::Entry]) {
    ADDED.get().map_or((&[], &[]), |(strategies, tasks)| (strategies, tasks))
}

/// The words with which the user starts a command of this program: `goldilocks sweep`, or `just bench` if just runs it.
pub(crate) fn command(name: &str) -> String {
    match (std::env::var_os("GOLDILOCKS_RECIPES").is_some(), name) {
        (true, "sweep") => "just bench".to_owned(),
        (true, name) => format!("just goldilocks {name}"),
        (false, name) => format!("goldilocks {name}"),
    }
}
