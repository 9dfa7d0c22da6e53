//! What a task may add to the harness and the report beside its computation. Every hook has a default that does nothing.

use crate::Inputs;
use record::Detail;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What a task adds to the harness and the report.
#[derive(Clone, Copy)]
pub struct Hooks {
    /// Completes the task's inputs before anything is measured: makes a file, starts a server.
    pub prepare: fn(&mut Preparation) -> Result<(), Unprepared>,
    /// Fills in what an earlier preparation has left in a folder, and makes nothing.
    pub reuse: fn(&mut Inputs, &Path),
    /// What the task reads, as far as its inputs name it.
    pub data: fn(&Inputs) -> Data,
    /// Options that no file may hold.
    pub secrets: Secrets,
    /// What the report shows of the task beside its times.
    pub details: fn() -> Vec<Detail>,
}

impl Hooks {
    /// The hooks of a task that needs none.
    pub const NONE: Hooks = Hooks {
        prepare: |_| Ok(()),
        reuse: |_, _| (),
        data: |_| Data { file: None, cold: false, database: None, bytes: 0 },
        secrets: Secrets { options: &[], copy: |_, _| () },
        details: Vec::new,
    };
}

/// Inputs on their way to completion, and what a preparation needs and leaves behind.
pub struct Preparation<'a> {
    /// The inputs, in which a task fills in what the user left open.
    pub inputs: Inputs,
    /// The folder in which data is made once and kept.
    pub folder: &'a Path,
    /// Tells the user what takes time.
    pub say: &'a dyn Fn(&str),
    /// What was found and chosen, for the record: name and value.
    pub notes: BTreeMap<String, String>,
    /// What stops the servers that were started. Dropping one stops its server too, without an error.
    pub stops: Vec<Box<dyn FnOnce() -> Result<(), String>>>,
    /// Servers that could not be started, and why: a second task does not try again.
    pub unavailable: BTreeMap<&'static str, String>,
}

/// Why a task cannot be prepared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unprepared {
    /// This machine lacks something: the task is skipped, and the others are measured.
    Skip(String),
    /// Something that the user named is missing, or data cannot be made: nothing is measured.
    Fail(String),
}

/// What a task reads.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Data {
    /// The file whose residency in the page cache matters.
    pub file: Option<PathBuf>,
    /// Whether the page cache must drop the file before each run.
    pub cold: bool,
    /// The database that it reads.
    pub database: Option<Database>,
    /// How many bytes it reads, about.
    pub bytes: u64,
}

/// A database that a task reads.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Database {
    /// The server's address, which may hold a password.
    pub url: String,
    /// The table, if it is known already.
    pub table: Option<String>,
}

/// Options that no file may hold, such as an address with a password.
#[derive(Clone, Copy)]
pub struct Secrets {
    /// Their names on the command line, without dashes.
    pub options: &'static [&'static str],
    /// Copies their values from one set of inputs to another.
    pub copy: fn(&Inputs, &mut Inputs),
}
