//! What is computed: one file or folder per task, one line each below.
//!
//! A task never names a strategy, and no other crate names a task: the harness asks each [`Entry`] and calls its [`Hooks`].

mod columns;
mod connections;
mod digest;
mod hooks;
mod named;
mod numbered;
pub mod products;
mod random;
mod table;

pub use hooks::{Data, Database, Hooks, Preparation, Secrets, Unprepared};

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
    /// The options that this task reads, for the record: name and value.
    pub options: fn(&Inputs) -> BTreeMap<String, String>,
    /// What the task adds to the harness and the report: as a rule, nothing.
    pub hooks: Hooks,
}

/// Declares the tasks' files and lists them in `ALL`, in the order given. Each has an `ENTRY` and its `Options`.
macro_rules! tasks {
    ($($name:ident),* $(,)?) => {
        $(pub mod $name;)*

        /// Every task, in the order of every list. The first three are what a sweep compares by default.
        pub const ALL: &[Entry] = &[$($name::ENTRY),*];

        /// The options of all tasks. A task looks at its own.
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
    noop,
    virtual_work,
}

impl Inputs {
    /// Takes over the values of all options that no file may hold.
    pub fn copy_secrets(&mut self, from: &Inputs) {
        ALL.iter().for_each(|entry| (entry.hooks.secrets.copy)(from, self));
    }
}

/// The options of a task that has none of its own.
#[derive(Debug, Clone, Default, PartialEq, clap::Args, serde::Serialize, serde::Deserialize)]
#[group(skip)]
pub struct NoOptions {}

/// The task of that name.
pub fn find(name: &str) -> Option<&'static Entry> {
    ALL.iter().find(|entry| entry.name == name)
}
