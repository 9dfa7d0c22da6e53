//! The tasks. Each task is one file or folder and one line below.
//!
//! A task never names a strategy, and no other crate names a task. The harness reads each [`Entry`] and calls its
//! [`Hooks`].

#![deny(clippy::print_stdout, clippy::print_stderr)]

mod columns;
mod connections;
mod digest;
mod hooks;
mod lines;
mod named;
mod numbered;
pub mod products;
mod random;
mod sizing;
mod table;
mod table_name;

pub use hooks::{Data, Database, Hooks, Preparation, PreparedServer, Secrets, Unprepared, Variant};
pub use lines::Lines;
pub use sizing::Sizing;
pub use table_name::TableName;

use std::collections::BTreeMap;
use std::sync::Arc;
use strategies::{AnyTask, Result};

/// The description of a task for the command line and the report. Each task has one entry in its file.
#[derive(Clone, Copy)]
pub struct Entry {
    /// The name: the name of the file, the word on the command line and the value in records.
    pub name: &'static str,
    /// One sentence that says what the task does.
    pub about: &'static str,
    /// The unit of the partition size.
    pub unit: &'static str,
    /// The partition sizes of a sweep in ascending order.
    pub sizes: &'static [u64],
    /// The partition size where only one is compared; one of `sizes`.
    pub default_size: u64,
    /// Builds the task, here or in a worker process. The same inputs give the same task.
    pub load: fn(&Inputs) -> Result<Arc<dyn AnyTask>>,
    /// Returns the options that this task reads, for the record: name and value.
    pub options: fn(&Inputs) -> BTreeMap<String, String>,
    /// How a sweep fits the work to the machine. `None` for a task whose work has one size.
    pub sizing: Option<Sizing>,
    /// The hooks of the task. Most tasks have none.
    pub hooks: Hooks,
}

/// Declares the files of the tasks and lists their entries in `ALL` in the given order. Each file has an `ENTRY` and
/// `Options`.
macro_rules! tasks {
    ($($name:ident),* $(,)?) => {
        $(pub mod $name;)*

        /// Every task, in the order of every list. The first three are what a sweep compares by default.
        pub const ALL: &[Entry] = &[$($name::ENTRY),*];

        /// The options of all tasks. A task reads only its own.
        #[derive(Debug, Clone, Default, PartialEq, clap::Args, serde::Serialize, serde::Deserialize)]
        #[serde(default)]
        pub struct Inputs {
            $(
                #[doc = concat!("Options of `", stringify!($name), "`.")]
                #[command(flatten)]
                pub $name: $name::Options,
            )*
        }
    };
}

tasks! {
    count,
    word_totals,
    cursor_pages,
    cursor_ranges,
    cursor_work,
    noop,
    virtual_work,
    word_count,
}

impl Inputs {
    /// Copies the values of all options that no file may contain.
    pub fn copy_secrets(&mut self, from: &Inputs) {
        ALL.iter().for_each(|entry| (entry.hooks.secrets.copy)(from, self));
    }
}

/// The options of a task without options of its own.
#[derive(Debug, Clone, Default, PartialEq, clap::Args, serde::Serialize, serde::Deserialize)]
#[group(skip)]
pub struct NoOptions {}

impl Entry {
    /// Returns the variant that the name of a cell's task ends with, such as `word_totals:book`.
    pub fn variant(&self, name: &str) -> Option<&'static Variant> {
        let (_, variant) = name.split_once(record::VARIANT)?;
        self.hooks.variants.iter().find(|it| it.name == variant)
    }
}

/// Returns the task with this name.
pub fn find(name: &str) -> Option<&'static Entry> {
    ALL.iter().find(|entry| entry.name == name)
}
