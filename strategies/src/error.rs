//! What can go wrong between a task and its total.

use std::fmt::Display;

/// The result of everything that can fail here.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong, to what, and what to do next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The task's own error: its input is missing, malformed or unreachable.
    #[error("{0}")]
    Task(String),
    /// The task's code panicked.
    #[error("the task panicked: {0}")]
    Panicked(String),
    /// The strategy let a job go without running it.
    #[error("the strategy dropped the job without running it")]
    Dropped,
    /// Workers could not be started or reached.
    #[error("{0}")]
    Worker(String),
    /// A partition or a partial did not survive the way to or from a worker that shares no memory.
    #[error("on the wire: {0}")]
    Wire(String),
    /// A job was finished with the answer to another one.
    #[error(
        "it was finished with the answer to partition {answered}; \
         each answer must go to the job whose request it answers"
    )]
    Mismatched {
        /// The partition that the answer is for.
        answered: u64,
    },
    /// A job was finished with an answer that another job has been finished with already.
    #[error(
        "it was finished with the answer to partition {answered}, which was counted already; \
         each answer must be used once"
    )]
    Repeated {
        /// The partition that the answer is for.
        answered: u64,
    },
    /// A job was finished with an answer that was given in an earlier run.
    #[error("it was finished with an answer from an earlier run; nothing may be kept from one run to the next")]
    Stale,
    /// At least one partition failed. The others were run all the same.
    #[error("partition {number} failed: {source}{}", more(*.others))]
    Partition {
        /// The first partition that failed, in input order, counted from 0.
        number: u64,
        /// How many failed besides it.
        others: u64,
        /// Why that first one failed.
        source: Box<Error>,
    },
    /// The strategy returned while jobs were still under way.
    #[error(
        "the strategy returned before its jobs had ended: {missing} of {handed_out} have not reported; \
         `Workers::run` must wait for the last of them"
    )]
    Unfinished {
        /// Jobs that have not reported.
        missing: u64,
        /// Jobs that the strategy pulled.
        handed_out: u64,
    },
    /// The strategy returned before the accumulators of its workers were reduced.
    #[error(
        "the strategy returned before {missing} of the final reduce's {planned} jobs had ended; \
         `Workers::run` must run every job that it is given, in a second run too"
    )]
    Unreduced {
        /// Jobs of the reduce that have not ended.
        missing: usize,
        /// Jobs of the reduce that the strategy was given.
        planned: usize,
    },
    /// The strategy returned without having pulled every job.
    #[error(
        "the strategy stopped pulling jobs after {handed_out}, before the last one; \
         `Workers::run` must go on until `jobs.next()` returns `None`"
    )]
    Abandoned {
        /// Jobs that the strategy pulled.
        handed_out: u64,
    },
    /// The run was cancelled from outside.
    #[error("cancelled after {delivered} partitions")]
    Cancelled {
        /// Partitions whose partials were delivered before the end.
        delivered: u64,
        /// Jobs that were begun after that, because they had been pulled before it.
        late: u64,
    },
}

impl Error {
    /// A task's own error, from anything that can be shown to the user.
    pub fn task(reason: impl Display) -> Self {
        Error::Task(reason.to_string())
    }

    /// The trouble with a worker, from anything that can be shown to the user.
    pub fn worker(reason: impl Display) -> Self {
        Error::Worker(reason.to_string())
    }
}

fn more(others: u64) -> String {
    match others {
        0 => String::new(),
        1 => " (and 1 more failed)".to_owned(),
        _ => format!(" (and {others} more failed)"),
    }
}

/// Puts what a panic carried into words.
pub(crate) fn panic_message(payload: &(dyn std::any::Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "it gave no message".to_owned()
    }
}
