//! The parts of every strategy.

use crate::{Jobs, Result};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// A way to run jobs. Each strategy is one file of the [catalogue](mod@crate::catalogue).
#[derive(Clone, Copy)]
pub struct Strategy {
    /// The name: the name of the file, the value on the command line and in records, and the label in plots.
    pub name: &'static str,
    /// The source text of the file. [`Strategy::header`] reads the first lines.
    pub source: &'static str,
    /// Starts the workers. The timing of a run does not include the start.
    pub start: fn(&Setup) -> Result<Box<dyn Workers>>,
}

/// Workers that have started and wait for jobs.
pub trait Workers {
    /// Runs every job, at most [`Setup::workers`] at the same time. Returns when the last job has ended.
    ///
    /// # Errors
    /// When workers cannot be started or a connection to them fails. A job itself reports a failure inside the job.
    fn run(&mut self, jobs: Jobs) -> Result<()>;

    /// Returns `true` if several workers can have jobs in progress at the same time.
    fn is_parallel(&self) -> bool {
        true
    }

    /// Returns `true` if the strategy pulls every job before it runs the first. Such a strategy cannot process an
    /// endless source.
    fn splits_in_advance(&self) -> bool {
        false
    }
}

/// The settings with which workers start.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The largest number of jobs in progress at the same time.
    pub workers: NonZeroUsize,
    /// The command that starts a worker without shared memory. `None` if the caller has no such command.
    pub worker: Option<WorkerCommand>,
}

/// The command of a program that serves the current task over its standard input and output (see [`crate::wire`]).
#[derive(Debug, Clone)]
pub struct WorkerCommand {
    /// The program to start.
    pub program: PathBuf,
    /// The name that the process shows: its argument 0.
    pub name: OsString,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Additional environment variables. They contain the task, which is no argument because it may contain a password.
    pub environment: Vec<(OsString, OsString)>,
}

/// The description of a strategy in its own file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The first line of the file: what the strategy does.
    pub about: &'static str,
    /// The conditions under which the strategy is the right choice.
    pub good: &'static str,
    /// The conditions under which the strategy is the wrong choice.
    pub bad: &'static str,
    /// The pattern to look for in a trace.
    pub trace: &'static str,
}

impl Strategy {
    /// Returns the first four lines of the file. So the report shows the same text as the file.
    pub fn header(&self) -> Header {
        let line = |start: &str| {
            let mut lines = self.source.lines().map_while(|line| line.strip_prefix("//!"));
            lines.find_map(|line| line.trim().strip_prefix(start)).unwrap_or_default().trim()
        };
        Header { about: line(""), good: line("Good when:"), bad: line("Bad when:"), trace: line("In the trace:") }
    }

    /// Returns the libraries that the file imports besides the standard one, as `Cargo.toml` names them.
    pub fn libraries(&self) -> Vec<String> {
        const OWN: [&str; 7] = ["std", "core", "alloc", "strategies", "crate", "super", "self"];
        let first = |line: &'static str| {
            let path = line.strip_prefix("use ")?.trim_start_matches("::");
            path.split([':', ';', ' ']).next()
        };
        let imported: BTreeSet<&str> = self.source.lines().filter_map(first).collect();
        imported.into_iter().filter(|name| !OWN.contains(name)).map(|name| name.replace('_', "-")).collect()
    }

    /// Returns `false` if only one job at a time can be in progress, however many cores there are.
    pub fn is_parallel(&self) -> bool {
        let one = Setup { workers: NonZeroUsize::MIN, worker: None };
        // A strategy that needs a command for its workers cannot start here, and is parallel.
        self.start(&one).map_or(true, |workers| workers.is_parallel())
    }

    /// Returns `false` if the workers are processes, which share no memory.
    pub fn shares_memory(&self) -> bool {
        // Only such a strategy needs a command for its workers.
        self.start(&Setup { workers: NonZeroUsize::MIN, worker: None }).is_ok()
    }

    /// Starts the workers.
    ///
    /// # Errors
    /// When the workers cannot be started.
    pub fn start(&self, setup: &Setup) -> Result<Box<dyn Workers>> {
        (self.start)(setup)
    }
}

impl std::fmt::Debug for Strategy {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.name)
    }
}
