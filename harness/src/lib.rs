//! The implementation of the program `goldilocks`: plans, measures and verifies.
//!
//! [`plan`] lists the cells. [`sweep`] runs the cells block by block, each in a child process ([`measure::cell`]), and
//! appends the samples to the [`record`]. [`data`] prepares what the tasks read. [`machine::topology`] chooses the
//! processors of each cell. [`machine::doctor`] looks for anything that would spoil the figures.

#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod cli;
pub mod data;
pub mod interrupt;
pub mod journal;
pub mod machine;
pub mod measure;
pub mod overview;
pub mod peers;
pub mod plan;
pub mod progress;
pub mod sweep;

use std::sync::{Arc, OnceLock};
use strategies::{AnyTask, Error, Result, Strategy};
use tasks::Inputs;

/// Every strategy that the command line lists: the catalogue's, then the exercises'.
pub fn strategies() -> impl Iterator<Item = &'static Strategy> {
    ::strategies::catalogue::ALL.iter().chain(exercises::ALL)
}

/// Finds a strategy by name in the catalogue, the exercises and what was [`add`]ed.
pub fn find_strategy(name: &str) -> Option<&'static Strategy> {
    strategies().chain(added().0).find(|strategy| strategy.name == name)
}

/// Finds a task by name among the built-in tasks and those that were [`add`]ed.
pub fn find_task(name: &str) -> Option<&'static tasks::Entry> {
    let name = record::task_name(name);
    tasks::find(name).or_else(|| added().1.iter().find(|entry| entry.name == name))
}

/// Loads the named task and returns the task with its entry.
///
/// # Errors
/// When no task has this name, or its input is missing.
pub fn load_task(name: &str, inputs: &Inputs) -> Result<(Arc<dyn AnyTask>, &'static tasks::Entry)> {
    let entry = find_task(name);
    let entry = entry.ok_or_else(|| Error::task(format!("no task `{name}`; `goldilocks list` names them all")))?;
    Ok(((entry.load)(inputs)?, entry))
}

static ADDED: OnceLock<(Vec<Strategy>, Vec<tasks::Entry>)> = OnceLock::new();

/// Adds strategies and tasks to this process. The tests use this function to measure strategies that cheat. The command
/// line accepts the added names but does not list them. Call this function once, before anything else.
pub fn add(strategies: Vec<Strategy>, tasks: Vec<tasks::Entry>) {
    // A second call would be a programming mistake and is ignored.
    let _ = ADDED.set((strategies, tasks));
}

/// Returns the strategies and tasks that were [`add`]ed.
pub(crate) fn added() -> (&'static [Strategy], &'static [tasks::Entry]) {
    ADDED.get().map_or((&[], &[]), |(strategies, tasks)| (strategies, tasks))
}

/// Returns the folder of the justfile whose recipe started the program, if one did.
pub(crate) fn recipes() -> Option<std::ffi::OsString> {
    std::env::var_os("GOLDILOCKS_RECIPES").filter(|folder| !folder.is_empty())
}

/// Returns the words that start a command of this program, for messages: `goldilocks sweep`, or `just bench` if `just`
/// started the program.
pub(crate) fn command(name: &str) -> String {
    match (recipes().is_some(), name) {
        (true, "sweep") => "just bench".to_owned(),
        (true, name) => format!("just goldilocks {name}"),
        (false, name) => format!("goldilocks {name}"),
    }
}

/// Writes a number with its noun: `1 core`, `2 cores`.
pub(crate) fn counted(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}
