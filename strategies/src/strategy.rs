//! How jobs are run: the parts of every strategy.

use crate::{Jobs, Result};
use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// A way to run jobs: one file of the [catalogue](mod@crate::catalogue).
#[derive(Clone, Copy)]
pub struct Strategy {
    /// The one spelling of its file, its value on the command line and in records, and its label in plots.
    pub name: &'static str,
    /// The text of its file. The first lines introduce it; see [`Strategy::header`].
    pub source: &'static str,
    /// Starts the workers. The run's timing does not include it.
    pub start: fn(&Setup) -> Result<Box<dyn Workers>>,
}

/// Workers that have started and wait for jobs.
pub trait Workers {
    /// Runs every job, never more than [`Setup::workers`] at one moment, and returns when the last has ended.
    ///
    /// # Errors
    /// When workers cannot be started or reached. A job itself reports what fails inside it.
    fn run(&mut self, jobs: Jobs) -> Result<()>;

    /// Whether jobs can be in progress at the same moment when there is more than one worker.
    fn is_parallel(&self) -> bool {
        true
    }

    /// Whether every job is pulled before the first is run. Such a strategy cannot follow an endless source.
    fn splits_in_advance(&self) -> bool {
        false
    }
}

/// What workers need to know before they start.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The most jobs in progress at one moment.
    pub workers: NonZeroUsize,
    /// How to start a worker that shares no memory with this process, if the caller can.
    pub worker: Option<WorkerCommand>,
}

/// A program that serves the current task over its standard input and output: see [`crate::wire`].
#[derive(Debug, Clone)]
pub struct WorkerCommand {
    /// The program to start.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// What is added to its environment: the task, which is no argument because it may contain a password.
    pub environment: Vec<(OsString, OsString)>,
}

/// The description of a strategy in its own file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// What it does.
    pub about: &'static str,
    /// When it is the right choice.
    pub good: &'static str,
    /// When it is the wrong choice.
    pub bad: &'static str,
    /// What to look for in a trace.
    pub trace: &'static str,
}

impl Strategy {
    /// The four lines with which its file begins: a reader of the file and a reader of the report see the same text.
    pub fn header(&self) -> Header {
        let line = |start: &str| {
            let mut lines = self.source.lines().map_while(|line| line.strip_prefix("//!"));
            lines.find_map(|line| line.trim().strip_prefix(start)).unwrap_or_default().trim()
        };
        Header { about: line(""), good: line("Good when:"), bad: line("Bad when:"), trace: line("In the trace:") }
    }

    /// Starts the workers.
    ///
    /// # Errors
    /// When they cannot be started.
    pub fn start(&self, setup: &Setup) -> Result<Box<dyn Workers>> {
        (self.start)(setup)
    }
}

impl std::fmt::Debug for Strategy {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.name)
    }
}
