//! How jobs are run: what every strategy is made of.

use crate::{Jobs, Result};
use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// A way to run jobs: one file of the [catalogue](mod@crate::catalogue).
#[derive(Clone, Copy)]
pub struct Strategy {
    /// Its file, its word on the command line, its value in records, its label in plots: one spelling.
    pub name: &'static str,
    /// The text of its file. The first lines introduce it; see [`Strategy::header`].
    pub source: &'static str,
    /// Brings the workers up. Timed apart from the run.
    pub start: fn(&Setup) -> Result<Box<dyn Workers>>,
}

/// Workers that are up and wait for jobs.
pub trait Workers {
    /// Runs every job, never more than [`Setup::workers`] at one moment, and returns when the last has ended.
    ///
    /// # Errors
    /// When workers cannot be started or reached. What goes wrong inside a job, the job reports itself.
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

/// What workers are told before they start.
#[derive(Debug, Clone)]
pub struct Setup {
    /// At most this many jobs in progress at one moment.
    pub workers: NonZeroUsize,
    /// How to start a worker that shares no memory with us, if the caller can.
    pub worker: Option<WorkerCommand>,
}

/// A program that, once started, serves the task at hand over its standard input and output: see [`crate::wire`].
#[derive(Debug, Clone)]
pub struct WorkerCommand {
    /// The program to start.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// What its environment has besides ours: the task, which may name a password and so may not be an argument.
    pub environment: Vec<(OsString, OsString)>,
}

/// A strategy in its own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// What it does.
    pub about: &'static str,
    /// When it is the right choice.
    pub good: &'static str,
    /// When it is the wrong one.
    pub bad: &'static str,
    /// What to look for in a trace.
    pub trace: &'static str,
}

impl Strategy {
    /// The four lines with which its file begins, the same text for a reader of the file and of the report.
    pub fn header(&self) -> Header {
        let line = |start: &str| {
            let found = self.source.lines().take_while(|line| line.starts_with("//!"));
            found.filter_map(|line| line.strip_prefix("//!")).find_map(|line| line.trim().strip_prefix(start))
        };
        Header {
            about: line("").unwrap_or_default().trim(),
            good: line("Good when:").unwrap_or_default().trim(),
            bad: line("Bad when:").unwrap_or_default().trim(),
            trace: line("In the trace:").unwrap_or_default().trim(),
        }
    }

    /// Brings the workers up, with `workers` in all and no way to start a process.
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
