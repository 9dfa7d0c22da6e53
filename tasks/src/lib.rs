//! What is computed: one file or folder per task, one line each below.
//!
//! A task never names a strategy. Its kernel is the same for all of them: a strategy only decides who runs which
//! partition when.

mod columns;
mod connections;
pub mod count;
pub mod cursor_pages;
pub mod cursor_ranges;
mod digest;
pub mod noop;
pub mod products;
mod random;
pub mod virtual_work;
pub mod word_totals;

use std::collections::BTreeMap;
use std::sync::Arc;
use strategies::{AnyTask, Result};

/// A task as the command line and the report see it. Each task's file has one.
#[derive(Clone, Copy)]
pub struct Entry {
    /// Its file, its word on the command line, its value in records: one spelling.
    pub name: &'static str,
    /// What it does, in one sentence.
    pub about: &'static str,
    /// What its partition size counts.
    pub unit: &'static str,
    /// The partition sizes of a sweep, ascending.
    pub sizes: &'static [u64],
    /// The one of them that is used where only one is compared.
    pub default_size: u64,
    /// Builds the task, here or in a worker process: the same inputs give the same task.
    pub load: fn(&Inputs) -> Result<Arc<dyn AnyTask>>,
    /// The options that this task listens to, for the record: name and value.
    pub options: fn(&Inputs) -> BTreeMap<String, String>,
}

/// One line per task: the order of every list. The first three are what a sweep compares unless told otherwise.
pub const ALL: &[Entry] =
    &[count::ENTRY, word_totals::ENTRY, cursor_pages::ENTRY, cursor_ranges::ENTRY, noop::ENTRY, virtual_work::ENTRY];

/// The tasks that read a table on a PostgreSQL server.
pub const ON_A_SERVER: &[&str] = &[cursor_pages::ENTRY.name, cursor_ranges::ENTRY.name];

/// The task of that name.
pub fn find(name: &str) -> Option<&'static Entry> {
    ALL.iter().find(|entry| entry.name == name)
}

/// The options of all tasks. A task looks at its own.
#[derive(Debug, Clone, Default, PartialEq, clap::Args, serde::Serialize, serde::Deserialize)]
pub struct Inputs {
    /// Options of `count`.
    #[command(flatten)]
    pub count: count::Options,
    /// Options of `word_totals`.
    #[command(flatten)]
    pub word_totals: word_totals::Options,
    /// Options of `cursor_pages`.
    #[command(flatten)]
    pub cursor_pages: cursor_pages::Options,
    /// Options of `noop`.
    #[command(flatten)]
    pub noop: noop::Options,
    /// Options of `virtual_work`.
    #[command(flatten)]
    pub virtual_work: virtual_work::Options,
}
