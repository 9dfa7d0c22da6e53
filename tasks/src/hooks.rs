//! The hooks with which a task extends the harness and the report. Every hook has a default that does nothing.

use crate::Inputs;
use record::Detail;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use strategies::Combine;

/// The hooks of a task.
#[derive(Clone, Copy)]
pub struct Hooks {
    /// Installs what the task needs and this machine lacks, such as a database server, if the user wants that.
    pub install: fn(&Inputs) -> Result<(), String>,
    /// Completes the inputs of the task before any measurement. For instance, makes a file or starts a server.
    pub prepare: fn(&mut Preparation) -> Result<(), Unprepared>,
    /// Completes the inputs with the results of an earlier preparation in a folder. Makes nothing.
    pub reuse: fn(&mut Inputs, &Path),
    /// Returns the data that the task reads, as far as its inputs name them.
    pub data: fn(&Inputs) -> Data,
    /// The options that no file may contain.
    pub secrets: Secrets,
    /// The fastest choice of an option, where a command uses it by default: the option's name and value.
    pub fastest: &'static [(&'static str, &'static str)],
    /// The choice of an option with which the task is an example of the book: the option's name and value.
    pub book: &'static [(&'static str, &'static str)],
    /// Returns what the report shows of the task besides its times.
    pub details: fn() -> Vec<Detail>,
    /// Other ways to do the same work, which a default sweep compares on every number of cores.
    pub variants: &'static [Variant],
    /// The ways to keep the total where all workers change it while they map.
    pub states: &'static [Combine],
}

/// Another way to do the work of a task, with the same answer.
#[derive(Clone, Copy)]
pub struct Variant {
    /// The name, which follows that of the task in records: `word_totals:book`.
    pub name: &'static str,
    /// The approximate time, divided by that of the task's default way.
    pub cost: f64,
    /// Changes the inputs to this way.
    pub choose: fn(&mut Inputs),
}

impl Hooks {
    /// The hooks of a task without special needs.
    pub const NONE: Hooks = Hooks {
        install: |_| Ok(()),
        prepare: |_| Ok(()),
        reuse: |_, _| (),
        data: |_| Data { file: None, named: Vec::new(), cold: false, database: None, bytes: 0 },
        secrets: Secrets { options: &[], copy: |_, _| () },
        fastest: &[],
        book: &[],
        details: Vec::new,
        variants: &[],
        states: &[],
    };
}

/// The state of a preparation: the inputs to complete, the means and the results.
pub struct Preparation<'a> {
    /// The inputs. A task adds the values that the user did not give.
    pub inputs: Inputs,
    /// The folder in which data are made once and kept.
    pub folder: &'a Path,
    /// Shows the user a message about a slow step.
    pub say: &'a dyn Fn(&str),
    /// Becomes true when the user asks to stop. A wait for another program must then end.
    pub stop: Arc<AtomicBool>,
    /// The facts and choices for the record: name and value.
    pub notes: BTreeMap<String, String>,
    /// The servers that the tasks read.
    pub servers: Vec<Box<dyn PreparedServer>>,
    /// The servers that could not be started, with the reason. A second task does not try again.
    pub unavailable: BTreeMap<&'static str, String>,
}

/// A server that tasks read. Dropping it removes what the preparation has made, but reports no error.
pub trait PreparedServer {
    /// Whether the server answers.
    fn is_alive(&self) -> bool;

    /// Brings a dead server back, with the same address and the same data.
    ///
    /// # Errors
    /// When the server does not come back. The reason says why.
    fn revive(&mut self) -> Result<(), String>;

    /// Removes what the preparation has made.
    ///
    /// # Errors
    /// When something is left behind. The reason says what.
    fn stop(self: Box<Self>) -> Result<(), String>;
}

/// The error of a task that cannot be prepared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unprepared {
    /// This machine lacks something. The task is skipped, and the other tasks are measured.
    Skip(String),
    /// Something that the user named is missing, or data cannot be made. Nothing is measured.
    Fail(String),
}

/// The data that a task reads.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Data {
    /// The file whose residency in the page cache matters.
    pub file: Option<PathBuf>,
    /// The files that the user named. No output may replace them.
    pub named: Vec<PathBuf>,
    /// `true` if the page cache must drop the file before each run.
    pub cold: bool,
    /// The database that the task reads.
    pub database: Option<Database>,
    /// The approximate number of bytes that the task reads.
    pub bytes: u64,
}

/// A database that a task reads.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Database {
    /// The address of the server, which may contain a password.
    pub url: String,
    /// The table, if already known.
    pub table: Option<String>,
}

/// Options that no file may contain, such as an address with a password.
#[derive(Clone, Copy)]
pub struct Secrets {
    /// The names on the command line, without dashes.
    pub options: &'static [&'static str],
    /// Copies the values of these options from one set of inputs to another.
    pub copy: fn(&Inputs, &mut Inputs),
}
