//! The errors of a run.

use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The result type of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// An error of a run. The message says what failed and what to do next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The task's own error: its input is missing, malformed or unreachable.
    #[error("{0}")]
    Task(String),
    /// The task's code panicked.
    #[error("the task panicked: {0}")]
    Panicked(String),
    /// The strategy dropped a job without running it.
    #[error("the strategy dropped the job without running it")]
    Dropped,
    /// Workers could not be started, or a connection to them failed.
    #[error("{0}")]
    Worker(String),
    /// Something outside the program killed a worker.
    #[error("{0}")]
    Killed(String),
    /// A partition or a partial was damaged on its way to or from a worker that shares no memory.
    #[error("on the wire: {0}")]
    Wire(String),
    /// The strategy finished a job with the answer to another job.
    #[error(
        "it was finished with the answer to partition {answered}; \
         each answer must go to the job whose request it answers"
    )]
    Mismatched {
        /// The partition to which the answer belongs.
        answered: u64,
    },
    /// The strategy finished a job with an answer that was already used for another job.
    #[error(
        "it was finished with the answer to partition {answered}, which was counted already; \
         each answer must be used once"
    )]
    Repeated {
        /// The partition to which the answer belongs.
        answered: u64,
    },
    /// The strategy finished a job with an answer from an earlier run.
    #[error("it was finished with an answer from an earlier run; a strategy must keep no answer between runs")]
    Stale,
    /// At least one partition failed. All other partitions were run nevertheless.
    #[error("partition {number} failed: {source}{}", more(*.others))]
    Partition {
        /// The first partition that failed, in input order, counted from 0.
        number: u64,
        /// The number of other partitions that failed.
        others: u64,
        /// The error of the first partition that failed.
        source: Box<Error>,
    },
    /// The strategy returned while jobs were still in progress.
    #[error(
        "the strategy returned before its jobs had ended: {missing} of {handed_out} have not reported; \
         `Workers::run` must wait for the last of them"
    )]
    Unfinished {
        /// The number of jobs that have not reported.
        missing: u64,
        /// The number of jobs that the strategy pulled.
        handed_out: u64,
    },
    /// The strategy returned before the accumulators of its workers were reduced.
    #[error(
        "the strategy returned before {missing} of the final reduce's {planned} jobs had ended; \
         `Workers::run` must run every job that it is given, in a second run too"
    )]
    Unreduced {
        /// The number of jobs of the reduce that have not ended.
        missing: usize,
        /// The number of jobs of the reduce that the strategy received.
        planned: usize,
    },
    /// The strategy returned without having pulled every job.
    #[error(
        "the strategy stopped pulling jobs after {handed_out}, before the last one; \
         `Workers::run` must go on until `jobs.next()` returns `None`"
    )]
    Abandoned {
        /// The number of jobs that the strategy pulled.
        handed_out: u64,
    },
    /// The run was cancelled from outside.
    #[error("cancelled after {delivered} partitions")]
    Cancelled {
        /// The number of partials that were delivered before the end.
        delivered: u64,
        /// The number of jobs that began after the cancellation because they had been pulled before.
        late: u64,
    },
}

impl Error {
    /// Makes an error of a task from anything that can be displayed.
    pub fn task(reason: impl Display) -> Self {
        Error::Task(reason.to_string())
    }

    /// Makes an error of a worker from anything that can be displayed.
    pub fn worker(reason: impl Display) -> Self {
        Error::Worker(reason.to_string())
    }

    /// Makes the error of a partition that no process could finish, from the errors of all its processes.
    pub fn lost(deaths: &[Error]) -> Self {
        let (count, last) = (deaths.len(), deaths.last().map_or_else(String::new, Error::to_string));
        let sentence = format!(
            "{last}; {count} worker processes were tried with this partition. If memory is short, use fewer workers or \
             smaller partitions. Otherwise `sequential` shows what ends the process"
        );
        match deaths.last() {
            Some(Error::Killed(_)) => Error::Killed(sentence),
            _ => Error::Worker(sentence),
        }
    }
}

fn more(others: u64) -> String {
    match others {
        0 => String::new(),
        _ => format!(" (and {others} more failed)"),
    }
}

/// Calls `work` and turns a panic into an error.
///
/// Asserting unwind safety is correct, because a panic fails the run. Nothing reads the state that `work` left.
pub(crate) fn catch<R>(work: impl FnOnce() -> Result<R>) -> Result<R> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|payload| {
        let message = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let message = message.or_else(|| payload.downcast_ref::<String>().cloned());
        Err(Error::Panicked(message.unwrap_or_else(|| "it gave no message".to_owned())))
    })
}
